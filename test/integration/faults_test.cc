// Replicas die, hang, stop and fall behind: readers do not notice.

#include <atomic>
#include <mutex>

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

namespace {

using namespace std::chrono_literals;

// Sessions that read all the time. Every error is remembered.
class Readers {
 public:
  Readers(const Weir& weir, int sessions) {
    for (int i = 0; i < sessions; ++i) {
      threads_.emplace_back([this, &weir] {
        try {
          Client client = weir.connect("APP", "");
          while (!stopping_) {
            if (client.text("SELECT 'x', 1").empty()) throw std::runtime_error("an empty result");
            ++answers_;
            std::this_thread::sleep_for(
                1ms);  // leaves something for the servers to die and rise with
          }
        } catch (const std::exception& error) {
          const std::lock_guard lock(mutex_);
          errors_ += std::string(error.what()) + "\n";
        }
        mysql_thread_end();
      });
    }
  }
  ~Readers() { errors(); }

  // Ends the reading.
  std::string errors() {
    stopping_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
    return errors_;
  }
  // Some more answers have come, to all of the sessions together.
  bool go_on(long count = 500) {
    const long goal = answers_ + count;
    return until([&] { return answers_ >= goal; });
  }

 private:
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::atomic<long> answers_{0};
  std::mutex mutex_;
  std::string errors_;
};

bool readers_are(const Weir& weir, std::vector<int> expected) {
  return until([&] { return weir.readers() == expected; });
}

}  // namespace

TEST_CASE_METHOD(ProxyTest, "faults: a replica is killed under load and comes back", "[faults]") {
  Readers readers(weir, 8);
  CHECK(readers.go_on());
  bool running = true;
  Finally put_right{[&] {
    if (!running) cluster.restart(2);
    cluster.catch_up();
  }};
  for (int round = 0; round < 2; ++round) {
    cluster.kill(2, "KILL");
    running = false;
    CHECK(readers.go_on());
    CHECK(readers_are(weir, {3}));
    cluster.restart(2);
    running = true;
    CHECK(readers_are(weir, {2, 3}));
    CHECK(readers.go_on());
  }
  CHECK(readers.errors() == "");
}

TEST_CASE_METHOD(ProxyTest, "faults: both replicas are killed under load", "[faults]") {
  Readers readers(weir, 4);
  CHECK(readers.go_on());
  std::vector<int> dead;
  Finally put_right{[&] {
    for (const int n : dead) cluster.restart(n);
    cluster.catch_up();
  }};
  for (const int n : {2, 3}) {
    dead.push_back(n);
    cluster.kill(n, "KILL");
    CHECK(readers.go_on());
  }
  CHECK(readers_are(weir, {1}));
  for (const int n : {2, 3}) cluster.restart(n);
  dead.clear();
  CHECK(readers_are(weir, {2, 3}));
  CHECK(readers.errors() == "");
}

TEST_CASE_METHOD(ProxyTest, "faults: a replica ends in order under load", "[faults]") {
  Readers readers(weir, 4);
  CHECK(readers.go_on());
  Finally put_right{[&] {
    cluster.restart(3);
    cluster.catch_up();
  }};
  cluster.kill(3, "TERM");
  CHECK(readers_are(weir, {2}));
  CHECK(readers.go_on());
  CHECK(readers.errors() == "");
}

TEST_CASE_METHOD(ProxyTest, "faults: stopped replication takes a replica out", "[faults]") {
  Finally put_right{[&] { cluster.sql(2, {"START REPLICA"}); }};
  for (const std::string thread : {"SQL", "IO"}) {
    INFO(thread);
    cluster.sql(2, {"STOP REPLICA " + thread + "_THREAD"});
    CHECK(readers_are(weir, {3}));
    cluster.sql(2, {"START REPLICA " + thread + "_THREAD"});
    CHECK(readers_are(weir, {2, 3}));
  }
}

TEST_CASE_METHOD(ProxyTest, "faults: a session moves when its replica's replication stops",
                 "[faults]") {
  Client client = weir.connect();
  const std::string where = client.value("SELECT @@server_id");
  REQUIRE(is_replica(where));
  const int n = std::stoi(where);
  Finally put_right{[&] { cluster.sql(n, {"START REPLICA"}); }};
  cluster.sql(n, {"STOP REPLICA"});
  // The other replica, once it is known to show all that this one may have shown; the primary until
  // then.
  CHECK(until([&] {
    const std::string now = client.value("SELECT @@server_id");
    return now != where && is_replica(now);
  }));
}

