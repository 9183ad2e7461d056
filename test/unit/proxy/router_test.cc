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
}

}  // namespace
}  // namespace weir
