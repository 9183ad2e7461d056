// Another server becomes the primary, while sessions are at work: in order, by hand; or because the
// old one died, hangs, or does not know that it is not the primary any more.

#include <algorithm>

#include "test/integration/failover_fixture.h"

using namespace weir::test;

namespace {

const std::string kAskPrimary = "/* weir: primary */ SELECT @@server_id";

bool reads_come_from(const Weir& weir, std::vector<int> expected) {
  return until([&] { return weir.readers() == expected; });
}

// A statement's connection is known to run on a server.
bool runs_on(const Cluster& cluster, int n, const std::string& statement) {
  return until([&] {
    return cluster.sql(n, {"SELECT COUNT(*) FROM information_schema.processlist WHERE info = '" +
                           statement + "'"}) == "1";
  });
}

}  // namespace

TEST_CASE_METHOD(FailoverTest, "failover: promotion by hand under load, three times in turn",
                 "[failover]") {
  Weir weir(cluster, options());
  Writers writers(weir, 8);
  CHECK(writers.go_on());
  for (const int n : {2, 3, 1}) {
    INFO("db" << n);
    cluster.tool("promote db" + std::to_string(n));
    CHECK(writers.go_on());
    CHECK(connect_writer(weir).value(kAskPrimary) == id(n));
  }
  writers.finish();
  CHECK(writers.failures() == "");
  CHECK(writers.unknown() == 0);  // no server was cut off in the middle of anything
  CHECK(writers.refused() == 0);  // what the former primary refused has waited for the new one
  cluster.catch_up();
  for (const int n : {1, 2, 3}) {
    INFO("db" << n);
    CHECK(writers.wrong(cluster, n) == "");
    CHECK(writers.lost(cluster, n) == "");
  }
  CHECK(reads_come_from(weir, {2, 3}));
  end(weir);
}

TEST_CASE_METHOD(FailoverTest, "failover: an open transaction does not end on the former primary",
                 "[failover]") {
  Weir weir(cluster, options());
  Client open = connect_writer(weir);
  Client idle = connect_writer(weir);
  open.query("BEGIN");
  open.query("INSERT INTO writes (session, n) VALUES (1, 1)");
  idle.query("INSERT INTO writes (session, n) VALUES (2, 1)");
  cluster.tool("promote db2");
  REQUIRE(until([&] { return idle.value(kAskPrimary) == id(2); }));
  // The server itself refuses it (1290), or weir has taken the transaction away (1213).
  const Error ended = open.error_of("COMMIT");
  CHECK((ended.code == 1290 || ended.code == 1213));
  open.query("ROLLBACK");
  open.query("BEGIN");
  open.query("INSERT INTO writes (session, n) VALUES (1, 2)");
  open.query("COMMIT");
  CHECK(open.value("SELECT MAX(n) FROM writes WHERE session = 1") == "2");
  CHECK(idle.query("INSERT INTO writes (session, n) VALUES (2, 2)").affected == 1);
  cluster.tool("catch-up");
  for (const int n : {1, 2, 3}) {
    CHECK(cluster.sql(n, {"SELECT GROUP_CONCAT(session, '-', n ORDER BY session, n) FROM "
                          "app.writes"}) == "1-2,2-1,2-2");
  }
  end(weir);
}

TEST_CASE_METHOD(FailoverTest,
                 "failover: writes that died with the primary are not waited for for ever",
                 "[failover]") {
  Weir weir(cluster, options());
  Console console(weir);
  Client client = connect_writer(weir);
  client.query("UPDATE one SET v = 1");
  cluster.catch_up();
  ruined = true;
  for (const int n : {2, 3}) cluster.sql(n, {"STOP REPLICA IO_THREAD"});
  client.query("UPDATE one SET v = 2");
  CHECK(client.value("SELECT v FROM one") == "2");
  cluster.kill(1, "KILL");
  cluster.tool("promote db2");
  // Acknowledged by a server that nobody has any more: replication has lost it. The session goes on
  // with what there is, and is answered by the replica as soon as the monitor has compared that
  // with the new primary.
  std::string answered;
  CHECK(until([&] {
    const Result read = client.query("SELECT v, @@server_id FROM one");
    CHECK(read.value() == "1");
    answered = *read.rows[0][1];
    return answered == id(3);
  }));
  const long in_vain = console.counter("waits_in_vain");
  for (int i = 0; i < 100; ++i) CHECK(client.value("SELECT v FROM one") == "1");
  CHECK(console.counter("waits_in_vain") == in_vain);
  // And it sees its own writes, as before.
  for (int i = 10; i < 60; ++i) {
    client.query("UPDATE one SET v = " + std::to_string(i));
    CHECK(client.value("SELECT v FROM one") == std::to_string(i));
  }
  CHECK(weir.log().find("has lost transactions that the primary had before") != std::string::npos);
  end(weir);
}

