// As many statements at a time as a server can do: with the limit fixed at one number, so that they
// can be counted.

#include <httplib.h>

#include <algorithm>

#include "test/integration/proxy_fixture.h"
#include "test/support/metrics_text.h"

using namespace weir::test;

namespace {

constexpr int kLimit = 2;
constexpr const char* kRead = "SELECT COUNT(*) FROM t";

WeirOptions limited(const std::string& overload = "queue = 100\n",
                    const std::string& routing = "primary_reads = \"never\"\n",
                    const std::string& pool = "queue_timeout = \"60s\"\n") {
  WeirOptions options;
  options.http = "127.0.0.1:0";
  const std::string limit = std::to_string(kLimit);
  options.sections["listen"] = "workers = 1\n";
  options.sections["overload"] = "mode = \"adaptive\"\nmin_concurrency = " + limit +
                                 "\nmax_concurrency = " + limit + "\n" + overload;
  options.sections["routing"] = routing;
  options.sections["pool"] = pool;
  return options;
}

// A table that can be closed on each server by itself: whatever reads it there then stays under way
// until it is opened again.
class OverloadTest : public ClusterTest {
 public:
  OverloadTest() {
    cluster.sql(1, {"CREATE TABLE weir_test.t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB",
                    "INSERT INTO weir_test.t VALUES (1, 1), (2, 2)"});
    cluster.catch_up();
    let_lock("OFF");
  }
  ~OverloadTest() { let_lock("ON"); }

  // MySQL's replicas of the cluster refuse even root to lock a table for writing.
  void let_lock(const std::string& super_read_only) const {
    if (cluster.mariadb()) return;
    for (const int n : {2, 3}) cluster.sql(n, {"SET GLOBAL super_read_only = " + super_read_only});
  }
  Client closed_on(int n) {
    Client holder = cluster.server(n);
    holder.query("LOCK TABLES weir_test.t WRITE");
    return holder;
  }
  // Statements of the tests' that are under way on a server, by its own list.
  int running(int n) const {
    const Result list = cluster.server(n).query("SHOW PROCESSLIST");
    const auto info = static_cast<std::size_t>(
        std::find(list.columns.begin(), list.columns.end(), "Info") - list.columns.begin());
    return static_cast<int>(std::count_if(list.rows.begin(), list.rows.end(), [&](const auto& row) {
      const std::string text = row.at(info).value_or("");
      return text == kRead || text.rfind("UPDATE t ", 0) == 0;
    }));
  }
  bool runs(int n, int count) const {
    return until([&] { return running(n) == count; });
  }
};

double sample(const Weir& weir, const std::string& name, int server) {
  const httplib::Result result = httplib::Client("127.0.0.1", weir.http_port()).Get("/metrics");
  if (!result || result->status != 200) throw std::runtime_error("no metrics");
  const Samples samples = parse_metrics(result->body);
  const auto found = samples.find(name + "{server=\"db" + std::to_string(server) + "\"}");
  return found != samples.end() ? found->second : -1;
}

double over_all(const Weir& weir, const std::string& name) {
  double sum = 0;
  for (const int n : {1, 2, 3}) sum += sample(weir, name, n);
  return sum;
}

bool in_line(const Weir& weir, int count) {
  return until([&] { return over_all(weir, "weir_server_statements_in_line") == count; });
}

bool nothing_under_way(const Weir& weir) {
  return in_line(weir, 0) &&
         until([&] { return over_all(weir, "weir_server_statements_outstanding") == 0; });
}

// So many clients, each of which has sent the statement.
std::vector<Client> all_send(const Weir& weir, int count, const std::string& statement) {
  std::vector<Client> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(weir.connect());
    clients.back().send(statement);
  }
  return clients;
}

