// Replicas whose replication is unusual or broken in ways that a single thread's stop is not.

#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"

using namespace weir::test;

namespace {

// db3 follows the primary directly and, on a second channel, through db2.
class TwoSources : public ClusterTest {
 public:
  TwoSources() {
    const std::string password = cluster.value("REPL_PASSWORD");
    const std::string port = std::to_string(cluster.port(2)), user = cluster.value("REPL_USER");
    cluster.sql(3, {"STOP REPLICA"});
    if (cluster.mariadb()) {
      // The same transactions come twice.
      cluster.sql(3, {"SET GLOBAL gtid_ignore_duplicates = ON",
                      "CHANGE MASTER 'second' TO MASTER_HOST = '127.0.0.1', MASTER_PORT = " + port +
                          ", MASTER_USER = '" + user + "', MASTER_PASSWORD = '" + password +
                          "', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1"});
    } else {
      cluster.sql(3, {"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = " +
                      port + ", SOURCE_USER = '" + user + "', SOURCE_PASSWORD = '" + password +
                      "', SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, "
                      "GET_SOURCE_PUBLIC_KEY = 1 FOR CHANNEL 'second'"});
    }
    cluster.sql(3, {"START REPLICA"});
    start_second();
  }
  ~TwoSources() {
    try {
      cluster.sql(3, {"STOP REPLICA"});
      stop_second("");
      cluster.sql(3, {cluster.mariadb() ? "RESET SLAVE 'second' ALL"
                                        : "RESET REPLICA ALL FOR CHANNEL 'second'"});
      if (cluster.mariadb()) cluster.sql(3, {"SET GLOBAL gtid_ignore_duplicates = OFF"});
      cluster.sql(3, {"START REPLICA"});
      cluster.catch_up();
    } catch (const std::exception& error) {
      FAIL_CHECK("db3 still has two sources: " << error.what());
    }
  }
  // One of its threads, or both.
  void stop_second(const std::string& thread) const { second("STOP", thread); }
  void start_second() const { second("START", ""); }

 private:
  void second(const std::string& action, const std::string& thread) const {
    cluster.sql(3, {cluster.mariadb() ? action + " SLAVE 'second' " + thread
                                      : action + " REPLICA " + thread + " FOR CHANNEL 'second'"});
  }
};

bool readers_are(const Weir& weir, std::vector<int> expected) {
  return until([&] { return weir.readers() == expected; });
}

}  // namespace

TEST_CASE_METHOD(TwoSources, "replication faults: one of a replica's two channels stops",
                 "[faults]") {
  Weir weir(cluster, with_console());
  Console console(weir);
  cluster.sql(1, {"CREATE TABLE weir_test.t (a INT)", "INSERT INTO weir_test.t VALUES (1)"});
  cluster.catch_up();
  CHECK(readers_are(weir, {2, 3}));
  for (const std::string thread : {"SQL_THREAD", "IO_THREAD"}) {
    INFO(thread);
    stop_second(thread);
    CHECK(until([&] { return console.cell("SHOW SERVERS", "db3", "health") == "stalled"; }));
    CHECK(weir.readers() == std::vector<int>{2});
    const std::string why = console.cell("SHOW SERVERS", "db3", "why");
    CAPTURE(why);
    CHECK(why.find("channel 'second' is stopped") != std::string::npos);
    start_second();
    CHECK(readers_are(weir, {2, 3}));
  }
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "replication faults: a conflict stops a replica until it is solved",
                 "[faults]") {
  cluster.sql(1, {"CREATE TABLE weir_test.t (id INT PRIMARY KEY)"});
  cluster.catch_up();
  Weir weir(cluster, with_console());
  Console console(weir);
  const auto on_replica = [&](const std::string& statement) {
    std::vector<std::string> statements = {"SET sql_log_bin = 0", statement};
    if (!cluster.mariadb()) {
      statements.insert(statements.begin(), "SET GLOBAL super_read_only = 0");
      statements.push_back("SET GLOBAL super_read_only = 1");
    }
    cluster.sql(2, statements);
  };
  on_replica("INSERT INTO weir_test.t VALUES (1)");
  Client client = weir.connect();
  client.query("INSERT INTO t VALUES (1)");
  CHECK(client.value("SELECT COUNT(*) FROM t") == "1");
  CHECK(until([&] { return console.cell("SHOW SERVERS", "db2", "health") == "stalled"; }));
  CHECK(weir.readers() == std::vector<int>{3});
  const std::string why = console.cell("SHOW SERVERS", "db2", "why");
  CHECK(why.find("the SQL thread is stopped: ") != std::string::npos);  // with the server's words
  client.query("INSERT INTO t VALUES (2)");
  for (int i = 0; i < 50; ++i) CHECK(client.value("SELECT COUNT(*) FROM t") == "2");
  on_replica("DELETE FROM weir_test.t WHERE id = 1");
  cluster.sql(2, {"START REPLICA"});
  cluster.catch_up();
  CHECK(readers_are(weir, {2, 3}));
  end(weir);
}
