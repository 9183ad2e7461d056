// The monitor against a real primary with two real replicas of either flavour.

#include <unistd.h>

#include "test/integration/monitor_fixture.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("monitor: finds the roles, the greeting, and no lag", "[monitor]") {
  const Cluster cluster;
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  const auto topology = watch.now();
  CHECK(topology->servers[1].lag == 0ms);
  REQUIRE(topology->servers[1].fresh_until);
  CHECK(Clock::now() - *topology->servers[1].fresh_until < 1s);
  CHECK(topology->servers[2].server_id == 3);
  const std::string prefix = cluster.mariadb() ? "5.5.5-" : "";
  CHECK(topology->greeting_version == prefix + cluster.sql(1, {"SELECT @@version"}));
  CHECK(topology->default_collation ==
        std::stoi(
            cluster.sql(1, {"SELECT ID FROM information_schema.COLLATIONS WHERE COLLATION_NAME = "
                            "@@global.collation_server"})));
  const auto before = Clock::now();
  watch.stop();
  CHECK(Clock::now() - before < 200ms);
}

TEST_CASE("monitor: a single look, and its table", "[monitor]") {
  const Cluster cluster;
  const auto config = monitor_config(cluster);
  config->servers[0].address = {"", 0, cluster.value("DB1_SOCKET")};
  const Topology topology = probe_once(*config);
  CHECK(topology.primary == 0u);
  CHECK(topology.servers[1].serves_reads());
  CHECK(has(print_topology(topology), "The primary is db1."));
}

TEST_CASE("monitor: a busy primary does not make its replicas look late", "[monitor]") {
  const Cluster cluster;
  Writer writer(cluster);
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  const auto end = Clock::now() + 5s;
  std::uint64_t looks = 0, out = 0;
  while (Clock::now() < end) {
    const auto topology = watch.now();
    for (const std::size_t i : {1u, 2u}) {
      ++looks;
      if (!topology->servers[i].serves_reads()) ++out;
    }
    std::this_thread::sleep_for(20ms);
  }
  CHECK(out == 0);
  CHECK(looks > 200);
}

TEST_CASE("monitor: lag rises, the replica leaves, and comes back by hysteresis", "[monitor]") {
  const Cluster cluster;
  Writer writer(cluster);
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  Finally put_right{[&] { cluster.delay(2, 0); }};
  cluster.delay(2, 4);
  REQUIRE(watch.until_health(1, Health::lagging));
  CHECK(has(watch.why(1), "is above max_lag"));
  // Both servers apply what is delayed in bursts, so that lag swings by a second or two.
  std::this_thread::sleep_for(6s);
  for (int i = 0; i < 30; ++i) {
    const auto topology = watch.now();
    REQUIRE(topology->servers[1].lag);
    CHECK(*topology->servers[1].lag >= 3s);
    CHECK(*topology->servers[1].lag <= 8s);
    CHECK(topology->servers[2].serves_reads());
    std::this_thread::sleep_for(110ms);
  }
  CHECK(has(watch.why(1), "kept 4 s behind by its own configuration"));
  cluster.delay(2, 0);
  CHECK(watch.until_health(1, Health::recovering));
  CHECK(watch.until_all_up());
  CHECK(has(watch.log(), "replica, lagging"));
}

TEST_CASE("monitor: the lag figure is true to an interval", "[monitor]") {
  const Cluster cluster;
  Writer writer(cluster);
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  Client lock = cluster.server(2);  // a lock makes the applier wait, though its thread runs
  lock.query("LOCK TABLES weir_monitor_test.clock READ");
  std::this_thread::sleep_for(500ms);
  long least = 1 << 20, most = -least, samples = 0;
  for (const auto end = Clock::now() + 4s; Clock::now() < end; ++samples) {
    const long before = writer.lag_of(2);
    const auto topology = watch.now();
    REQUIRE(topology->servers[1].lag);
    const long error = static_cast<long>(topology->servers[1].lag->count()) - before;
    least = std::min(least, error);
    most = std::max(most, error);
    std::this_thread::sleep_for(17ms);
  }
  WARN("error of the lag figure: " << least << " to " << most << " ms (interval 100 ms, " << samples
                                   << " samples)");
  // The figure is as old as the last probe, and errs to the old side by one interval.
  CHECK(least >= -250);
  CHECK(most <= 250);
  CHECK(watch.now()->servers[1].health == Health::lagging);
}

