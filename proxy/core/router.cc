#include "proxy/core/router.h"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace weir {
namespace {

Route to_primary(RouteCause cause, sql::Reason reason) {
  return {Destination::primary, cause, reason};
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
            const RoutingConfig& config, const Rule* rule) {
  if (rule != nullptr && rule->to.kind == RuleTarget::Kind::primary) return false;
  if (statement.kind != sql::StatementKind::read || config.mode == RoutingMode::observe)
    return false;
  if (session.user_route == UserRoute::primary || !session.pins.empty()) return false;
  return statement.placement == sql::Placement::any ||
         (statement.placement == sql::Placement::last_connection && session.read_elsewhere);
}

// COMMIT and the like may be harmless anywhere, but only a read gains from a replica.
bool gains_from_replica(const sql::Classification& statement, const SessionFacts& session) {
  return statement.kind == sql::StatementKind::read ||
         (begins_read_only_transaction(statement) && !session.serializable);
}

// Where the statement's rule sends it; nothing when it sends it nowhere, or may not.
std::optional<Route> by_rule(const sql::Classification& statement, const SessionFacts& session,
                             const Rule* rule) {
  using Kind = RuleTarget::Kind;
  if (rule == nullptr || !rule->routes()) return std::nullopt;
  if (rule->to.kind == Kind::primary) {
    // What asks about the statement before it is answered where that ran. A hint is nearer to the
    // statement than a rule.
    const bool asks_last = statement.placement == sql::Placement::last_connection &&
                           statement.reason != sql::Reason::plain_read;
    if (asks_last || statement.hint == sql::Hint::replica) return std::nullopt;
    return to_primary(RouteCause::rule, statement.reason);
  }
  const bool safe = statement.placement == sql::Placement::any || statement.only_doubts;
  if (!safe || !gains_from_replica(statement, session)) return std::nullopt;
  return Route{Destination::replica, RouteCause::rule, statement.reason};
}

Route by_session_or_statement(const sql::Classification& statement, const SessionFacts& session,
                              const RoutingConfig& config, const Rule* rule) {
  const sql::Reason reason = statement.reason;
  if (session.may_split && splits(statement, session, config, rule)) {
    const bool asks_back = statement.placement == sql::Placement::last_connection;
    return {asks_back ? Destination::last_connection : Destination::replica,
            RouteCause::transaction_reads, reason};
  }
  if (session.in_transaction && !leaves_replica_transaction(statement, session)) {
    return {Destination::transaction, RouteCause::transaction, reason};
  }
  // A rule is nearer to the statement than what holds for all of its user's.
  const bool rule_routes = rule != nullptr && rule->routes();
  if (session.user_route == UserRoute::primary && !rule_routes) {
    return to_primary(RouteCause::user_route, reason);
  }
  if (session.in_transaction) return to_primary(RouteCause::statement, reason);
  if (!session.autocommit) return to_primary(RouteCause::autocommit_off, reason);
  if (!session.pins.empty()) {
    return {Destination::primary, RouteCause::pinned, reason, session.pins.first()};
  }
  if (config.mode == RoutingMode::observe) return to_primary(RouteCause::observe, reason);
  if (const auto route = by_rule(statement, session, rule)) return *route;

  switch (statement.placement) {
    case sql::Placement::last_connection:
      return {Destination::last_connection, RouteCause::statement, reason};
    case sql::Placement::primary:
      return to_primary(RouteCause::statement, reason);
    case sql::Placement::any:
      break;
  }
  if (!gains_from_replica(statement, session)) return to_primary(RouteCause::statement, reason);
  return {Destination::replica, RouteCause::statement, reason};
}

std::string detail_of(const Route& route) {
  switch (route.cause) {
    case RouteCause::statement:
      return std::string(sql::reason_text(route.reason));
    case RouteCause::transaction:
      return "a transaction is open, its connection answers";
    case RouteCause::autocommit_off:
      return "autocommit is off, so the statement begins a transaction";
    case RouteCause::pinned:
      return fmt::format("the session holds state of its connection ({})", pin_name(route.pin));
    case RouteCause::user_route:
      return "the user's route is set in the configuration";
    case RouteCause::observe:
      return "routing.mode is \"observe\"";
    case RouteCause::primary_reads:
      return "routing.primary_reads is \"always\"";
    case RouteCause::transaction_reads:
      return "the transaction has written nothing yet, and routing.transaction_reads is \"split\"";
    case RouteCause::rule:
      break;
  }
  const bool named = route.rule->to.kind == RuleTarget::Kind::server;
  const std::string does = route.rule->rejects() ? "rejects it"
                           : named               ? "sends it to server " + route.rule->to.server
                                                 : "sends it there";
  return fmt::format("rule \"{}\" {}", route.rule->name, does);
}

}  // namespace

Route decide(const sql::Classification& statement, const SessionFacts& session,
             const RoutingConfig& config, const Rule* rule) {
  const bool rejected = rule != nullptr && rule->rejects();
  Route route = rejected ? Route{Destination::reject, RouteCause::rule, statement.reason}
                         : by_session_or_statement(statement, session, config, rule);
  route.rule = rule;
  return route;
}

std::string_view cause_name(RouteCause cause) {
  constexpr std::array<std::string_view, 9> kNames = {
      "statement", "transaction",   "autocommit_off",    "pinned", "user_route",
      "observe",   "primary_reads", "transaction_reads", "rule"};
  return kNames[static_cast<std::size_t>(cause)];
}

std::string_view destination_name(Destination destination) {
  constexpr std::array<std::string_view, 5> kNames = {"primary", "replica", "transaction",
                                                      "last_connection", "reject"};
  return kNames[static_cast<std::size_t>(destination)];
}

RouteText describe(const Route& route) {
  RouteText text{destination_name(route.destination), cause_name(route.cause), detail_of(route)};
  if (route.cause == RouteCause::statement) text.reason = sql::reason_name(route.reason);
  const bool overruled =
      route.rule != nullptr && route.rule->routes() && route.cause != RouteCause::rule;
  if (overruled) text.detail += fmt::format(" (rule \"{}\" gives way)", route.rule->name);
  return text;
}

std::string explain(const Route& route) {
  const RouteText text = describe(route);
  return fmt::format("{}: {}: {}", text.destination, text.reason, text.detail);
}

}  // namespace weir
