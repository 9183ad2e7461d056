#include "proxy/core/pins.h"

#include <array>
#include <bit>

namespace weir {
namespace {

using sql::Effect;

struct PinningEffect {
  Effect effect;
  Pin pin;
};

constexpr PinningEffect kPinning[] = {
    {Effect::sets_user_variable, Pin::user_variable},
    {Effect::locks_tables, Pin::table_lock},
    {Effect::sets_untracked_variable, Pin::untracked_variable},
    {Effect::sets_next_transaction, Pin::next_transaction},
    {Effect::sets_session_tracking, Pin::session_tracking},
    {Effect::changes_role, Pin::role},
    {Effect::calls_routine, Pin::routine},
};

constexpr std::array<std::string_view, kPinCount> kNames = {"user_variable",
                                                            "temporary_table",
                                                            "table_lock",
                                                            "user_lock",
                                                            "prepared_text",
                                                            "handler",
                                                            "untracked_variable",
                                                            "next_transaction",
                                                            "session_tracking",
                                                            "role",
                                                            "routine",
                                                            "unseen_text",
                                                            "cursor"};

}  // namespace

std::string_view pin_name(Pin pin) {
  return kNames[static_cast<std::size_t>(pin)];
}

Pin PinSet::first() const {
  return static_cast<Pin>(std::countr_zero(bits_));
}

void apply_effects(PinSet& pins, const sql::Classification& statement, bool in_transaction) {
  // A plain read or write changes no pin but this one; most statements end here.
  const bool sets_next = statement.has(Effect::sets_next_transaction);
  if (pins.has(Pin::next_transaction) && !sets_next && !in_transaction &&
      statement.kind != sql::StatementKind::set) {
    pins.remove(Pin::next_transaction);
  }
  if (!sql::any(statement.effects)) return;
  // Several statements in one text may lock and unlock in any order: then a pin stays.
  if (statement.statements == 1) {
    if (statement.has(Effect::unlocks_tables)) pins.remove(Pin::table_lock);
  }
  for (const PinningEffect& rule : kPinning) {
    if (statement.has(rule.effect)) pins.add(rule.pin);
  }
}

}  // namespace weir
