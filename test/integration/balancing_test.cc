// Which replica answers how much: zones, slow and returning replicas, what the primary takes over
// when there is none, and how gently a dead server is asked whether it is back.

#include <atomic>
#include <map>
#include <mutex>

#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"
#include "test/support/dead_port.h"

using namespace weir::test;

namespace {

class BalancingTest : public ClusterTest {
 public:
  // One worker, so that all sessions look at the same load; "eventual", so that nothing but the
  // balance decides.
  static WeirOptions options(const std::string& routing) {
    WeirOptions options;
    options.sections["listen"] = "workers = 1\n";
    options.sections["routing"] = "consistency = \"eventual\"\n" + routing;
    return with_console(options);
  }
  // Reads that take so many milliseconds on an ordinary server, and `factor` times as many on db2.
  void slow_down(int factor) {
    cluster.sql(1, {"CREATE TABLE weir_test.speed (factor INT PRIMARY KEY)",
                    "INSERT INTO weir_test.speed VALUES (1)"});
    cluster.catch_up();
    const std::string lock = cluster.mariadb() ? "DO 0" : "SET GLOBAL super_read_only = ";
    cluster.sql(2, {"SET sql_log_bin = 0", cluster.mariadb() ? lock : lock + "0",
                    "UPDATE weir_test.speed SET factor = " + std::to_string(factor),
                    cluster.mariadb() ? lock : lock + "1"});
  }
  // How many threads of a server run what is marked so.
  long running(int n, const std::string& mark) const {
    return std::stol(cluster.sql(
        n, {"SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT /* " +
            mark + "%'"}));
  }
};

// The answers of a query whose last column is @@server_id, by server, from so many sessions.
std::map<std::string, long> reads_by_server(const Weir& weir, int sessions, int reads,
                                            const std::string& query) {
  std::mutex mutex;
  std::map<std::string, long> total;
  in_parallel(sessions, [&](int) {
    Client client = weir.connect();
    std::map<std::string, long> own;
    for (int i = 0; i < reads; ++i) ++own[client.query(query).rows.at(0).back().value()];
    const std::lock_guard lock(mutex);
    for (const auto& [server, count] : own) total[server] += count;
  });
  return total;
}

}  // namespace

TEST_CASE_METHOD(BalancingTest, "balancing: a slow replica gets little", "[balancing]") {
  slow_down(20);
  const std::string query = "SELECT SLEEP(0.005 * factor), @@server_id FROM speed";
  for (const std::string balance : {"least_loaded", "fastest", "weighted"}) {
    Weir weir(cluster, options("balance = \"" + balance + "\"\n"));
    auto reads = reads_by_server(weir, 8, 60, query);
    INFO(balance << ": the slow one " << reads["2"] << ", the other " << reads["3"]
                 << ", the primary " << reads["1"]);
    CHECK(reads["1"] + reads["2"] + reads["3"] == 8 * 60);
    CHECK(reads["2"] > 0);
    if (balance == "weighted") {
      // In turn, whatever it takes, until it is so slow for so long that it is put aside.
      CHECK(reads["2"] > 8);
    } else {
      CHECK(reads["2"] < reads["3"] / 2);
    }
    end(weir);
  }
}

TEST_CASE_METHOD(BalancingTest, "balancing: equal replicas get the same", "[balancing]") {
  slow_down(1);
  const std::string query = "SELECT SLEEP(0.002 * factor), @@server_id FROM speed";
  for (const std::string balance : {"least_loaded", "fastest", "weighted"}) {
    Weir weir(cluster, options("balance = \"" + balance + "\"\n"));
    auto reads = reads_by_server(weir, 8, 60, query);
    INFO(balance << ": db2 " << reads["2"] << ", db3 " << reads["3"]);
    CHECK(reads["2"] + reads["3"] == 8 * 60);
    CHECK(reads["2"] > 120);
    CHECK(reads["3"] > 120);
    end(weir);
  }
}

TEST_CASE_METHOD(BalancingTest, "balancing: a replica that has come back begins slowly",
                 "[balancing]") {
  Weir weir(cluster, options("slow_start = \"1h\"\n"));
  Console console(weir);
  Finally put_right{[&] { cluster.sql(2, {"START REPLICA"}); }};
  CHECK(console.cell("SHOW SERVERS", "db2", "weight") ==
        "100");  // since the start, there is no hurry
  cluster.sql(2, {"STOP REPLICA"});
  REQUIRE(until([&] { return console.cell("SHOW SERVERS", "db2", "health") == "stalled"; }));
  cluster.sql(2, {"START REPLICA"});
  REQUIRE(until([&] { return console.cell("SHOW SERVERS", "db2", "health") == "up"; }));
  CHECK(console.cell("SHOW SERVERS", "db2", "weight") == "1");
  CHECK(console.cell("SHOW SERVERS", "db3", "weight") == "100");
  auto reads = reads_by_server(weir, 1, 1000, "SELECT @@server_id");
  INFO("db2 " << reads["2"] << ", db3 " << reads["3"]);
  CHECK(reads["2"] < 50);
  CHECK(reads["3"] > 950);
  end(weir);
}