// As many as the limit says can run at the same time on each server, and no fewer.
void check_all_places(OverloadTest& test, const Weir& weir) {
  std::vector<Client> clients;
  {
    Client two = test.closed_on(2);
    Client three = test.closed_on(3);
    clients = all_send(weir, 2 * kLimit + 1, kRead);
    CHECK(in_line(weir, 1));
    CHECK(test.runs(2, kLimit));
    CHECK(test.runs(3, kLimit));
  }
  for (Client& client : clients) CHECK(client.receive().value() == "2");
  CHECK(nothing_under_way(weir));
}

}  // namespace

TEST_CASE_METHOD(OverloadTest, "overload: reads beyond the limit wait, and all are answered",
                 "[overload]") {
  Weir weir(cluster, limited());
  CHECK(sample(weir, "weir_server_concurrency_limit", 2) == kLimit);
  std::vector<Client> clients;
  {
    Client three = closed_on(3);
    Client two = closed_on(2);
    clients = all_send(weir, 12, kRead);
    CHECK(in_line(weir, 12 - 2 * kLimit));
    CHECK(running(2) == kLimit);
    CHECK(running(3) == kLimit);
    two.query("UNLOCK TABLES");
    // Each that ends makes room for the next of its line.
    CHECK(runs(2, 0));
    CHECK(running(3) == kLimit);
  }
  for (Client& client : clients) CHECK(client.receive().value() == "2");
  CHECK(nothing_under_way(weir));
  CHECK(over_all(weir, "weir_server_shed_total") == 0);
  check_all_places(*this, weir);
  end(weir);
}

TEST_CASE_METHOD(OverloadTest, "overload: a replica that is full is passed over", "[overload]") {
  Weir weir(cluster,
            limited("queue = 100\n", "primary_reads = \"never\"\nbalance = \"weighted\"\n"));
  Client two = closed_on(2);
  // Some land on the closed one until it is full.
  std::vector<Client> stuck;
  for (int i = 0; i < 200 && running(2) < kLimit; ++i) {
    stuck.push_back(weir.connect());
    stuck.back().send(kRead);
    until([&] { return over_all(weir, "weir_server_statements_outstanding") == running(2); });
  }
  CHECK(running(2) == kLimit);
  Client client = weir.connect();
  for (int i = 0; i < 50; ++i) CHECK(client.value("SELECT MAX(@@server_id) FROM t") == "3");
  two.query("UNLOCK TABLES");
  for (Client& each : stuck) CHECK(each.receive().value() == "2");
  CHECK(nothing_under_way(weir));
  end(weir);
}

TEST_CASE_METHOD(OverloadTest, "overload: the primary takes reads over while half of it is free",
                 "[overload]") {
  Weir weir(cluster, limited("queue = 100\n", "primary_reads = \"fallback\"\n"));
  std::vector<Client> clients;
  {
    Client one = closed_on(1), two = closed_on(2), three = closed_on(3);
    clients = all_send(weir, 2 * kLimit + 4, kRead);
    CHECK(in_line(weir, 3));
    CHECK(runs(1, 1));
    CHECK(running(2) == kLimit);
    CHECK(running(3) == kLimit);
  }
  for (Client& client : clients) CHECK(client.receive().value() == "2");
  CHECK(nothing_under_way(weir));
  // With one place on the primary for such reads, and that taken.
  Weir guarded(cluster, limited("queue = 100\n", "spill_limit = 1\n"));
  {
    Client one = closed_on(1), two = closed_on(2), three = closed_on(3);
    clients = all_send(guarded, 2 * kLimit + 4, kRead);
    CHECK(in_line(guarded, 3));
    CHECK(runs(1, 1));
  }
  for (Client& client : clients) CHECK(client.receive().value() == "2");
  end(weir);
  end(guarded);
}

