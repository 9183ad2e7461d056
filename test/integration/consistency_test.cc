// What a session may miss: the values of consistency, wherever they are set.

#include <atomic>
#include <set>

#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"

using namespace weir::test;

namespace {

// Replicas that stay in the rotation however late they are.
WeirOptions patient() {
  WeirOptions options;
  options.sections["monitor"] = "max_lag = \"10m\"\n";
  return options;
}

class ConsistencyTest : public ClusterTest {
 public:
  ConsistencyTest() {
    cluster.sql(1, {"CREATE TABLE weir_test.own (id INT PRIMARY KEY, v INT)",
                    "INSERT INTO weir_test.own VALUES (1, 0), (2, 0), (3, 0), (4, 0)"});
    cluster.catch_up();
  }
  ~ConsistencyTest() {
    try {
      for (const int n : late_) cluster.delay(n, 0);
      cluster.catch_up();
    } catch (const std::exception& error) {
      FAIL_CHECK("the replicas are still late: " << error.what());
    }
  }
  // Lets replicas apply everything so late. Returns when both are read from.
  void delay(const Weir& weir, std::vector<int> servers, int seconds) {
    for (const int n : servers) {
      late_.insert(n);
      cluster.delay(n, seconds);
    }
    // They were out as long as their replication was stopped.
    REQUIRE(until([&] { return weir.readers() == std::vector<int>{2, 3}; }));
  }
  // What a statement sees of row 1.
  static std::string seen(Client& client, const std::string& hint = "") {
    return client.value(hint + "SELECT v FROM own WHERE id = 1");
  }

 private:
  std::set<int> late_;
};

const std::string kEventual = "/* weir: consistency=eventual */ ";
const std::string kSession = "/* weir: consistency=session */ ";
const std::string kGlobal = "/* weir: consistency=global */ ";

}  // namespace

TEST_CASE_METHOD(ConsistencyTest, "consistency: global shows what others have just written",
                 "[consistency]") {
  WeirOptions options = patient();
  options.sections["routing"] = "consistency = \"global\"\n";
  Weir weir(cluster, options);
  delay(weir, {2}, 5);
  std::atomic<int> by_replicas{0};
  in_parallel(4, [&](int pair) {
    const std::string id = std::to_string(pair + 1);
    Client writer = weir.connect();
    std::vector<Client> readers;  // some of them on the other worker
    for (int i = 0; i < 4; ++i) readers.push_back(weir.connect());
    for (int i = 1; i <= 150; ++i) {
      writer.query("UPDATE own SET v = " + std::to_string(i) + " WHERE id = " + id);
      Client& reader = readers[static_cast<std::size_t>(i) % readers.size()];
      const Result read = reader.query("SELECT v, @@server_id FROM own WHERE id = " + id);
      if (read.value() != std::to_string(i)) {
        throw std::runtime_error("server " + *read.rows[0][1] + " shows " + read.value() +
                                 " after " + std::to_string(i));
      }
      if (is_replica(*read.rows[0][1])) ++by_replicas;
    }
  });
  CHECK(by_replicas > 0);
  end(weir);
}

TEST_CASE_METHOD(ConsistencyTest, "consistency: of a statement, a session, a user, the whole",
                 "[consistency]") {
  Weir weir(cluster, patient());  // "session"
  delay(weir, {2, 3}, 600);
  Client writer = weir.connect();
  Client other = weir.connect();
  writer.query("UPDATE own SET v = 1");
  CHECK(seen(writer) == "1");
  CHECK(seen(other) == "0");  // it has written nothing, and the replicas have it not
  // A statement.
  CHECK(seen(writer, kEventual) == "0");
  CHECK(seen(writer, kSession) == "1");
  CHECK(seen(other, kGlobal) == "1");
  // Since then it is noted what is written, and the next one need not be the first to ask.
  writer.query("UPDATE own SET v = 2");
  CHECK(seen(other, kGlobal) == "2");
  CHECK(seen(other, kEventual) == "0");
  // A session, until it says otherwise.
  writer.query("SET weir.consistency = 'eventual'");
  CHECK(seen(writer) == "0");
  CHECK(seen(writer, kSession) == "2");
  writer.query("SET weir.consistency = DEFAULT");
  CHECK(seen(writer) == "2");
  other.query("SET weir.consistency = 'global'");
  CHECK(seen(other) == "2");
  const Error wrong = other.error_of("SET weir.consistency = 'none'");
  CHECK(wrong.code == 1231);
  CHECK(wrong.text.find("weir:") == 0);
  CHECK(seen(other) == "2");
  // A reset takes it away, as everything that was set.
  writer.query("SET weir.consistency = 'eventual'");
  CHECK(seen(writer) == "0");
  writer.reset();
  CHECK(seen(writer) == "2");
  end(weir);
}

