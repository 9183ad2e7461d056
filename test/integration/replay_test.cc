// A transaction whose server is lost before COMMIT was sent goes on where it was, or is lost
// (routing.transaction_replay).

#include "test/integration/failover_fixture.h"
#include "test/support/statement.h"

using namespace weir::test;

namespace {

class ReplayTest : public FailoverTest {
 public:
  static WeirOptions replaying(const std::string& more = {}) {
    WeirOptions options = FailoverTest::options();
    options.sections["routing"] += "transaction_replay = true\n" + more;
    return options;
  }
  // Another server takes over, as after a crash; returns when weir has seen the end of the old one.
  void lose_primary(const Weir& weir, const std::string& told = "lost the connection to db1") {
    cluster.catch_up();
    ruined = true;
    cluster.kill(1, "KILL");
    REQUIRE(until([&] { return weir.log().find(told) != std::string::npos; }));
  }
  void promote() { cluster.tool("promote db2"); }
  std::string numbers(int n) const {
    return cluster.sql(
        n, {"SELECT GROUP_CONCAT(session, '-', n ORDER BY session, n) FROM app.writes"});
  }
};

}  // namespace

TEST_CASE_METHOD(ReplayTest, "replay: transactions go on on the new primary", "[replay]") {
  Weir weir(cluster, replaying());
  Console console(weir);
  // Between statements; with a statement that waits for a lock; without autocommit; prepared.
  Client idle = connect_writer(weir);
  idle.query("SET SESSION sort_buffer_size = 300000");
  idle.query("BEGIN");
  CHECK(idle.value("SELECT v FROM one") == "0");
  idle.query("SET SESSION sort_buffer_size = 400000");
  const Result first = idle.query("INSERT INTO writes (session, n) VALUES (1, 1)");
  CHECK(idle.error_of("SELECT no_such_column FROM one").code == 1054);

  Client chained = connect_writer(weir);
  chained.query("SET autocommit = 0");
  chained.query("INSERT INTO one VALUES (2, 20)");

  Client prepared = connect_writer(weir);
  prepared.query("BEGIN");
  {
    Statement insert(prepared, "INSERT INTO one VALUES (?, 30)");
    insert.execute({3});
    insert.execute({4});
  }  // closed, and still needed

  lose_primary(weir);
  promote();
  CHECK(idle.query("INSERT INTO writes (session, n) VALUES (1, 2)").affected == 1);
  CHECK(idle.value("SELECT COUNT(*) FROM writes WHERE session = 1") == "2");
  CHECK(idle.value("SELECT @@session.sort_buffer_size") == "400000");
  CHECK(idle.value("SELECT MIN(id) FROM writes WHERE session = 1") ==
        std::to_string(first.insert_id));
  idle.query("COMMIT");
  chained.query("COMMIT");
  CHECK(prepared.query("INSERT INTO one VALUES (5, 30)").affected == 1);
  prepared.query("COMMIT");
  CHECK(numbers(2) == "1-1,1-2");
  CHECK(cluster.sql(2, {"SELECT GROUP_CONCAT(id, '-', v ORDER BY id) FROM app.one"}) ==
        "1-0,2-20,3-30,4-30,5-30");
  CHECK(console.counter("replays") == 3);
  CHECK(console.counter("replays_failed") == 0);
  // The sessions are what they were, and work.
  for (Client* each : {&idle, &chained, &prepared}) {
    CHECK(each->query("UPDATE one SET v = v + 1 WHERE id = 1").affected == 1);
    each->query("COMMIT");
  }
  CHECK(cluster.sql(2, {"SELECT v FROM app.one WHERE id = 1"}) == "3");
  end(weir);
}

TEST_CASE_METHOD(ReplayTest, "replay: a statement that was under way is run again", "[replay]") {
  Weir weir(cluster, replaying());
  Console console(weir);
  Client blocker = cluster.server(1);
  blocker.query("BEGIN");
  blocker.query("SELECT v FROM app.one FOR UPDATE");
  Client client = connect_writer(weir);
  client.query("BEGIN");
  client.query("INSERT INTO writes (session, n) VALUES (1, 1)");
  client.send("UPDATE one SET v = v + 1");
  REQUIRE(until([&] {
    return cluster.sql(1, {"SELECT COUNT(*) FROM information_schema.processlist WHERE info = "
                           "'UPDATE one SET v = v + 1'"}) == "1";
  }));
  lose_primary(weir);
  promote();
  CHECK(client.receive().affected == 1);
  client.query("COMMIT");
  CHECK(numbers(2) == "1-1");
  CHECK(cluster.sql(2, {"SELECT v FROM app.one"}) == "1");
  CHECK(console.counter("replays") == 1);
  end(weir);
}

