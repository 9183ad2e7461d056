#include "proxy/core/router.h"

#include "test/support/catch.h"

namespace weir {
namespace {

using sql::Effect;
using sql::Placement;
using sql::Reason;
using sql::StatementKind;

sql::Classification statement(StatementKind kind, Placement placement,
                              Effect effects = Effect::none) {
  sql::Classification facts;
  facts.kind = kind;
  facts.placement = placement;
  facts.reason = Reason::plain_read;
  facts.statements = 1;
  facts.effects = effects;
  return facts;
}

const sql::Classification kRead = statement(StatementKind::read, Placement::any);
const sql::Classification kWrite = statement(StatementKind::write, Placement::primary);
const sql::Classification kWarnings = statement(StatementKind::read, Placement::last_connection);

SessionFacts pinned() {
  SessionFacts session;
  session.pins.add(Pin::temporary_table);
  return session;
}

TEST_CASE("router: the statement decides in a session without ties") {
  struct Case {
    const char* name;
    sql::Classification statement;
    Destination destination;
  };
  const Effect read_only = Effect::begins_transaction | Effect::begins_read_only_transaction;
  sql::Classification two = statement(StatementKind::begin, Placement::any, read_only);
  two.statements = 2;
  const Case cases[] = {
      {"a read", kRead, Destination::replica},
      {"a read of the primary's", statement(StatementKind::read, Placement::primary),
       Destination::primary},
      {"a write", kWrite, Destination::primary},
      {"SHOW WARNINGS", kWarnings, Destination::last_connection},
      {"COMMIT, harmless anywhere", statement(StatementKind::commit, Placement::any),
       Destination::primary},
      {"a comment", statement(StatementKind::empty, Placement::any), Destination::primary},
      {"SET", statement(StatementKind::set, Placement::any), Destination::primary},
      {"BEGIN", statement(StatementKind::begin, Placement::any, Effect::begins_transaction),
       Destination::primary},
      {"START TRANSACTION READ ONLY", statement(StatementKind::begin, Placement::any, read_only),
       Destination::replica},
      {"the same and more behind it", two, Destination::primary},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const Route route = decide(c.statement, {}, {});
    CHECK(route.destination == c.destination);
    CHECK(route.cause == RouteCause::statement);
    CHECK(route.reason == Reason::plain_read);
  }
}

TEST_CASE("router: the session decides before the statement") {
  struct Case {
    const char* name;
    SessionFacts session;
    Destination destination;
    RouteCause cause;
  };
  SessionFacts in_transaction;
  in_transaction.in_transaction = true;
  SessionFacts autocommit_off;
  autocommit_off.autocommit = false;
  SessionFacts user_route;
  user_route.user_route = UserRoute::primary;
  SessionFacts all = pinned();
  all.autocommit = false;
  all.user_route = UserRoute::primary;
  SessionFacts all_in_transaction = all;
  all_in_transaction.in_transaction = true;
  SessionFacts pinned_without_autocommit = pinned();
  pinned_without_autocommit.autocommit = false;

  const Case cases[] = {
      {"transaction", in_transaction, Destination::transaction, RouteCause::transaction},
      {"autocommit off", autocommit_off, Destination::primary, RouteCause::autocommit_off},
      {"user's route", user_route, Destination::primary, RouteCause::user_route},
      {"pinned", pinned(), Destination::primary, RouteCause::pinned},
      {"everything but a transaction", all, Destination::primary, RouteCause::user_route},
      {"everything", all_in_transaction, Destination::transaction, RouteCause::transaction},
      {"pinned, autocommit off", pinned_without_autocommit, Destination::primary,
       RouteCause::autocommit_off},
  };
  for (const Case& c : cases) {
    for (const sql::Classification& facts : {kRead, kWrite, kWarnings}) {
      INFO(c.name);
      const Route route = decide(facts, c.session, {});
      CHECK(route.destination == c.destination);
      CHECK(route.cause == c.cause);
    }
  }
  CHECK(decide(kRead, pinned(), {}).pin == Pin::temporary_table);
}

TEST_CASE("router: observing sends everything to the primary") {
  RoutingConfig observe;
  observe.mode = RoutingMode::observe;
  CHECK(decide(kRead, {}, observe).destination == Destination::primary);
  CHECK(decide(kRead, {}, observe).cause == RouteCause::observe);
  SessionFacts session;
  session.in_transaction = true;
  CHECK(decide(kRead, session, observe).destination == Destination::transaction);
}

TEST_CASE("router: reads leave a transaction that has only read, if they may") {
  SessionFacts session;
  session.in_transaction = true;
  session.may_split = true;
  const Route read = decide(kRead, session, {});
  CHECK(read.destination == Destination::replica);
  CHECK(read.cause == RouteCause::transaction_reads);
  CHECK(decide(kWrite, session, {}).destination == Destination::transaction);
  CHECK(decide(statement(StatementKind::read, Placement::primary), session, {}).destination ==
        Destination::transaction);
  CHECK(decide(statement(StatementKind::commit, Placement::any), session, {}).destination ==
        Destination::transaction);
  // A question about the statement before goes where that ran.
  CHECK(decide(kWarnings, session, {}).destination == Destination::transaction);
  session.read_elsewhere = true;
  CHECK(decide(kWarnings, session, {}).destination == Destination::last_connection);

  SessionFacts of_primary = session;
  of_primary.user_route = UserRoute::primary;
  CHECK(decide(kRead, of_primary, {}).destination == Destination::transaction);
  SessionFacts with_pin = session;
  with_pin.pins.add(Pin::temporary_table);
  CHECK(decide(kRead, with_pin, {}).destination == Destination::transaction);
  RoutingConfig observe;
  observe.mode = RoutingMode::observe;
  CHECK(decide(kRead, session, observe).destination == Destination::transaction);
}

Rule rule_to(RuleTarget::Kind kind) {
  Rule rule;
  rule.name = "reports";
  rule.to.kind = kind;
  if (kind == RuleTarget::Kind::server) rule.to.server = "db2";
  return rule;
}

TEST_CASE("router: how far a rule moves a statement") {
  using Kind = RuleTarget::Kind;
  const sql::Classification primarys = statement(StatementKind::read, Placement::primary);
  sql::Classification doubts = primarys;
  doubts.only_doubts = true;
  sql::Classification hinted = kRead;
  hinted.hint = sql::Hint::replica;
  sql::Classification without_table = kWarnings;
  sql::Classification warnings = kWarnings;
  warnings.reason = Reason::previous_statement;
  const sql::Classification read_only =
      statement(StatementKind::begin, Placement::any,
                Effect::begins_transaction | Effect::begins_read_only_transaction);
  const sql::Classification commit = statement(StatementKind::commit, Placement::any);
  struct Case {
    const char* name;
    sql::Classification statement;
    Kind to;
    Destination destination;
    bool by_rule;
  };
  const Case cases[] = {
      {"a read", kRead, Kind::replica, Destination::replica, true},
      {"a read", kRead, Kind::server, Destination::replica, true},
      {"a read", kRead, Kind::primary, Destination::primary, true},
      {"a read", kRead, Kind::as_ever, Destination::replica, false},
      {"a read", kRead, Kind::reject, Destination::reject, true},
      {"an unknown function", doubts, Kind::replica, Destination::replica, true},
      {"an unknown function", doubts, Kind::server, Destination::replica, true},
      {"an unknown function", doubts, Kind::as_ever, Destination::primary, false},
      {"a locking read", primarys, Kind::replica, Destination::primary, false},
      {"a locking read", primarys, Kind::server, Destination::primary, false},
      {"a write", kWrite, Kind::replica, Destination::primary, false},
      {"a write", kWrite, Kind::primary, Destination::primary, true},
      {"a write", kWrite, Kind::reject, Destination::reject, true},
      {"COMMIT", commit, Kind::replica, Destination::primary, false},
      {"a read-only transaction", read_only, Kind::server, Destination::replica, true},
      {"a read-only transaction", read_only, Kind::primary, Destination::primary, true},
      {"a hint", hinted, Kind::primary, Destination::replica, false},
      {"a hint", hinted, Kind::reject, Destination::reject, true},
      {"SHOW WARNINGS", warnings, Kind::primary, Destination::last_connection, false},
      {"SHOW WARNINGS", warnings, Kind::replica, Destination::last_connection, false},
      {"a read without a table", without_table, Kind::primary, Destination::primary, true},
      {"a read without a table", without_table, Kind::replica, Destination::last_connection, false},
  };
  for (const Case& c : cases) {
    const Rule rule = rule_to(c.to);
    INFO(c.name << " to " << static_cast<int>(c.to));
    const Route route = decide(c.statement, {}, {}, &rule);
    CHECK(route.destination == c.destination);
    CHECK((route.cause == RouteCause::rule) == c.by_rule);
    CHECK(route.rule == &rule);
  }
}

TEST_CASE("router: a rule gives way to what ties the session, and overrules its user's route") {
  using Kind = RuleTarget::Kind;
  SessionFacts transaction;
  transaction.in_transaction = true;
  SessionFacts autocommit_off;
  autocommit_off.autocommit = false;
  for (const Kind kind : {Kind::primary, Kind::replica, Kind::server}) {
    const Rule rule = rule_to(kind);
    CHECK(decide(kRead, transaction, {}, &rule).destination == Destination::transaction);
    CHECK(decide(kRead, autocommit_off, {}, &rule).cause == RouteCause::autocommit_off);
    const Route route = decide(kRead, pinned(), {}, &rule);
    CHECK(route.cause == RouteCause::pinned);
    CHECK(explain(route) ==
          "primary: pinned: the session holds state of its connection (temporary_table) (rule "
          "\"reports\" gives way)");
  }
  const Rule rejects = rule_to(Kind::reject);
  for (const SessionFacts& session : {transaction, autocommit_off, pinned()}) {
    CHECK(decide(kRead, session, {}, &rejects).destination == Destination::reject);
  }
  SessionFacts routed;
  routed.user_route = UserRoute::primary;
  const Rule replica = rule_to(Kind::replica);
  const Rule freshness = rule_to(Kind::as_ever);
  CHECK(decide(kRead, routed, {}, &replica).destination == Destination::replica);
  CHECK(decide(kRead, routed, {}, &freshness).cause == RouteCause::user_route);
  RoutingConfig observe;
  observe.mode = RoutingMode::observe;
  CHECK(decide(kRead, {}, observe, &replica).cause == RouteCause::observe);
  CHECK(explain(decide(kRead, {}, {}, &replica)) ==
        "replica: rule: rule \"reports\" sends it there");
  const Rule server = rule_to(Kind::server);
  CHECK(explain(decide(kRead, {}, {}, &server)) ==
        "replica: rule: rule \"reports\" sends it to server db2");
  CHECK(explain(decide(kRead, {}, {}, &rejects)) == "reject: rule: rule \"reports\" rejects it");
}

TEST_CASE("router: a decision can be explained in one line") {
  CHECK(explain(decide(kRead, {}, {})) ==
        "replica: plain_read: " + std::string(sql::reason_text(Reason::plain_read)));
  CHECK(explain(decide(kRead, pinned(), {})) ==
        "primary: pinned: the session holds state of its connection (temporary_table)");
  for (const RouteCause cause :
       {RouteCause::transaction, RouteCause::autocommit_off, RouteCause::user_route,
        RouteCause::observe, RouteCause::primary_reads, RouteCause::transaction_reads}) {
    Route route;
    route.cause = cause;
    const std::string line = explain(route);
    INFO(line);
    CHECK(line.starts_with("primary: " + std::string(cause_name(cause)) + ": "));
    CHECK(line.find('\n') == std::string::npos);
  }
  CHECK(destination_name(Destination::primary) == "primary");
  CHECK(destination_name(Destination::replica) == "replica");
  CHECK(destination_name(Destination::transaction) == "transaction");
  CHECK(destination_name(Destination::last_connection) == "last_connection");
  CHECK(destination_name(Destination::reject) == "reject");
  CHECK(cause_name(RouteCause::rule) == "rule");
}

}  // namespace
}  // namespace weir
