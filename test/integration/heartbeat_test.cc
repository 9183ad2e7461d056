// The heartbeat table on real servers. MariaDB always has GTIDs, which come before it: there the
// table is tried by itself.

#include "proxy/monitor/prober.h"
#include "proxy/monitor/wake_event.h"
#include "test/integration/monitor_fixture.h"
#include "test/integration/proxy_fixture.h"

using namespace weir;
using namespace weir::test;

namespace {

constexpr const char* kTable = "weir_beats.beats";

// The schema, and the monitor's rights to it.
class Table {
 public:
  explicit Table(const Cluster& cluster) : cluster_(cluster) {
    cluster.sql(1, {"DROP DATABASE IF EXISTS weir_beats", "CREATE DATABASE weir_beats",
                    "GRANT SELECT, INSERT, DELETE, CREATE ON weir_beats.* TO " + account()});
  }
  ~Table() {
    cluster_.sql(1, {"REVOKE SELECT, INSERT, DELETE, CREATE ON weir_beats.* FROM " + account(),
                     "DROP DATABASE weir_beats"});
  }

 private:
  std::string account() const { return cluster_.value("MONITOR_USER") + "@'%'"; }
  const Cluster& cluster_;
};

// MySQL: new transactions get no GTIDs while this lives.
class WithoutGtids {
 public:
  explicit WithoutGtids(const Cluster& cluster) : cluster_(cluster) {
    for (const int n : {2, 3}) auto_position(n, 0);
    mode({"ON_PERMISSIVE", "OFF_PERMISSIVE"});
  }
  ~WithoutGtids() {
    mode({"ON_PERMISSIVE"});
    // With GTIDs again: nothing without one may be left to fetch.
    cluster_.sql(1, {"FLUSH BINARY LOGS", "CREATE DATABASE weir_gtids_again"});
    for (const int n : {2, 3}) {
      until(
          [&] { return !cluster_.sql(n, {"SHOW DATABASES LIKE 'weir\\_gtids\\_again'"}).empty(); });
    }
    mode({"ON"});
    for (const int n : {2, 3}) auto_position(n, 1);
    cluster_.sql(1, {"DROP DATABASE weir_gtids_again"});
    cluster_.catch_up();
  }

 private:
  void auto_position(int n, int on) const {
    cluster_.sql(n, {"STOP REPLICA",
                     "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = " + std::to_string(on),
                     "START REPLICA"});
  }
  void mode(const std::vector<std::string>& steps) const {
    for (const std::string& step : steps) {
      for (const int n : {1, 2, 3}) cluster_.sql(n, {"SET GLOBAL gtid_mode = " + step});
    }
  }
  const Cluster& cluster_;
};

}  // namespace

TEST_CASE("heartbeat: a count written to the primary is read on a replica",
          "[heartbeat][monitor]") {
  const Cluster cluster;
  const Table table(cluster);
  const auto config = monitor_config(cluster);
  const WakeEvent never;
  Heartbeat heartbeat(kTable);
  Prober primary(config->servers[0], *config, never.fd(), &heartbeat);
  Prober replica(config->servers[1], *config, never.fd(), &heartbeat);
  const auto before = Clock::now();
  Probe written = primary.attempt(true);  // makes the table
  INFO(written.beat_trouble);
  REQUIRE(written.written);
  CHECK(written.written->when.sent >= before);
  for (int i = 0; i < 3; ++i) {
    written = primary.attempt(true);
    REQUIRE(written.written);
    Probe seen;
    CHECK(until([&] {
      seen = replica.attempt(false);
      return seen.read && seen.read->count == written.written->count;
    }));
    CHECK_FALSE(seen.written);
  }
  // A row for each weir, and none of those that are long gone.
  cluster.sql(1, {"INSERT INTO weir_beats.beats VALUES ('gone', 1, NOW() - INTERVAL 2 DAY)"});
  Heartbeat other_beats(kTable);
  Prober other(config->servers[0], *config, never.fd(), &other_beats);
  REQUIRE(other.attempt(true).written);
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_beats.beats"}) == "2");
  CHECK(primary.attempt(false).read->count == written.written->count);
}

TEST_CASE("heartbeat: without the right to write, the GRANT is named", "[heartbeat][monitor]") {
  const Cluster cluster;
  auto config = monitor_config(cluster);
  config->monitor.heartbeat = kTable;
  Watch watch(config);
  REQUIRE(watch.until([](const Topology& t) {
    return has(t.servers[0].why, "GRANT SELECT") && t.servers[0].health == Health::up;
  }));
  CHECK(has(watch.why(0), "GRANT SELECT, INSERT, DELETE, CREATE ON `weir_beats`.`beats` TO '" +
                              cluster.value("MONITOR_USER") + "'@'%'"));
}

TEST_CASE("heartbeat: on servers without GTIDs", "[heartbeat][monitor]") {
  const Cluster cluster;
  if (cluster.mariadb()) return;  // always has GTIDs
  const Table table(cluster);
  cluster.catch_up();
  const WithoutGtids mode(cluster);
  auto config = monitor_config(cluster);
  config->monitor.heartbeat = kTable;
  SECTION("lag is known in milliseconds") {
    Watch watch(config);
    REQUIRE(watch.until([](const Topology& t) {
      return t.primary == 0u && t.servers[1].lag == 0ms && t.servers[1].serves_reads() &&
             t.servers[2].lag == 0ms && t.servers[2].serves_reads();
    }));
    CHECK(watch.now()->servers[1].position == nullptr);
    CHECK(Clock::now() - *watch.now()->servers[1].fresh_until < 1s);
    Finally put_right{[&] { cluster.delay(2, 0); }};
    cluster.delay(2, 5);
    REQUIRE(watch.until_health(1, Health::lagging));
    CHECK(has(watch.why(1), "is above max_lag"));
    cluster.delay(2, 0);
    CHECK(watch.until([](const Topology& t) { return t.servers[1].serves_reads(); }));
  }
  SECTION("a session reads its own writes, on replicas") {
    cluster.sql(1, {"CREATE TABLE weir_beats.t (a INT)", "INSERT INTO weir_beats.t VALUES (0)"});
    WeirOptions options;
    options.sections["monitor"] =
        std::string("interval = \"100ms\"\nheartbeat = \"") + kTable + "\"\n";
    Weir weir(cluster, options);
    Client client = weir.connect("APP", "weir_beats");
    for (int i = 1; i <= 50; ++i) {
      client.query("UPDATE t SET a = " + std::to_string(i));
      CHECK(client.value("SELECT a FROM t") == std::to_string(i));
    }
    CHECK(comes_to_a_replica(client));
    CHECK(client.value("SELECT a FROM t") == "50");
    // There is nothing that a replica could be told to wait for.
    for (int i = 51; i <= 55; ++i) {
      Client db2 = cluster.server(2), db3 = cluster.server(3);
      for (Client* replica : {&db2, &db3}) replica->query("LOCK TABLES weir_beats.t READ");
      client.query("UPDATE t SET a = " + std::to_string(i));
      for (int n = 0; n < 3; ++n) CHECK(client.value("SELECT a FROM t") == std::to_string(i));
      for (Client* replica : {&db2, &db3}) replica->query("UNLOCK TABLES");
      CHECK(comes_to_a_replica(client));
    }
    ClusterTest::end(weir);
  }
}