TEST_CASE_METHOD(ReplayTest, "replay: other answers than before end the transaction", "[replay]") {
  Weir weir(cluster, replaying());
  Console console(weir);
  Client client = connect_writer(weir);
  client.query("SET SESSION sort_buffer_size = 300000");
  client.query("BEGIN");
  CHECK(client.value("SELECT v FROM one") == "0");
  client.query("INSERT INTO writes (session, n) VALUES (1, 1)");
  lose_primary(weir);
  promote();
  cluster.sql(2, {"UPDATE app.one SET v = 5"});
  const Error lost = client.error_of("INSERT INTO writes (session, n) VALUES (1, 2)");
  CHECK(lost.code == 1213);
  CHECK(lost.sqlstate == "40001");
  CHECK(lost.text.find("statement 2 of it was answered differently") != std::string::npos);
  // Nothing of it is left but the connection, and what it was before.
  CHECK(client.query("INSERT INTO writes (session, n) VALUES (1, 3)").affected == 1);
  CHECK(client.value("SELECT @@session.sort_buffer_size") == "300000");
  CHECK(numbers(2) == "1-3");
  CHECK(console.counter("replays") == 0);
  CHECK(console.counter("replays_failed") == 1);
  end(weir);
}

TEST_CASE_METHOD(ReplayTest, "replay: a transaction that cannot be kept is lost as ever",
                 "[replay]") {
  Weir weir(cluster, replaying("transaction_replay_size = \"1KiB\"\n"));
  Client large = connect_writer(weir);
  large.query("BEGIN");
  large.query("INSERT INTO writes (session, n) VALUES (1, 1) /* " + std::string(1024, 'x') + " */");
  Client variable = connect_writer(weir);
  variable.query("BEGIN");
  variable.query("SET @a = 1");
  Client over = connect_writer(weir);
  over.query("BEGIN");
  over.query("INSERT INTO writes (session, n) VALUES (3, 1)");
  over.query("COMMIT AND CHAIN");
  over.query("INSERT INTO writes (session, n) VALUES (3, 2)");
  lose_primary(weir);
  promote();
  CHECK(large.error_of("INSERT INTO writes (session, n) VALUES (1, 2)").code == 1213);
  CHECK(variable.error_of("SELECT 1").code != 0);
  CHECK_FALSE(variable.ping());
  CHECK(over.error_of("COMMIT").code == 1213);
  CHECK(large.query("INSERT INTO writes (session, n) VALUES (1, 3)").affected == 1);
  CHECK(numbers(2) == "1-3,3-1");
  end(weir);
}

TEST_CASE_METHOD(ReplayTest, "replay: a rollback needs none", "[replay]") {
  Weir weir(cluster, replaying());
  Console console(weir);
  Client client = connect_writer(weir);
  client.query("BEGIN");
  client.query("INSERT INTO writes (session, n) VALUES (1, 1)");
  lose_primary(weir);
  promote();
  client.query("ROLLBACK");
  CHECK(client.query("INSERT INTO writes (session, n) VALUES (1, 2)").affected == 1);
  CHECK(numbers(2) == "1-2");
  CHECK(console.counter("replays") == 0);
  end(weir);
}

TEST_CASE_METHOD(ReplayTest, "replay: without a primary in time, the transaction is lost",
                 "[replay]") {
  Weir weir(cluster, replaying("transaction_replay_timeout = \"300ms\"\n"));
  Client client = connect_writer(weir);
  client.query("BEGIN");
  client.query("INSERT INTO writes (session, n) VALUES (1, 1)");
  lose_primary(weir);
  const Error lost = client.error_of("INSERT INTO writes (session, n) VALUES (1, 2)");
  CHECK(lost.code == 1213);
  CHECK(lost.text.find("within 300 ms") != std::string::npos);
  promote();
  CHECK(client.query("INSERT INTO writes (session, n) VALUES (1, 3)").affected == 1);
  CHECK(numbers(2) == "1-3");
  end(weir);
}

TEST_CASE_METHOD(ReplayTest, "replay: a READ ONLY transaction goes on on another replica",
                 "[replay]") {
  Weir weir(cluster, replaying());
  Console console(weir);
  Client client = connect_writer(weir);
  int on = 0;
  REQUIRE(until([&] {
    client.query("START TRANSACTION READ ONLY");
    const std::string server = client.value(
        "SELECT VARIABLE_VALUE FROM one, (SELECT @@server_id "
        "AS VARIABLE_VALUE) AS s");
    on = server == id(2) ? 2 : server == id(3) ? 3 : 0;
    client.query("ROLLBACK");
    return on != 0;
  }));
  // It must not have asked which server it is on.
  client.query("START TRANSACTION READ ONLY");
  CHECK(client.value("SELECT v FROM one") == "0");
  for (const int n : {2, 3}) cluster.kill(n, "KILL");
  CHECK(client.value("SELECT v + 1 FROM one") == "1");
  CHECK(client.error_of("INSERT INTO writes (session, n) VALUES (1, 1)").code == 1792);
  client.query("COMMIT");
  CHECK(console.counter("replays") == 1);
  for (const int n : {2, 3}) cluster.restart(n);
  cluster.catch_up();
  end(weir);
}
