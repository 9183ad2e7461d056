// weir in front of a group: MySQL Group Replication, or MariaDB Galera. The group decides who may
// write, so no test relies on who it is.

#include <algorithm>
#include <set>

#include "proxy/monitor/membership.h"
#include "test/integration/monitor_fixture.h"
#include "test/support/good_end.h"
#include "test/support/until.h"
#include "test/support/weir_process.h"

using namespace weir;
using namespace weir::test;

namespace {

const std::string kAskPrimary = "/* weir: primary */ SELECT @@server_id";

std::size_t count_readers(const Topology& topology) {
  std::size_t count = 0;
  for (const ServerState& server : topology.servers) count += server.serves_reads() ? 1 : 0;
  return count;
}

class GroupTest : public GoodEnd {
 public:
  GroupTest() : watch(monitor_config(cluster)) {
    REQUIRE(whole());
    cluster.sql(writer(), {"DROP DATABASE IF EXISTS weir_test", "CREATE DATABASE weir_test",
                           "CREATE TABLE weir_test.t (id INT PRIMARY KEY, v INT)"});
    cluster.tool("catch-up");
  }

  bool galera() const { return cluster.value("TOPOLOGY") == "galera"; }
  // One member takes writes, the other two are read from.
  bool whole() {
    return watch.until(
        [](const Topology& t) { return t.primary.has_value() && count_readers(t) == 2; });
  }
  // The number of the server, counted from 1, that weir sends writes to.
  int writer() { return static_cast<int>(watch.now()->primary.value()) + 1; }
  int reader() { return writer() == 1 ? 2 : 1; }
  std::string id(int n) const { return cluster.value("DB" + std::to_string(n) + "_SERVER_ID"); }

  static WeirOptions options() {
    WeirOptions options;
    options.sections["routing"] = "failover_wait = \"60s\"\n";
    options.wait = false;
    return options;
  }
  bool reads_from_two(const Weir& weir) {
    return until([&] {
      try {
        return weir.readers().size() == 2;
      } catch (const ServerError&) {
        return false;
      }
    });
  }

  Cluster cluster;
  Watch watch;
};

// Reads all the time, and keeps what went wrong.
class Reader {
 public:
  explicit Reader(const Weir& weir) : client_(weir.connect()), thread_([this] { run(); }) {}
  ~Reader() { finish(); }
  long reads() const { return reads_; }
  std::string finish() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return failure_;
  }

 private:
  void run() {
    try {
      while (!stopping_) {
        client_.query("SELECT COUNT(*) FROM t");
        ++reads_;
      }
    } catch (const std::exception& error) {
      failure_ = error.what();
    }
    mysql_thread_end();
  }
  Client client_;
  std::atomic<bool> stopping_{false};
  std::atomic<long> reads_{0};
  std::string failure_;
  std::thread thread_;
};

}  // namespace

TEST_CASE_METHOD(GroupTest, "group: one member takes the writes, the others are read from",
                 "[group]") {
  const auto topology = watch.now();
  for (const ServerState& server : topology->servers) {
    INFO(server.name << ": " << server.why);
    CHECK(server.health == Health::up);
    CHECK(server.why.empty());
  }
  // Whoever looks later sees the same.
  CHECK(probe_once(*monitor_config(cluster)).primary == topology->primary);
  const std::string log = watch.log();
  INFO(log);
  CHECK(log.find("follows nobody") == std::string::npos);
  CHECK(log.find("hidden") == std::string::npos);
}

TEST_CASE_METHOD(GroupTest, "group: from any single member the others are found, each once",
                 "[group][discovery]") {
  const auto all = watch.now();
  const std::size_t seed = GENERATE(0, 1, 2);
  CAPTURE(seed);
  auto config = monitor_config(cluster);
  config->servers = {config->servers[seed]};
  config->monitor.discover = true;
  Watch from_one(config);
  REQUIRE(from_one.until(
      [](const Topology& t) { return t.primary.has_value() && count_readers(t) == 2; }));
  // It takes the same member for the writer as who was told of all three.
  const auto found = from_one.now();
  CHECK(found->servers[*found->primary].address.port == all->servers[*all->primary].address.port);
  std::multiset<std::uint16_t> ports;
  for (const ServerState& server : found->servers) ports.insert(server.address.port);
  CHECK(ports == std::multiset<std::uint16_t>{cluster.port(1), cluster.port(2), cluster.port(3)});
  CHECK(has(from_one.log(), "a member of its group"));
}

