#include "proxy/core/router.h"

#include <fmt/format.h>

#include <array>

namespace weir {
namespace {

Route to_primary(RouteCause cause, sql::Reason reason) {
  return {Destination::primary, cause, reason, Pin::unseen_text};
}

bool begins_read_only_transaction(const sql::Classification& statement) {
  return statement.kind == sql::StatementKind::begin && statement.statements == 1 &&
         statement.has(sql::Effect::begins_read_only_transaction);
}

// A read-only transaction on a replica has no say over what belongs to the session on its primary
// connection: variables, locks, prepared names, the last insert id. Such statements go there,
// outside of the transaction, which cannot have written anything. What might write stays, to be
// refused as it must.
bool leaves_replica_transaction(const sql::Classification& statement, const SessionFacts& session) {
  if (!session.transaction_on_replica || statement.has(sql::Effect::calls_routine)) return false;
  if (statement.placement != sql::Placement::primary) return false;
  switch (statement.kind) {
    case sql::StatementKind::read:
      return statement.reason != sql::Reason::locking_read &&
             statement.reason != sql::Reason::sequence;
    case sql::StatementKind::set:
      return !statement.has(sql::Effect::sets_autocommit);
    case sql::StatementKind::prepare:
      return true;
    default:
      return false;
  }
}

// A read that its transaction need not see, because the transaction has changed nothing and keeps
// no snapshot; and a question about such a read.
bool splits(const sql::Classification& statement, const SessionFacts& session,
            const RoutingConfig& config) {
  if (statement.kind != sql::StatementKind::read || config.mode == RoutingMode::observe)
    return false;
  if (session.user_route == UserRoute::primary || !session.pins.empty()) return false;
  return statement.placement == sql::Placement::any ||
         (statement.placement == sql::Placement::last_connection && session.read_elsewhere);
}

}  // namespace

Route decide(const sql::Classification& statement, const SessionFacts& session,
             const RoutingConfig& config) {
  const sql::Reason reason = statement.reason;
  if (session.may_split && splits(statement, session, config)) {
    const bool asks_back = statement.placement == sql::Placement::last_connection;
    return {asks_back ? Destination::last_connection : Destination::replica,
            RouteCause::transaction_reads, reason, Pin::unseen_text};
  }
  if (session.in_transaction && !leaves_replica_transaction(statement, session)) {
    return {Destination::transaction, RouteCause::transaction, reason, Pin::unseen_text};
  }
  if (session.user_route == UserRoute::primary) return to_primary(RouteCause::user_route, reason);
  if (session.in_transaction) return to_primary(RouteCause::statement, reason);
  if (!session.autocommit) return to_primary(RouteCause::autocommit_off, reason);
  if (!session.pins.empty()) {
    return {Destination::primary, RouteCause::pinned, reason, session.pins.first()};
  }
  if (config.mode == RoutingMode::observe) return to_primary(RouteCause::observe, reason);

  switch (statement.placement) {
    case sql::Placement::last_connection:
      return {Destination::last_connection, RouteCause::statement, reason, Pin::unseen_text};
    case sql::Placement::primary:
      return to_primary(RouteCause::statement, reason);
    case sql::Placement::any:
      break;
  }
  // COMMIT and the like may be harmless anywhere, but only a read gains from a replica.
  const bool read = statement.kind == sql::StatementKind::read ||
                    (begins_read_only_transaction(statement) && !session.serializable);
  if (!read) return to_primary(RouteCause::statement, reason);
  return {Destination::replica, RouteCause::statement, reason, Pin::unseen_text};
}

std::string_view cause_name(RouteCause cause) {
  constexpr std::array<std::string_view, 8> kNames = {
      "statement",  "transaction", "autocommit_off", "pinned",
      "user_route", "observe",     "primary_reads",  "transaction_reads"};
  return kNames[static_cast<std::size_t>(cause)];
}

std::string_view destination_name(Destination destination) {
  constexpr std::array<std::string_view, 4> kNames = {"primary", "replica", "transaction",
                                                      "last_connection"};
  return kNames[static_cast<std::size_t>(destination)];
}

RouteText describe(const Route& route) {
  RouteText text{destination_name(route.destination), cause_name(route.cause), {}};
  switch (route.cause) {
    case RouteCause::statement:
      text.reason = sql::reason_name(route.reason);
      text.detail = sql::reason_text(route.reason);
      break;
    case RouteCause::transaction:
      text.detail = "a transaction is open, its connection answers";
      break;
    case RouteCause::autocommit_off:
      text.detail = "autocommit is off, so the statement begins a transaction";
      break;
    case RouteCause::pinned:
      text.detail =
          fmt::format("the session holds state of its connection ({})", pin_name(route.pin));
      break;
    case RouteCause::user_route:
      text.detail = "the user's route is set in the configuration";
      break;
    case RouteCause::observe:
      text.detail = "routing.mode is \"observe\"";
      break;
    case RouteCause::primary_reads:
      text.detail = "routing.primary_reads is \"always\"";
      break;
    case RouteCause::transaction_reads:
      text.detail =
          "the transaction has written nothing yet, and routing.transaction_reads is \"split\"";
      break;
  }
  return text;
}

std::string explain(const Route& route) {
  const RouteText text = describe(route);
  return fmt::format("{}: {}: {}", text.destination, text.reason, text.detail);
}

}  // namespace weir
