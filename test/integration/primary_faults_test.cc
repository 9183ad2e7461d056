// The primary dies, or there are two of them.

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

namespace {

WeirOptions waiting(const std::string& failover_wait) {
  WeirOptions options;
  options.sections["routing"] = "failover_wait = \"" + failover_wait + "\"\n";
  return options;
}

// Brings the primary back, whatever the test did to it.
struct Revival {
  explicit Revival(const Cluster& of) : cluster(of) {}
  ~Revival() {
    try {
      if (dead) cluster.restart(1);
      cluster.catch_up();
    } catch (const std::exception& error) {
      WARN("the primary was not put right: " << error.what());
    }
  }
  // Returns when its connections are gone, too: what is sent before that has an unknown outcome.
  void kill() {
    dead = true;
    cluster.kill(1, "KILL");
    REQUIRE(until([&] { return login_error(cluster.root(1)).code == 2002; }));
  }
  void revive() {
    cluster.restart(1);
    dead = false;
  }
  const Cluster& cluster;
  bool dead = false;
};

class PrimaryTest : public ClusterTest {
 public:
  PrimaryTest() {
    cluster.sql(1, {"CREATE TABLE weir_test.t (id INT PRIMARY KEY, v INT)"});
    cluster.catch_up();
  }
};

}  // namespace

TEST_CASE_METHOD(PrimaryTest,
                 "primary: killed while sessions are idle, the next write waits for it",
                 "[primary]") {
  Weir weir(cluster, waiting("60s"));
  std::vector<Client> sessions;
  for (int i = 0; i < 4; ++i) {
    sessions.push_back(weir.connect());
    sessions.back().query("REPLACE INTO t VALUES (" + std::to_string(i) + ", 0)");
  }
  Revival primary(cluster);
  primary.kill();
  std::thread restart([&] {
    std::this_thread::sleep_for(2s);
    primary.revive();
    mysql_thread_end();
  });
  in_parallel(4, [&](int i) {
    const Result written = sessions[static_cast<std::size_t>(i)].query(
        "UPDATE t SET v = 1 WHERE id = " + std::to_string(i));
    if (written.affected != 1) throw std::runtime_error("the write has touched no row");
  });
  restart.join();
  CHECK(cluster.sql(1, {"SELECT SUM(v) FROM weir_test.t"}) == "4");
  CHECK(until([&] { return weir.readers() == std::vector<int>{2, 3}; }));
  end(weir);
}

TEST_CASE_METHOD(PrimaryTest, "primary: gone for longer than failover_wait, writes are refused",
                 "[primary]") {
  Weir weir(cluster, waiting("500ms"));
  Client client = weir.connect();
  client.query("INSERT INTO t VALUES (1, 1)");
  cluster.catch_up();
  Revival primary(cluster);
  primary.kill();
  const Error refused = client.error_of("UPDATE t SET v = 2");
  CHECK(refused.code == 1290);
  CHECK(refused.sqlstate == "HY000");
  CHECK(refused.text.rfind("weir:", 0) == 0);
  CHECK(refused.text.find("db1") != std::string::npos);
  CHECK(is_replica(client.value("SELECT @@server_id")));  // reads go on
  CHECK(client.error_of("BEGIN; ").code != 0);
  CHECK(weir.connect("APP", "").value("SELECT 1") == "1");  // new sessions can read
  primary.revive();
  CHECK(until([&] { return client.error_of("UPDATE t SET v = 3").code == 0; }));
  CHECK(cluster.sql(1, {"SELECT v FROM weir_test.t"}) == "3");
  end(weir);
}

TEST_CASE_METHOD(PrimaryTest, "primary: killed inside a transaction, the connection lives",
                 "[primary]") {
  Weir weir(cluster, waiting("60s"));
  Client client = weir.connect();
  Client idle = weir.connect();
  client.query("BEGIN");
  client.query("INSERT INTO t VALUES (1, 1)");
  idle.query("BEGIN");
  idle.query("INSERT INTO t VALUES (2, 2)");
  Revival primary(cluster);
  primary.kill();
  const Error lost = client.error_of("INSERT INTO t VALUES (3, 3)");
  CHECK(lost.code == 1213);
  CHECK(lost.sqlstate == "40001");
  primary.revive();
  for (Client* each : {&client, &idle}) {
    // The one that said nothing meanwhile learns of it now, and only once.
    if (each == &idle) {
      CHECK(each->error_of("INSERT INTO t VALUES (4, 4)").code == 1213);
    }
    each->query("BEGIN");
    const std::string id = each == &client ? "5" : "6";
    CHECK(each->query("INSERT INTO t VALUES (" + id + ", 0)").affected == 1);
    each->query("COMMIT");
  }
  CHECK(cluster.sql(1, {"SELECT GROUP_CONCAT(id ORDER BY id) FROM weir_test.t"}) == "5,6");
  end(weir);
}