TEST_CASE_METHOD(OverloadTest, "overload: writes wait in the order in which they came",
                 "[overload]") {
  cluster.sql(1, {"CREATE TABLE weir_test.done (n INT PRIMARY KEY AUTO_INCREMENT, id INT)"});
  cluster.catch_up();
  Weir weir(cluster, limited());
  std::vector<Client> stuck;
  std::vector<Client> later;
  {
    Client one = closed_on(1);
    stuck = all_send(weir, kLimit, "UPDATE t SET v = v + 1");
    CHECK(runs(1, kLimit));
    for (int i = 0; i < 10; ++i) {
      later.push_back(weir.connect());
      later.back().send("INSERT INTO done (id) VALUES (" + std::to_string(i) + ")");
      CHECK(in_line(weir, i + 1));
    }
    CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.done"}) == "0");
  }
  for (Client& client : stuck) client.receive();
  for (Client& client : later) client.receive();
  // Two of them run at the same time, and either may be first.
  CHECK(std::stoi(cluster.sql(
            1, {"SELECT COUNT(*) FROM weir_test.done WHERE ABS(n - 1 - id) > 1"})) == 0);
  CHECK(nothing_under_way(weir));
  end(weir);
}

TEST_CASE_METHOD(OverloadTest, "overload: transactions and sessions with state pass the line",
                 "[overload]") {
  Weir weir(cluster, limited());
  Client open = weir.connect();
  open.query("BEGIN");
  open.query("CREATE TEMPORARY TABLE own (a INT)");
  Client pinned = weir.connect();
  pinned.query("SET @a = 5");
  std::vector<Client> stuck;
  {
    Client one = closed_on(1);
    stuck = all_send(weir, kLimit + 3, "UPDATE t SET v = 7");
    CHECK(in_line(weir, 3));
    // What they need of the server is not closed.
    CHECK(open.query("INSERT INTO own VALUES (1)").affected == 1);
    CHECK(open.value("SELECT COUNT(*) FROM own") == "1");
    open.query("COMMIT");
    CHECK(pinned.value("SELECT @a") == "5");
    // Nor does what only adjusts a session wait.
    Client other = weir.connect();
    other.query("SET NAMES utf8mb4");
    other.use("weir_test");
    CHECK(other.ping());
    CHECK(in_line(weir, 3));
  }
  for (Client& client : stuck) client.receive();
  CHECK(nothing_under_way(weir));
  end(weir);
}

TEST_CASE_METHOD(OverloadTest, "overload: the deadline and a full line are errors that say so",
                 "[overload]") {
  Weir weir(cluster,
            limited("queue = 3\n", "primary_reads = \"never\"\n", "queue_timeout = \"300ms\"\n"));
  Client one = closed_on(1);
  std::vector<Client> stuck = all_send(weir, kLimit, "UPDATE t SET v = 8");
  REQUIRE(runs(1, kLimit));
  Client late = weir.connect();
  const Error error = late.error_of("UPDATE t SET v = 9");
  CHECK(error.code == 1041);
  CHECK(error.sqlstate == "HY000");
  INFO(error.text);
  CHECK(error.text.find("weir: server db1 is overloaded: it has 2 statements at a time") == 0);
  CHECK(error.text.find("this one waited 0 ms") == std::string::npos);
  CHECK(until([&] { return sample(weir, "weir_server_shed_total", 1) == 1; }));
  CHECK(sample(weir, "weir_server_statements_in_line", 1) == 0);
  // The session lives, and is served as soon as there is room.
  CHECK(late.value("SELECT COUNT(*) FROM t") == "2");
  one.query("UNLOCK TABLES");
  for (Client& client : stuck) client.receive();
  CHECK(late.query("UPDATE t SET v = 9").affected == 2);
  end(weir);

  Weir other(cluster, limited("queue = 3\n"));
  std::vector<Client> waiting;
  {
    Client again = closed_on(1);
    stuck = all_send(other, kLimit, "UPDATE t SET v = 10");
    REQUIRE(runs(1, kLimit));
    waiting = all_send(other, 3, "UPDATE t SET v = 11");
    REQUIRE(in_line(other, 3));
    const Error full = other.connect().error_of("UPDATE t SET v = 12");
    INFO(full.text);
    CHECK(full.code == 1041);
    CHECK(full.text.find("and 3 in line; this one waited 0 ms and was not run") !=
          std::string::npos);
    CHECK(until([&] { return sample(other, "weir_server_shed_total", 1) == 1; }));
  }
  for (Client& client : stuck) client.receive();
  for (Client& client : waiting) client.receive();
  CHECK(cluster.sql(1, {"SELECT MAX(v) FROM weir_test.t"}) == "11");
  CHECK(nothing_under_way(other));
  end(other);
}