TEST_CASE_METHOD(ProxyTest, "faults: a replica that falls behind leaves and comes back",
                 "[faults]") {
  table("clock (id INT PRIMARY KEY, v INT)");
  cluster.sql(1, {"INSERT INTO weir_test.clock VALUES (1, 0)"});
  cluster.catch_up();
  Finally put_right{[&] {
    cluster.delay(2, 0);
    cluster.catch_up();
  }};
  cluster.delay(2, 30);
  CHECK(until([&] {
    cluster.sql(1, {"UPDATE weir_test.clock SET v = v + 1"});
    return weir.readers() == std::vector<int>{3};
  }));
  for (int i = 0; i < 20; ++i) {
    cluster.sql(1, {"UPDATE weir_test.clock SET v = v + 1"});
    CHECK(weir.readers(2) == std::vector<int>{3});
  }
  cluster.delay(2, 0);
  CHECK(readers_are(weir, {2, 3}));
}

TEST_CASE_METHOD(ProxyTest, "faults: a replica that hangs holds nobody up for long", "[faults]") {
  Finally put_right{[&] {
    cluster.kill(2, "CONT");
    cluster.catch_up();
  }};
  std::vector<Client> sessions;
  for (int i = 0; i < 6; ++i) {
    sessions.push_back(weir.connect("APP", ""));
    sessions.back().query("SELECT 1");
  }
  cluster.kill(2, "STOP");
  // Those which were on it, too, are answered, by another server.
  for (Client& session : sessions) CHECK(session.value("SELECT @@server_id") == "3");
  CHECK(readers_are(weir, {3}));
  cluster.kill(2, "CONT");
  CHECK(readers_are(weir, {2, 3}));
}

TEST_CASE_METHOD(ProxyTest, "faults: a replica dies in the middle of a long read", "[faults]") {
  Client client = weir.connect();
  const std::string where = client.value("SELECT @@server_id");
  REQUIRE(is_replica(where));
  const int n = std::stoi(where);
  Finally put_right{[&] {
    cluster.restart(n);
    cluster.catch_up();
  }};
  const std::string slow = "SELECT SLEEP(8), @@server_id";
  client.send(slow);
  REQUIRE(until([&] {
    return cluster.sql(n, {"SELECT COUNT(*) FROM information_schema.processlist WHERE info = '" +
                           slow + "'"}) == "1";
  }));
  cluster.kill(n, "KILL");
  const Result answer = client.receive();  // nothing had been said yet: another server is asked
  CHECK(answer.value() == "0");
  CHECK(answer.rows[0][1] != where);
}

TEST_CASE_METHOD(ProxyTest, "faults: a replica dies in the middle of a result", "[faults]") {
  table("t (id INT PRIMARY KEY)");
  std::string values = "(0)";
  for (int i = 1; i < 3000; ++i) values += ",(" + std::to_string(i) + ")";
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES " + values});
  cluster.catch_up();
  Client client = weir.connect();
  const std::string where = client.value("SELECT @@server_id");
  REQUIRE(is_replica(where));
  const int n = std::stoi(where);
  Finally put_right{[&] {
    cluster.restart(n);
    cluster.catch_up();
  }};
  const std::string big = "SELECT id, REPEAT('y', 20000) FROM t";
  REQUIRE(mysql_query(client.raw(), big.c_str()) == 0);
  MYSQL_RES* rows = mysql_use_result(client.raw());
  REQUIRE(mysql_fetch_row(rows) != nullptr);
  cluster.kill(n, "KILL");
  int count = 1;
  while (mysql_fetch_row(rows) != nullptr) ++count;
  // Never a short result that looks whole.
  const unsigned code = mysql_errno(client.raw());
  mysql_free_result(rows);
  CHECK(count < 3000);
  CHECK((code == 1158 || code == 2013));
  CHECK(weir.connect().query("SELECT id FROM t").rows.size() == 3000);
}

TEST_CASE_METHOD(ProxyTest, "faults: a READ ONLY transaction loses its replica", "[faults]") {
  Client client = weir.connect();
  client.query("START TRANSACTION READ ONLY");
  const std::string where = client.value("SELECT @@server_id");
  REQUIRE(is_replica(where));
  const int n = std::stoi(where);
  Finally put_right{[&] {
    cluster.restart(n);
    cluster.catch_up();
  }};
  cluster.kill(n, "KILL");
  const Error lost = client.error_of("SELECT 1");
  CHECK(lost.code == 1213);
  CHECK(lost.sqlstate == "40001");
  client.query("START TRANSACTION READ ONLY");
  CHECK(client.value("SELECT @@server_id") != where);
  client.query("COMMIT");
}