TEST_CASE_METHOD(ConsistencyTest, "consistency: of a user", "[consistency]") {
  WeirOptions options = patient();
  options.users = {"APP"};
  options.user_lines = "consistency = \"eventual\"\n";
  Weir weir(cluster, options);
  delay(weir, {2, 3}, 600);
  Client writer = weir.connect();
  writer.query("UPDATE own SET v = 1");
  CHECK(seen(writer) == "0");
  CHECK(seen(writer, kSession) == "1");
  writer.query("SET weir.consistency = 'session'");
  CHECK(seen(writer) == "1");
  end(weir);
}

TEST_CASE_METHOD(ConsistencyTest, "consistency: a max_lag hint bounds one statement",
                 "[consistency]") {
  Weir weir(cluster, patient());
  delay(weir, {2, 3}, 600);
  Client writer = weir.connect();
  Client reader = weir.connect();
  writer.query("UPDATE own SET v = 1");
  CHECK(seen(reader) == "0");
  CHECK(until([&] {  // as soon as the replicas are known to be that late
    return seen(reader, "/* weir: max_lag=500ms, consistency=eventual */ ") == "1";
  }));
  CHECK(seen(reader, "/* weir: max_lag=1h, consistency=eventual */ ") == "0");
  end(weir);
}

TEST_CASE_METHOD(ConsistencyTest, "consistency: READ ONLY transactions see their session's writes",
                 "[consistency]") {
  Weir weir(cluster, patient());
  Client client = weir.connect();
  int on_replicas = 0;
  for (int i = 1; i <= 100; ++i) {
    client.query("UPDATE own SET v = " + std::to_string(i) + " WHERE id = 1");
    client.query("START TRANSACTION READ ONLY");
    const std::string where = client.value("SELECT @@server_id");
    CHECK(seen(client) == std::to_string(i));
    CHECK(client.value("SELECT @@server_id") == where);
    client.query("COMMIT");
    if (is_replica(where)) ++on_replicas;
  }
  CHECK(on_replicas > 0);
  // Late replicas get none of them.
  delay(weir, {2, 3}, 600);
  client.query("UPDATE own SET v = 1000 WHERE id = 1");
  for (int i = 0; i < 20; ++i) {
    client.query("START TRANSACTION READ ONLY");
    CHECK(seen(client) == "1000");
    client.query("COMMIT");
  }
  end(weir);
}

TEST_CASE_METHOD(ConsistencyTest, "consistency: so many wait on a replica, and no more",
                 "[consistency]") {
  WeirOptions options = patient();
  options.sections["monitor"] += "timeout = \"5s\"\n";
  options.sections["routing"] = "wait = \"2s\"\nmax_waits = 4\n";
  Weir weir(cluster, with_console(options));
  Console console(weir);
  std::vector<Client> clients;
  for (int i = 0; i < 24; ++i) {
    clients.push_back(weir.connect());
    clients.back().query("SELECT 1");
  }
  // A lock keeps the replicas from applying anything; the waits begin before they look late.
  std::vector<Client> locks;
  for (const int n : {2, 3}) {
    locks.push_back(cluster.server(n));
    locks.back().query("LOCK TABLES weir_test.own READ");
  }
  const std::string waiting =
      "SELECT COUNT(*) FROM information_schema.processlist WHERE (info LIKE '%GTID_WAIT(%' OR info "
      "LIKE '%WAIT_FOR_EXECUTED%') AND info NOT LIKE '%processlist%'";
  std::atomic<bool> done{false};
  std::atomic<long> most{0};
  std::thread looks([&] {
    while (!done) {
      for (const int n : {2, 3}) most = std::max(most.load(), std::stol(cluster.sql(n, {waiting})));
    }
    mysql_thread_end();
  });
  in_parallel(24, [&](int i) {
    Client& client = clients[static_cast<std::size_t>(i)];
    const std::string v = std::to_string(1000 + i);
    client.query("INSERT INTO own VALUES (" + v + ", " + v + ")");
    const std::string read = client.value("SELECT v FROM own WHERE id = " + v);
    if (read != v) throw std::runtime_error("wrote " + v + " and read " + read);
  });
  done = true;
  looks.join();
  locks.clear();
  CHECK(most >= 1);
  CHECK(most <= 4);
  CHECK(console.counter("waits") >= 1);
  CHECK(console.counter("waits") <= 8);
  CHECK(console.counter("waits_in_vain") == console.counter("waits"));
  end(weir);
}
