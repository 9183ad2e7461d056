// What the rules gather about one statement, and how it becomes a verdict.

#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "sql_classifier/classification.h"

namespace weir::sql {

class ObjectReader;

struct Facts {
  StatementKind kind = StatementKind::unknown;
  Effect effects = Effect::none;
  // A statement that is no read has one reason, given by its first words. A read may have several
  // reasons against a replica: a bit for each Reason, in reasons.
  Reason reason = Reason::unknown_statement;
  std::uint32_t reasons = 0;
  bool replica_safe = false;  // a read, as far as nothing in `reasons` speaks against it
  bool names_seen = false;    // SET NAMES or CHARACTER SET
  std::string_view names_collation;
  ObjectReader* objects = nullptr;  // is told what the statement names; not in classify()

  void is(StatementKind k, Reason r, Effect e = Effect::none) {
    kind = k;
    reason = r;
    effects |= e;
    replica_safe = false;
  }
  void is_read() {
    kind = StatementKind::read;
    reason = Reason::plain_read;
    replica_safe = true;
  }
  // A read which only the primary answers, or the last connection.
  void is_read(Reason r, Effect e = Effect::none) {
    is_read();
    against(r, e);
  }
  void against(Reason r, Effect e = Effect::none) {
    reasons |= bit(r);
    effects |= e;
  }

  Placement placement() const {
    if (!replica_safe) return Placement::primary;
    if (reasons == 0) return Placement::any;
    return reasons == bit(Reason::previous_statement) ? Placement::last_connection
                                                      : Placement::primary;
  }
  // The first in the order of the enumeration, so that the answer does not depend on the text's
  // order.
  Reason main_reason() const {
    if (!replica_safe || reasons == 0) return reason;
    const std::uint32_t against_replica = reasons & ~bit(Reason::previous_statement);
    if (against_replica == 0) return Reason::previous_statement;
    return static_cast<Reason>(std::countr_zero(against_replica));
  }

  static constexpr std::uint32_t bit(Reason r) { return 1u << static_cast<unsigned>(r); }
};

static_assert(static_cast<unsigned>(Reason::hint) < 32, "a reason is a bit in Facts::reasons");

}  // namespace weir::sql