TEST_CASE_METHOD(OverloadTest, "overload: clients that vanish, or are killed, leave no place taken",
                 "[overload]") {
  Weir weir(cluster, limited());
  for (int round = 0; round < 3; ++round) {
    INFO("round " << round);
    Client two = closed_on(2);
    Client three = closed_on(3);
    std::vector<Client> clients = all_send(weir, 4 * kLimit, kRead);
    REQUIRE(in_line(weir, 2 * kLimit));
    // Those inside and those in line alike.
    for (Client& client : clients) client.vanish();
    CHECK(in_line(weir, 0));
  }
  std::vector<Client> clients;
  {
    Client two = closed_on(2);
    Client three = closed_on(3);
    for (int i = 0; i < 3 * kLimit; ++i) clients.push_back(weir.connect());
    std::vector<std::string> ids;
    for (Client& client : clients) ids.push_back(client.value("SELECT CONNECTION_ID()"));
    for (Client& client : clients) client.send(kRead);
    REQUIRE(in_line(weir, kLimit));
    // Of weir's own sessions: KILL QUERY ends a wait, KILL the session.
    Client killer = weir.connect();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      killer.query((i % 2 == 0 ? "KILL QUERY " : "KILL ") + ids[i]);
    }
    CHECK(in_line(weir, 0));
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    try {
      clients[i].receive();
      FAIL_CHECK("client " << i << " got an answer");
    } catch (const ServerError& error) {
      CHECK((i % 2 == 0 ? error.code() == 1317 : error.code() >= 2000));
    }
  }
  CHECK(nothing_under_way(weir));
  check_all_places(*this, weir);
  end(weir);
}

TEST_CASE_METHOD(OverloadTest, "overload: a server that dies gives its places back", "[overload]") {
  Weir weir(cluster, limited());
  std::vector<Client> clients;
  {
    Client two = closed_on(2);
    Client three = closed_on(3);
    clients = all_send(weir, 6 * kLimit, kRead);
    REQUIRE(in_line(weir, 4 * kLimit));
    cluster.kill(2, "KILL");
    // Its own line moves to the other one.
    CHECK(until([&] { return sample(weir, "weir_server_statements_in_line", 2) == 0; }));
    CHECK(until([&] { return sample(weir, "weir_server_statements_in_line", 3) == 5 * kLimit; }));
  }
  for (Client& client : clients) CHECK(client.receive().value() == "2");
  cluster.restart(2);
  let_lock("OFF");
  CHECK(until([&] { return weir.readers() == std::vector<int>{2, 3}; }));
  CHECK(nothing_under_way(weir));
  check_all_places(*this, weir);
  end(weir);
}

TEST_CASE_METHOD(OverloadTest, "overload: errors and transactions in a crowd", "[overload]") {
  Weir weir(cluster, limited("queue = 100\n", "primary_reads = \"fallback\"\n"));
  const auto expect = [](Client& client, const std::string& statement, unsigned code) {
    const Error error = client.error_of(statement);
    if (error.code != code) throw std::runtime_error(statement + ": " + error.text);
  };
  in_parallel(16, [&](int number) {
    Client client = weir.connect();
    for (int i = 0; i < 20; ++i) {
      client.query("SELECT v FROM t WHERE id = 1");
      client.query("INSERT INTO t VALUES (" + std::to_string(100 + 20 * number + i) + ", 1)");
      expect(client, "SELECT * FROM nothing", 1146);
      expect(client, "INSERT INTO t VALUES (1, 1)", 1062);
      client.query("BEGIN");
      client.query("UPDATE t SET v = v WHERE id = 1");
      client.query("ROLLBACK");
    }
  });
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.t"}) == "322");
  CHECK(nothing_under_way(weir));
  end(weir);
}