TEST_CASE_METHOD(PrimaryTest, "primary: a COMMIT on a dead server is never answered with OK",
                 "[primary]") {
  Weir weir(cluster, waiting("60s"));
  Client client = weir.connect();
  client.query("BEGIN");
  client.query("INSERT INTO t VALUES (1, 1)");
  Revival primary(cluster);
  primary.kill();
  const Error lost = client.error_of("COMMIT");
  CHECK((lost.code == 1213 || lost.code == 1158 || lost.code == 2013));
  primary.revive();
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.t"}) == "0");
  end(weir);
}

TEST_CASE_METHOD(PrimaryTest, "primary: killed under a write in flight, the outcome is unknown",
                 "[primary]") {
  Weir weir(cluster, waiting("60s"));
  Client client = weir.connect();
  const std::string slow = "INSERT INTO t SELECT 1, SLEEP(300)";
  client.send(slow);
  REQUIRE(until([&] {
    return cluster.sql(1, {"SELECT COUNT(*) FROM information_schema.processlist WHERE info = '" +
                           slow + "'"}) == "1";
  }));
  Revival primary(cluster);
  primary.kill();
  Error unknown;
  try {
    client.receive();
  } catch (const ServerError& error) {
    unknown = error.error();
  }
  CHECK(unknown.code == 1158);
  CHECK(unknown.sqlstate == "08S01");
  CHECK_FALSE(client.ping());
  primary.revive();
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.t"}) == "0");  // and it was not sent again
  end(weir);
}

TEST_CASE_METHOD(PrimaryTest, "primary: pinned state that is lost ends the session", "[primary]") {
  Weir weir(cluster, waiting("60s"));
  Client variables = weir.connect();
  variables.query("SET @a = 1");
  Client temporary = weir.connect();
  temporary.query("CREATE TEMPORARY TABLE tmp (a INT)");
  Revival primary(cluster);
  primary.kill();
  for (Client* each : {&variables, &temporary}) {
    const Error lost = each->error_of("SELECT 1");
    CHECK((lost.code == 1158 || lost.code == 2013 || lost.code == 2006));
    CHECK_FALSE(each->ping());
  }
  primary.revive();
  end(weir);
}

TEST_CASE_METHOD(PrimaryTest, "primary: two writable servers get no write", "[primary]") {
  Weir weir(cluster, waiting("500ms"));
  Client client = weir.connect();
  client.query("INSERT INTO t VALUES (1, 1)");
  Finally put_right{[&] { cluster.read_only(2, true); }};
  cluster.read_only(2, false);
  Error refused;
  CHECK(until([&] {
    refused = client.error_of("UPDATE t SET v = v + 1");
    return refused.code != 0;
  }));
  CHECK(refused.code == 1290);
  CHECK(refused.text.find("db1") != std::string::npos);
  CHECK(refused.text.find("db2") != std::string::npos);
  const std::string before = cluster.sql(1, {"SELECT v FROM weir_test.t"});
  for (int i = 0; i < 3; ++i) CHECK(client.error_of("UPDATE t SET v = v + 1").code == 1290);
  CHECK(cluster.sql(1, {"SELECT v FROM weir_test.t"}) == before);
  cluster.read_only(2, true);
  CHECK(until([&] { return client.error_of("UPDATE t SET v = 77").code == 0; }));
  CHECK(cluster.sql(1, {"SELECT v FROM weir_test.t"}) == "77");
  end(weir);
}

TEST_CASE_METHOD(PrimaryTest, "primary: read-only for a while, writes wait", "[primary]") {
  Weir weir(cluster, waiting("60s"));
  Client client = weir.connect();
  client.query("INSERT INTO t VALUES (1, 1)");
  Finally put_right{[&] { cluster.read_only(1, false); }};
  cluster.read_only(1, true);
  REQUIRE(until([&] {  // weir has seen it: what needs the primary waits
    return weir.log().find("there is no primary") != std::string::npos;
  }));
  std::thread back([&] {
    std::this_thread::sleep_for(1s);
    cluster.read_only(1, false);
    mysql_thread_end();
  });
  CHECK(client.query("UPDATE t SET v = 5").affected == 1);
  back.join();
  end(weir);
}