TEST_CASE_METHOD(FailoverTest, "failover: the primary dies under load, a replica is promoted",
                 "[failover]") {
  Weir weir(cluster, options());
  Writers writers(weir, 6);
  CHECK(writers.go_on());
  ruined = true;
  cluster.kill(1, "KILL");
  cluster.tool("promote db2");
  CHECK(writers.go_on());
  writers.finish();
  CHECK(writers.failures() == "");
  // At most one write of each session was on its way, and none was sent a second time. What
  // replication did not have yet is lost, and nothing else.
  CHECK(writers.unknown() <= 6);
  CHECK(writers.wrong(cluster, 2) == "");
  const std::string lost = writers.lost(cluster, 2);
  WARN(writers.acknowledged() << " writes acknowledged, " << writers.unknown()
                              << " with an unknown outcome, lost by replication: "
                              << std::count(lost.begin(), lost.end(), '\n'));
  CHECK(std::count(lost.begin(), lost.end(), '\n') <= 6);
  end(weir);
}

TEST_CASE_METHOD(FailoverTest, "failover: the primary hangs, and writes find another one",
                 "[failover]") {
  Weir weir(cluster, options());
  Client writing = connect_writer(weir);
  Client idle = connect_writer(weir);
  idle.query("INSERT INTO writes (session, n) VALUES (2, 1)");
  cluster.catch_up();
  const std::string slow = "INSERT INTO writes (session, n) SELECT 1, 1 + SLEEP(2)";
  writing.send(slow);
  REQUIRE(runs_on(cluster, 1, slow));
  ruined = true;
  cluster.kill(1, "STOP");
  REQUIRE(until([&] { return weir.log().find("there is no primary") != std::string::npos; }));
  cluster.sql(2, {"STOP REPLICA"});
  cluster.read_only(2, false);
  // Nobody can tell whether it will have happened.
  Error unknown;
  try {
    writing.receive();
  } catch (const ServerError& error) {
    unknown = error.error();
  }
  CHECK(unknown.code == 1158);
  CHECK(unknown.sqlstate == "08S01");
  CHECK(idle.query("INSERT INTO writes (session, n) VALUES (2, 2)").affected == 1);
  CHECK(idle.value(kAskPrimary) == id(2));
  CHECK(idle.value("SELECT MAX(n) FROM writes WHERE session = 2") == "2");
  // The old one comes to, and thinks that it is the primary. From the moment that weir sees it,
  // there is none.
  cluster.kill(1, "CONT");
  REQUIRE(until([&] {
    return weir.log().find("several servers are writable: db1, db2") != std::string::npos;
  }));
  idle.send("INSERT INTO writes (session, n) VALUES (2, 3)");
  const std::string of_idle = "SELECT COUNT(*) FROM app.writes WHERE session = 2 AND n > 1";
  std::this_thread::sleep_for(1s);
  CHECK(cluster.sql(1, {of_idle}) == "0");
  CHECK(cluster.sql(2, {of_idle}) == "1");
  cluster.read_only(1, true);
  CHECK(idle.receive().affected == 1);
  CHECK(cluster.sql(1, {of_idle}) == "0");
  CHECK(cluster.sql(2, {of_idle}) == "2");
  end(weir);
}

TEST_CASE_METHOD(FailoverTest, "failover: the primary hangs, and nobody takes its place",
                 "[failover]") {
  Weir weir(cluster, options("1s"));
  Client writing = connect_writer(weir);
  Client idle = connect_writer(weir);
  idle.query("INSERT INTO writes (session, n) VALUES (2, 1)");
  cluster.catch_up();
  Finally wake{[&] { cluster.kill(1, "CONT"); }};
  const std::string slow = "INSERT INTO writes (session, n) SELECT 1, 1 + SLEEP(2)";
  writing.send(slow);
  REQUIRE(runs_on(cluster, 1, slow));
  cluster.kill(1, "STOP");
  Error unknown;
  try {
    writing.receive();
  } catch (const ServerError& error) {
    unknown = error.error();
  }
  CHECK(unknown.code == 1158);
  REQUIRE(until([&] { return weir.log().find("there is no primary") != std::string::npos; }));
  const Error refused = idle.error_of("INSERT INTO writes (session, n) VALUES (2, 2)");
  CHECK(refused.code == 1290);
  CHECK(refused.text.find("db1") != std::string::npos);
  CHECK(idle.value("SELECT MAX(n) FROM writes WHERE session = 2") == "1");  // reads go on
  cluster.kill(1, "CONT");
  CHECK(until(
      [&] { return idle.error_of("INSERT INTO writes (session, n) VALUES (2, 3)").code == 0; }));
  CHECK(idle.value("SELECT COUNT(*) FROM writes WHERE session = 2") == "2");
  CHECK(std::stoi(cluster.sql(1, {"SELECT COUNT(*) FROM app.writes WHERE session = 1"})) <= 1);
  cluster.catch_up();
  end(weir);
}