TEST_CASE("monitor: a pause of its own process takes no server out", "[monitor]") {
  const Cluster cluster;
  { Writer makes_the_table(cluster); }
  cluster.sql(
      1,
      {"DROP PROCEDURE IF EXISTS weir_monitor_test.busy",
       "CREATE PROCEDURE weir_monitor_test.busy() BEGIN DECLARE n INT DEFAULT 0; WHILE n < 700 DO "
       "UPDATE weir_monitor_test.clock SET ms = ms + 1; DO SLEEP(0.01); SET n = n + 1; END WHILE; "
       "END"});
  cluster.catch_up();
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  Client writes_meanwhile = cluster.server(1);
  writes_meanwhile.send("CALL weir_monitor_test.busy()");
  const std::string self = std::to_string(::getpid());
  const std::string pause = "(kill -STOP " + self + "; sleep 4; kill -CONT " + self + ") &";
  auto last = Clock::now();
  REQUIRE(std::system(pause.c_str()) == 0);  // the pause may begin in here
  const auto end = Clock::now() + 6s;
  Clock::duration longest{0};
  while (Clock::now() < end) {
    longest = std::max(longest, Clock::now() - last);
    last = Clock::now();
    std::this_thread::sleep_for(1ms);
  }
  CHECK(longest > 3s);
  const std::string log = watch.log();
  INFO(log);
  CHECK(log.find("down") == std::string::npos);
  CHECK(log.find("lagging") == std::string::npos);
}

TEST_CASE("monitor: a stopped SQL thread or IO thread stalls the replica at once", "[monitor]") {
  const Cluster cluster;
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  Finally put_right{[&] { cluster.sql(2, {"START REPLICA"}); }};
  for (const std::string thread : {"SQL", "IO"}) {
    cluster.sql(2, {"STOP REPLICA " + thread + "_THREAD"});
    REQUIRE(watch.until_health(1, Health::stalled));
    CHECK(has(watch.why(1), "the " + thread + " thread is stopped"));
    cluster.sql(2, {"START REPLICA " + thread + "_THREAD"});
    CHECK(watch.until_all_up());
  }
}

TEST_CASE("monitor: a link that cannot connect shows as lag once the primary writes", "[monitor]") {
  const Cluster cluster;
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  const bool maria = cluster.mariadb();
  const std::string word =
      maria ? "CHANGE MASTER TO MASTER_PORT = " : "CHANGE REPLICATION SOURCE TO SOURCE_PORT = ";
  const auto point_to = [&](std::uint16_t port) {
    cluster.sql(2, {"STOP REPLICA", word + std::to_string(port), "START REPLICA"});
  };
  Finally put_right{[&] { point_to(cluster.port(1)); }};
  point_to(1);
  Writer writer(cluster);
  REQUIRE(watch.until_health(1, Health::lagging));
  CHECK(has(watch.why(1), "cannot reach its source"));
  // MariaDB goes on to show the id of the source that it reached last.
  if (!maria) CHECK(has(watch.why(1), "is not in the configuration"));
  point_to(cluster.port(1));
  CHECK(watch.until_all_up());
}

TEST_CASE("monitor: a server that hangs is out after one timeout and delays nobody", "[monitor]") {
  const Cluster cluster;
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  Finally put_right{[&] { cluster.tool("kill --signal CONT db3"); }};
  cluster.tool("kill --signal STOP db3");
  const auto stopped = Clock::now();
  REQUIRE(watch.until_health(2, Health::down));
  const auto took = std::chrono::duration_cast<Milliseconds>(Clock::now() - stopped);
  WARN("a hanging server was out after " << took.count() << " ms (timeout 600 ms)");
  CHECK(took < 1500ms);
  CHECK(has(watch.why(2), "no answer in time"));
  const auto fresh = watch.now()->servers[1].fresh_until;
  std::this_thread::sleep_for(1s);
  CHECK(watch.now()->servers[1].serves_reads());
  CHECK(*watch.now()->servers[1].fresh_until > *fresh + 500ms);
  const auto before = Clock::now();
  Watch second(monitor_config(cluster));
  second.until_health(2, Health::down);
  second.stop();
  CHECK(Clock::now() - before < 2s);
  cluster.tool("kill --signal CONT db3");
  CHECK(watch.until_all_up());
}

