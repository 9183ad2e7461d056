// A session reads its own writes and never goes back in time, whatever the replicas do.

#include <atomic>

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

namespace {

// Several sessions, each of which writes and reads at once, `rounds` times. The number of stale
// answers.
int stale_reads(const Weir& weir, int sessions, int rounds, std::atomic<int>& by_replicas) {
  std::atomic<int> stale{0};
  in_parallel(sessions, [&](int session) {
    Client client = weir.connect();
    const std::string id = std::to_string(session);
    client.query("REPLACE INTO own VALUES (" + id + ", 0)");
    for (int i = 1; i <= rounds; ++i) {
      client.query("UPDATE own SET v = " + std::to_string(i) + " WHERE id = " + id);
      const Result read = client.query("SELECT v, @@server_id FROM own WHERE id = " + id);
      if (read.rows.empty() || read.value() != std::to_string(i)) ++stale;
      if (!read.rows.empty() && is_replica(*read.rows[0][1])) ++by_replicas;
    }
  });
  return stale;
}

}  // namespace

TEST_CASE_METHOD(ProxyTest, "read your writes: none of the reads is stale", "[ryw]") {
  table("own (id INT PRIMARY KEY, v INT)");
  std::atomic<int> by_replicas{0};
  CHECK(stale_reads(weir, 4, 500, by_replicas) == 0);
  // Later, the replicas take over again, with what the session wrote last.
  Client client = weir.connect();
  client.query("REPLACE INTO own VALUES (77, 1)");
  std::string last;
  CHECK(until([&] {
    last = client.text("SELECT v, @@server_id FROM own WHERE id = 77");
    return last == "1|2\n" || last == "1|3\n" || last.empty() || last[0] != '1';
  }));
  CHECK((last == "1|2\n" || last == "1|3\n"));
}

TEST_CASE_METHOD(ProxyTest,
                 "read your writes: also when inserted rows are read back by their new ids",
                 "[ryw]") {
  table("log (id INT PRIMARY KEY AUTO_INCREMENT, token VARCHAR(40))");
  in_parallel(3, [&](int session) {
    Client client = weir.connect();
    for (int i = 0; i < 500; ++i) {
      const std::string token = std::to_string(session) + "-" + std::to_string(i);
      const Result inserted = client.query("INSERT INTO log (token) VALUES ('" + token + "')");
      const Result read =
          client.query("SELECT token FROM log WHERE id = " + std::to_string(inserted.insert_id));
      if (read.rows.empty() || read.value() != token) throw std::runtime_error("stale: " + token);
    }
  });
}

TEST_CASE_METHOD(ClusterTest, "read your writes: with delayed replicas that stay in the rotation",
                 "[ryw]") {
  WeirOptions options;
  options.sections["monitor"] = "max_lag = \"1m\"\n";
  Weir weir(cluster, options);
  cluster.sql(1, {"CREATE TABLE weir_test.own (id INT PRIMARY KEY, v INT)"});
  cluster.catch_up();
  Finally put_right{[&] {
    for (const int n : {2, 3}) cluster.delay(n, 0);
    cluster.catch_up();
  }};
  for (const int n : {2, 3}) cluster.delay(n, 5);
  std::atomic<int> by_replicas{0};
  CHECK(stale_reads(weir, 4, 500, by_replicas) == 0);
  // Somebody who has written nothing still reads from a replica.
  CHECK(is_replica(weir.connect().value("SELECT @@server_id")));
  end(weir);
}

namespace {

// Somebody who does not pass weir, and writes higher and higher numbers.
class Counting {
 public:
  explicit Counting(const Cluster& cluster) : writer_(cluster.server(1)) {
    writer_.query("CREATE TABLE weir_test.other (v INT)");
    writer_.query("INSERT INTO weir_test.other VALUES (0)");
    cluster.catch_up();
    thread_ = std::thread([this] {
      while (!stop_) {
        writer_.query("UPDATE weir_test.other SET v = v + 1");
        std::this_thread::sleep_for(5ms);  // no more than replicas can follow
      }
      mysql_thread_end();
    });
  }
  ~Counting() {
    stop_ = true;
    thread_.join();
  }