TEST_CASE_METHOD(GroupTest, "group: the start of a server is always the same second", "[group]") {
  Client client = cluster.server(1);
  const std::string query = membership_query(cluster.mariadb() ? Flavor::mariadb : Flavor::mysql);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 150; ++i) {
    const Result result = client.query(query);
    const auto member = decode_membership(cluster.mariadb() ? Flavor::mariadb : Flavor::mysql,
                                          {result.columns, result.rows});
    REQUIRE(member);
    seen.insert(member->started);
    std::this_thread::sleep_for(17ms);
  }
  CHECK(seen.size() == 1);
  CHECK(*seen.begin() > 1000000000u);
}

TEST_CASE_METHOD(GroupTest, "group: a session sees its own writes on the other members",
                 "[group]") {
  Weir weir(cluster, options());
  REQUIRE(reads_from_two(weir));
  Client client = weir.connect();
  const std::string primary = client.value(kAskPrimary);
  int elsewhere = 0;
  for (int i = 1; i <= 60; ++i) {
    const std::string number = std::to_string(i);
    CHECK(client.query("INSERT INTO t VALUES (" + number + ", 0)").affected == 1);
    // Some reads follow at once, some when the monitor has had time to look.
    for (int wait = 0; wait <= (i % 3) * 200; wait += 100) {
      if (wait > 0) std::this_thread::sleep_for(100ms);
      const Result seen = client.query("SELECT MAX(id), @@server_id FROM t");
      REQUIRE(seen.rows[0][0] == number);
      if (seen.rows[0][1] != primary) ++elsewhere;
    }
  }
  CHECK(elsewhere > 10);
  end(weir);
}

TEST_CASE_METHOD(GroupTest, "group: the writer is killed; another one takes over and no read fails",
                 "[group]") {
  Weir weir(cluster, options());
  REQUIRE(reads_from_two(weir));
  Client client = weir.connect();
  client.query("INSERT INTO t VALUES (1, 0)");
  const int old = writer();
  CHECK(client.value(kAskPrimary) == id(old));
  Reader reader(weir);
  bool dead = true;
  Finally put_right{[&] {
    if (dead) cluster.tool("restart db" + std::to_string(old));
  }};
  cluster.kill(old, "KILL");
  REQUIRE(until([&] { return login_error(cluster.root(old)).code == 2002; }));
  CHECK(client.query("UPDATE t SET v = 1 WHERE id = 1").affected == 1);  // the same session
  const std::string taken_over = client.value(kAskPrimary);
  CHECK(taken_over != id(old));
  CHECK(client.value("SELECT v FROM t") == "1");
  const long reads = reader.reads();
  CHECK(until([&] { return reader.reads() > reads + 20; }));
  // The one that comes back is read from, and leaves the writes where they are.
  cluster.tool("restart db" + std::to_string(old));
  dead = false;
  CHECK(whole());
  CHECK(writer() != old);
  CHECK(until([&] {
    const auto seen = weir.readers();
    return std::count(seen.begin(), seen.end(), std::stoi(id(old))) == 1;
  }));
  CHECK(client.value(kAskPrimary) == taken_over);
  CHECK(reader.finish() == "");
  CHECK(probe_once(*monitor_config(cluster)).primary == watch.now()->primary);
  end(weir);
}

TEST_CASE_METHOD(GroupTest, "group: a member that left is out, and is back when it has rejoined",
                 "[group]") {
  const int n = reader();
  const auto server = static_cast<std::size_t>(n - 1);
  bool away = true;
  const auto come_back = [&] {
    if (galera()) {
      cluster.tool("restart db" + std::to_string(n));
    } else {
      cluster.sql(n, {"START GROUP_REPLICATION USER='" + cluster.value("REPL_USER") +
                      "', PASSWORD='" + cluster.value("REPL_PASSWORD") + "'"});
    }
    away = false;
  };
  Finally put_right{[&] {
    if (away) come_back();
  }};
  if (galera()) {
    cluster.kill(n, "TERM");
    REQUIRE(watch.until_health(server, Health::down));
  } else {
    cluster.sql(n, {"STOP GROUP_REPLICATION"});
    REQUIRE(watch.until_health(server, Health::stalled));
    CHECK(has(watch.why(server), "is not part of its group (OFFLINE)"));
  }
  CHECK(watch.now()->primary.has_value());
  come_back();
  CHECK(whole());
}