TEST_CASE("monitor: a killed server is out at once and found again", "[monitor]") {
  const Cluster cluster;
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  bool running = true;
  Finally put_right{[&] {
    if (!running) cluster.tool("restart db2");
  }};
  cluster.tool("kill --signal KILL db2");
  running = false;
  REQUIRE(watch.until_health(1, Health::down));
  cluster.tool("restart db2");
  running = true;
  cluster.sql(2, {"START REPLICA"});
  CHECK(watch.until_all_up());
}

TEST_CASE("monitor: the primary dies and comes back", "[monitor]") {
  const Cluster cluster;
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  bool running = true;
  Finally put_right{[&] {
    if (!running) cluster.tool("restart db1");
  }};
  cluster.tool("kill --signal KILL db1");
  running = false;
  REQUIRE(watch.until([](const Topology& t) { return !t.primary; }));
  CHECK(has(watch.now()->no_primary_why, "db1 (the primary until now) does not answer"));
  std::this_thread::sleep_for(1s);
  CHECK(watch.now()->servers[1].serves_reads());
  CHECK(watch.now()->known());
  cluster.tool("restart db1");
  running = true;
  CHECK(watch.until([](const Topology& t) { return t.primary == 0u; }));
  // The replicas wait a while before they call the new process; they are told not to.
  for (const int n : {2, 3}) cluster.sql(n, {"STOP REPLICA", "START REPLICA"});
  CHECK(watch.until_all_up());
}

TEST_CASE("monitor: two writable servers are no primary", "[monitor]") {
  const Cluster cluster;
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  Finally put_right{[&] { cluster.read_only(2, true); }};
  cluster.read_only(2, false);
  REQUIRE(watch.until([](const Topology& t) { return !t.primary; }));
  CHECK(has(watch.now()->no_primary_why,
            "several servers are writable: db1, db2 (though it follows"));
  CHECK_FALSE(watch.now()->servers[1].serves_reads());
  cluster.read_only(2, true);
  CHECK(watch.until_all_up());
  CHECK(has(watch.log(), "there is no primary: several servers are writable"));
}

TEST_CASE("monitor: a missing privilege is named, and the server is not down", "[monitor]") {
  const Cluster cluster;
  auto config = monitor_config(cluster);
  config->monitor.user = "weir_weak";
  config->monitor.password = "weak-secret";
  cluster.sql(1, {"CREATE USER IF NOT EXISTS weir_weak@'%' IDENTIFIED BY 'weak-secret'"});
  Finally put_right{[&] { cluster.sql(1, {"DROP USER weir_weak@'%'"}); }};
  Watch watch(config);
  REQUIRE(watch.until_all_up());
  CHECK(has(watch.why(1), cluster.mariadb()
                              ? "GRANT REPLICA MONITOR ON *.* TO 'weir_weak'@'%'"
                              : "GRANT REPLICATION CLIENT ON *.* TO 'weir_weak'@'%'"));
}

TEST_CASE("monitor: a refused account is its own state", "[monitor]") {
  const Cluster cluster;
  auto config = monitor_config(cluster);
  config->monitor.password = "wrong";
  Watch watch(config);
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(watch.until_health(i, Health::denied));
  CHECK(has(watch.why(0), "refuses the monitor's account"));
  CHECK(has(watch.now()->no_primary_why, "db1 refuses the monitor's account"));
}

TEST_CASE("monitor: a server without TLS is not used where it must have it", "[monitor][tls]") {
  const Cluster cluster;
  if (!cluster.mariadb()) return;  // MySQL makes itself a certificate
  auto config = monitor_config(cluster);
  config->tls.server.mode = ServerTlsMode::required;
  Watch watch(config);
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(watch.until_health(i, Health::down));
  CHECK(has(watch.why(0), "the server offers no TLS"));
}

TEST_CASE("monitor: its connection may be killed without anybody noticing", "[monitor]") {
  const Cluster cluster;
  Watch watch(monitor_config(cluster));
  REQUIRE(watch.until_all_up());
  const std::string find = "SELECT id FROM information_schema.processlist WHERE user = '" +
                           cluster.value("MONITOR_USER") + "' LIMIT 1";
  for (int i = 0; i < 5; ++i) {
    const std::string id = cluster.sql(2, {find});
    cluster.sql(2, {"KILL " + id});
    const auto end = Clock::now() + 300ms;
    while (Clock::now() < end) {
      CHECK(watch.now()->servers[1].serves_reads());
      std::this_thread::sleep_for(5ms);
    }
    CHECK(cluster.sql(2, {find}) != id);
  }
}