 private:
  Client writer_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Reads the number, which must not fall, and notes who answered.
struct Reader {
  void read(Client& client) {
    const Result read = client.query("SELECT v, @@server_id FROM other");
    const int seen = std::stoi(read.value());
    CHECK(seen >= newest);
    newest = std::max(newest, seen);
    ++(*read.rows[0][1] == "1" ? by_primary : by_replicas);
  }
  int newest = 0;
  int by_primary = 0;
  int by_replicas = 0;
};

}  // namespace

TEST_CASE_METHOD(ClusterTest, "monotonic reads: the primary answers while replicas are late",
                 "[ryw]") {
  WeirOptions options;
  options.sections["monitor"] = "max_lag = \"1m\"\n";
  Weir weir(cluster, options);
  cluster.sql(1, {"CREATE TABLE weir_test.own (id INT PRIMARY KEY, v INT)"});
  Counting other(cluster);
  Finally put_right{[&] {
    for (const int n : {2, 3}) cluster.delay(n, 0);
  }};
  for (const int n : {2, 3}) cluster.delay(n, 1);
  Client client = weir.connect();
  Reader reader;
  for (int round = 0; round < 3; ++round) {
    // The session's own write keeps it off the replicas; its reads show more than these have when
    // that has come there.
    client.query("REPLACE INTO own VALUES (1, " + std::to_string(round) + ")");
    for (int i = 0; i < 30; ++i) {
      reader.read(client);
      std::this_thread::sleep_for(50ms);
    }
    // Without a pause it stays; after one it comes back.
    const int before = reader.by_replicas;
    CHECK(until([&] {
      std::this_thread::sleep_for(2s);
      reader.read(client);
      return reader.by_replicas > before;
    }));
  }
  CHECK(reader.by_primary > 0);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "monotonic reads: replicas are waited for behind the primary",
                 "[ryw]") {
  WeirOptions options;
  options.sections["routing"] = "primary_reads = \"always\"\nwait = \"900ms\"\n";
  Weir weir(cluster, options);
  Counting other(cluster);
  Client client = weir.connect();
  Reader reader;
  for (int i = 0; i < 300; ++i) reader.read(client);
  CHECK(reader.by_primary > 0);
  CHECK(reader.by_replicas > 0);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "read your writes: with delayed replicas that leave the rotation",
                 "[ryw]") {
  Weir weir(cluster);
  cluster.sql(1, {"CREATE TABLE weir_test.own (id INT PRIMARY KEY, v INT)"});
  cluster.catch_up();
  Finally put_right{[&] {
    for (const int n : {2, 3}) cluster.delay(n, 0);
    cluster.catch_up();
  }};
  for (const int n : {2, 3}) cluster.delay(n, 5);
  std::atomic<int> by_replicas{0};
  CHECK(stale_reads(weir, 2, 500, by_replicas) == 0);
  CHECK(until([&] {
    cluster.sql(1, {"REPLACE INTO weir_test.own VALUES (99, 1)"});
    return weir.connect().value("SELECT @@server_id") == "1";
  }));
  for (const int n : {2, 3}) cluster.delay(n, 0);
  CHECK(until([&] { return weir.readers() == std::vector<int>{2, 3}; }));
  end(weir);
}

TEST_CASE_METHOD(ClusterTest,
                 "read your writes: transactions, DDL and prepared writes count as well", "[ryw]") {
  WeirOptions options;
  options.sections["monitor"] = "max_lag = \"1m\"\n";
  Weir weir(cluster, options);
  cluster.sql(1, {"CREATE TABLE weir_test.own (id INT PRIMARY KEY, v INT)",
                  "CREATE PROCEDURE weir_test.put(n INT) INSERT INTO weir_test.own VALUES (n, n)"});
  cluster.catch_up();
  Finally put_right{[&] {
    for (const int n : {2, 3}) cluster.delay(n, 0);
    cluster.catch_up();
  }};
  for (const int n : {2, 3}) cluster.delay(n, 3);
  Client client = weir.connect();
  client.query("BEGIN");
  client.query("INSERT INTO own VALUES (1, 1)");
  client.query("COMMIT");
  CHECK(client.value("SELECT COUNT(*) FROM own") == "1");
  client.query("CREATE TABLE fresh (a INT)");
  CHECK(client.value("SELECT COUNT(*) FROM fresh") == "0");
  client.query("SET autocommit = 0");
  client.query("INSERT INTO own VALUES (2, 2)");
  client.query("SET autocommit = 1");
  CHECK(client.value("SELECT COUNT(*) FROM own") == "2");
  client.query("START TRANSACTION");
  client.query("INSERT INTO own VALUES (3, 3)");
  client.query("CREATE TABLE fresher (a INT)");  // commits
  CHECK(client.value("SELECT COUNT(*) FROM own") == "3");
  Client caller = weir.connect();
  caller.query("CALL put(4)");
  caller.reset();  // takes the pin of the call away, but not what the session has seen
  CHECK(caller.value("SELECT COUNT(*) FROM own") == "4");
  Login login = weir.login();
  login.flags = CLIENT_MULTI_STATEMENTS;
  Client multi(login);
  multi.results("SELECT 1; INSERT INTO own VALUES (5, 5); SELECT 2");
  CHECK(multi.value("SELECT COUNT(*) FROM own") == "5");
  end(weir);
}

TEST_CASE_METHOD(ClusterTest,
                 "read your writes: a session does not go back when its replica leaves", "[ryw]") {
  WeirOptions options;
  options.sections["monitor"] = "max_lag = \"1m\"\n";
  Weir weir(cluster, options);
  cluster.sql(1, {"CREATE TABLE weir_test.clock (id INT PRIMARY KEY, v INT)",
                  "INSERT INTO weir_test.clock VALUES (1, 0)"});
  cluster.catch_up();
  Finally put_right{[&] {
    cluster.sql(3, {"START REPLICA"});
    cluster.delay(2, 0);
    cluster.catch_up();
  }};
  cluster.delay(2, 5);
  Client client = weir.connect();
  REQUIRE(until([&] {  // a session whose reads are answered by the quick replica
    if (client.value("SELECT @@server_id") == "3") return true;
    client = weir.connect();
    return false;
  }));
  cluster.sql(1, {"UPDATE weir_test.clock SET v = 1"});
  REQUIRE(until([&] { return client.value("SELECT v FROM clock") == "1"; }));
  cluster.sql(3, {"STOP REPLICA"});
  std::string before = "1", answered;
  CHECK(until([&] {
    const Result read = client.query("SELECT v, @@server_id FROM clock");
    CHECK(read.value() >= before);
    before = std::max(before, read.value());
    answered = *read.rows[0][1];
    return answered != "3";
  }));
  end(weir);
}