TEST_CASE_METHOD(BalancingTest,
                 "balancing: the own zone first, others when it is overloaded or gone",
                 "[balancing]") {
  WeirOptions zoned = options("zone = \"near\"\n");
  zoned.lines_of[2] = "zone = \"near\"\n";
  zoned.lines_of[3] = "zone = \"far\"\n";
  zoned.wait = false;  // not for reads from both
  Weir weir(cluster, zoned);
  Console console(weir);
  REQUIRE(until([&] {
    return console.cell("SHOW SERVERS", "db2", "health") == "up" &&
           console.cell("SHOW SERVERS", "db3", "health") == "up";
  }));
  CHECK(weir.readers(40) == std::vector<int>{2});
  // More than twice as much to do as the far one, and eight statements more.
  std::vector<Client> busy;
  for (int i = 0; i < 30; ++i) {
    busy.push_back(weir.connect());
    busy.back().send("SELECT /* zone */ SLEEP(300)");
    REQUIRE(until([&] { return running(2, "zone") + running(3, "zone") == i + 1; }));
  }
  CHECK(running(2, "zone") == 23);
  CHECK(running(3, "zone") == 7);
  for (Client& client : busy) client.vanish();
  REQUIRE(until([&] { return console.cell("SHOW POOLS", "db2", "outstanding") == "0"; }));
  console.query("DRAIN SERVER db2");
  CHECK(weir.readers() == std::vector<int>{3});
  console.query("ENABLE SERVER db2");
  CHECK(until([&] { return weir.readers() == std::vector<int>{2}; }));
  end(weir);
}

TEST_CASE_METHOD(BalancingTest, "balancing: the primary takes over so many reads and no more",
                 "[balancing]") {
  WeirOptions guarded = options("spill_limit = 3\n");
  guarded.sections["listen"] = "workers = 2\nadmin = \"127.0.0.1:0\"\n";
  SECTION("the rest wait for their turn") {
    guarded.sections["pool"] = "queue_timeout = \"60s\"\n";
    Weir weir(cluster, guarded);
    Console console(weir);
    for (const std::string server : {"db2", "db3"}) console.query("DRAIN SERVER " + server);
    std::atomic<bool> done{false};
    std::atomic<long> most{0};
    std::thread looks([&] {
      while (!done) most = std::max(most.load(), running(1, "spill"));
      mysql_thread_end();
    });
    in_parallel(12, [&](int) {
      Client client = weir.connect();
      for (int i = 0; i < 3; ++i) {
        const Result read = client.query("SELECT /* spill */ SLEEP(0.2), @@server_id");
        if (read.rows[0][1] != "1") throw std::runtime_error("not the primary");
      }
    });
    done = true;
    looks.join();
    CHECK(most == 3);
    CHECK(console.counter("held") >= 9);
    // With replicas there is no limit.
    for (const std::string server : {"db2", "db3"}) console.query("ENABLE SERVER " + server);
    CHECK(until([&] { return weir.readers() == std::vector<int>{2, 3}; }));
    end(weir);
  }
  SECTION("and those for whom it does not come are told so") {
    guarded.sections["pool"] = "queue_timeout = \"300ms\"\n";
    Weir weir(cluster, guarded);
    Console console(weir);
    for (const std::string server : {"db2", "db3"}) console.query("DRAIN SERVER " + server);
    std::vector<Client> busy;
    for (int i = 0; i < 3; ++i) {
      busy.push_back(weir.connect());
      busy.back().send("SELECT /* spill */ SLEEP(300)");
      REQUIRE(until([&] { return running(1, "spill") == i + 1; }));
    }
    Client late = weir.connect();
    const Error refused = late.error_of("SELECT /* spill */ 1");
    CHECK(refused.code == 1041);
    CHECK(refused.sqlstate == "HY000");
    CHECK(refused.text.find("weir:") == 0);
    CHECK(refused.text.find("spill_limit") != std::string::npos);
    CHECK(running(1, "spill") == 3);
    // What belongs on the primary is not held up.
    late.query("CREATE TABLE weir_test.t (a INT)");
    CHECK(late.value("/* weir: primary */ SELECT 7") == "7");
    // One leaves, and there is a place.
    busy.back().vanish();
    busy.pop_back();
    CHECK(until([&] { return late.error_of("SELECT /* spill */ 1").code == 0; }));
    for (Client& client : busy) client.vanish();
    cluster.catch_up();
    end(weir);
  }
}

TEST_CASE_METHOD(BalancingTest, "balancing: a dead server is not stormed, nor one that comes back",
                 "[balancing]") {
  constexpr int kClients = 64;
  Weir weir(cluster);  // as it is by default
  Finally put_right{[&] {
    cluster.restart(2);
    cluster.catch_up();
  }};
  std::atomic<bool> stopping{false};
  std::atomic<long> answers{0};
  const auto go_on = [&](long count) {
    const long goal = answers + count;
    return until([&] { return answers >= goal; });
  };
  std::thread load([&] {
    in_parallel(kClients, [&](int) {
      Client client = weir.connect("APP", "");
      while (!stopping) {
        client.query("SELECT 1");
        ++answers;
        std::this_thread::sleep_for(5ms);
      }
    });
  });
  Finally stop{[&] {
    stopping = true;
    if (load.joinable()) load.join();
  }};
  REQUIRE(go_on(1000));
  cluster.kill(2, "KILL");
  {
    DeadPort port(cluster.port(2));
    CHECK(go_on(2000));
    WARN(port.connections() << " connections to the dead server while 64 clients got 2000 answers");
    CHECK(port.connections() > 0);  // it is looked after
    CHECK(port.connections() < 100);
  }
  cluster.restart(2);
  CHECK(until([&] { return weir.readers() == std::vector<int>{2, 3}; }));
  CHECK(go_on(2000));
  const long since_start = cluster.counter(2, "Connections");
  const long at_a_time = cluster.counter(2, "Max_used_connections");
  WARN(since_start << " connections to the server that came back, " << at_a_time << " at a time");
  stop.action();
  CHECK(at_a_time <= kClients + 10);  // the monitor, replication and the tests have some, too
  end(weir);
}