TEST_CASE_METHOD(GroupTest, "group: a Galera node that is desynced is not used", "[group]") {
  if (!galera()) return;
  for (const int n : {reader(), writer()}) {
    const bool was_writer = n == writer();
    const auto server = static_cast<std::size_t>(n - 1);
    Finally put_right{[&] { cluster.sql(n, {"SET GLOBAL wsrep_desync = OFF"}); }};
    cluster.sql(n, {"SET GLOBAL wsrep_desync = ON"});
    REQUIRE(watch.until_health(server, Health::stalled));
    CHECK(has(watch.why(server), "Donor/Desynced"));
    REQUIRE(watch.until([](const Topology& t) { return t.primary.has_value(); }));
    CHECK(writer() != n);
    put_right.action();
    CHECK(whole());
    // It was started first, and so is the writer for everybody who looks.
    if (was_writer) CHECK(watch.until([=](const Topology& t) { return t.primary == server; }));
  }
}

TEST_CASE_METHOD(GroupTest, "group: multi-primary mode has one writer, the same for all",
                 "[group]") {
  if (galera()) return;
  Finally put_right{
      [&] { cluster.sql(1, {"SELECT group_replication_switch_to_single_primary_mode()"}); }};
  cluster.sql(1, {"SELECT group_replication_switch_to_multi_primary_mode()"});
  const auto all_writable = [&] {
    for (const int n : {1, 2, 3}) {
      if (cluster.sql(n, {"SELECT @@super_read_only"}) != "0") return false;
    }
    return true;
  };
  REQUIRE(until(all_writable));
  std::this_thread::sleep_for(500ms);  // the monitor has seen it
  CHECK(whole());
  CHECK(watch.now()->servers[static_cast<std::size_t>(reader() - 1)].why.empty());
  CHECK(probe_once(*monitor_config(cluster)).primary == watch.now()->primary);
}

TEST_CASE_METHOD(GroupTest, "group: a missing privilege is named", "[group]") {
  if (galera()) return;  // nothing is needed there
  auto config = monitor_config(cluster);
  config->monitor.user = "weir_weak";
  config->monitor.password = "weak-secret";
  const int n = writer();
  cluster.sql(n, {"CREATE USER IF NOT EXISTS weir_weak@'%' IDENTIFIED BY 'weak-secret'",
                  "GRANT REPLICATION CLIENT ON *.* TO weir_weak@'%'"});
  cluster.tool("catch-up");
  Finally put_right{[&] { cluster.sql(n, {"DROP USER weir_weak@'%'"}); }};
  Watch weak(config);
  REQUIRE(
      weak.until([](const Topology& t) { return t.primary.has_value() && count_readers(t) == 2; }));
  for (std::size_t i = 0; i < 3; ++i) {
    if (weak.now()->primary == i) continue;
    CHECK(has(weak.why(i),
              "GRANT SELECT ON performance_schema.replication_group_members TO "
              "'weir_weak'@'%'"));
  }
}

TEST_CASE_METHOD(GroupTest, "group: a writer that has lost the majority gets no writes",
                 "[group]") {
  const int n = writer();
  std::vector<int> others;
  for (const int other : {1, 2, 3}) {
    if (other != n) others.push_back(other);
  }
  Finally put_right{[&] {
    for (const int other : others) cluster.kill(other, "CONT");
  }};
  for (const int other : others) cluster.kill(other, "STOP");
  const std::string reason =
      galera() ? "is in no primary component" : "its group has lost the majority";
  REQUIRE(watch.until([&](const Topology& t) {
    return !t.primary && t.no_primary_why.find(reason) != std::string::npos;
  }));
  put_right.action();
  CHECK(whole());
}
