// Servers that are not listed, found on a real primary with two real replicas of either flavour.

#include "test/integration/monitor_fixture.h"
#include "test/integration/proxy_fixture.h"

using namespace weir;
using namespace weir::test;

namespace {

// A configuration that lists db`seed` only.
std::shared_ptr<Config> from_seed(const Cluster& cluster, int seed) {
  auto config = monitor_config(cluster);
  config->servers = {config->servers[static_cast<std::size_t>(seed - 1)]};
  config->monitor.discover = true;
  return config;
}

// The server with this port among those that take part; null when it is not known.
const ServerState* server_at(const Topology& topology, std::uint16_t port) {
  for (const ServerState& server : topology.servers) {
    if (server.address.port == port && server.origin != Origin::left) return &server;
  }
  return nullptr;
}

bool serves(const Topology& topology, std::uint16_t port) {
  const ServerState* const server = server_at(topology, port);
  return server != nullptr && server->serves_reads();
}

bool is_primary(const Topology& topology, std::uint16_t port) {
  return topology.primary && topology.servers[*topology.primary].address.port == port;
}

void follow(const Cluster& cluster, int replica, int source) {
  const std::string word = cluster.mariadb() ? "CHANGE MASTER TO MASTER_PORT = "
                                             : "CHANGE REPLICATION SOURCE TO SOURCE_PORT = ";
  cluster.sql(replica,
              {"STOP REPLICA", word + std::to_string(cluster.port(source)), "START REPLICA"});
}

WeirOptions only(int seed) {
  WeirOptions options;
  options.servers = {seed};
  options.sections["monitor"] = "discover = true\n";
  return options;
}

}  // namespace

TEST_CASE("discovery: from any single server the others are found, each once",
          "[discovery][monitor]") {
  const Cluster cluster;
  const int seed = GENERATE(1, 2, 3);
  CAPTURE(seed);
  auto config = from_seed(cluster, seed);
  config->servers[0].address.host = "localhost";  // servers name each other as 127.0.0.1
  Watch watch(config);
  REQUIRE(watch.until([&](const Topology& t) {
    return is_primary(t, cluster.port(1)) && serves(t, cluster.port(2)) &&
           serves(t, cluster.port(3));
  }));
  // Two more rounds of asking who the replicas are: nobody is found twice.
  std::this_thread::sleep_for(5s);
  CHECK(watch.now()->servers.size() == 3);
  CHECK(watch.now()->servers[0].name == "db" + std::to_string(seed));
  CHECK(watch.now()->servers[1].origin == Origin::discovered);
  const std::string log = watch.log();
  for (const int n : {1, 2, 3}) {
    const std::string found = "found server 127.0.0.1:" + std::to_string(cluster.port(n));
    INFO(log);
    CHECK((log.find(found) != std::string::npos) == (n != seed));
    CHECK(log.find(found) == log.rfind(found));
  }
}

TEST_CASE("discovery: a single look finds them, too", "[discovery][monitor]") {
  const Cluster cluster;
  const Topology topology = probe_once(*from_seed(cluster, 2));
  CHECK(is_primary(topology, cluster.port(1)));
  CHECK(serves(topology, cluster.port(2)));
  CHECK(serves(topology, cluster.port(3)));
  CHECK(has(print_topology(topology), "discovered"));
}

TEST_CASE("discovery: a replica that is added later joins", "[discovery][monitor]") {
  const Cluster cluster;
  Finally put_right{[&] { cluster.sql(3, {"START REPLICA"}); }};
  cluster.sql(3, {"STOP REPLICA"});
  const std::string list = cluster.mariadb() ? "SHOW SLAVE HOSTS" : "SHOW REPLICAS";
  // A primary notices only after a while that nobody fetches any more.
  REQUIRE(until([&] {
    Client client = cluster.server(1);
    return client.query(list).rows.size() == 1;
  }));
  Watch watch(from_seed(cluster, 1));
  REQUIRE(watch.until([&](const Topology& t) { return serves(t, cluster.port(2)); }));
  CHECK(server_at(*watch.now(), cluster.port(3)) == nullptr);
  cluster.sql(3, {"START REPLICA"});
  CHECK(watch.until([&](const Topology& t) { return serves(t, cluster.port(3)); }));
  CHECK(watch.now()->servers.size() == 3);
}

TEST_CASE("discovery: a replica of a replica is found", "[discovery][monitor]") {
  const Cluster cluster;
  Finally put_right{[&] {
    follow(cluster, 3, 1);
    cluster.catch_up();
  }};
  follow(cluster, 3, 2);
  Watch watch(from_seed(cluster, 1));
  REQUIRE(watch.until(
      [&](const Topology& t) { return serves(t, cluster.port(2)) && serves(t, cluster.port(3)); }));
  const std::string port2 = std::to_string(cluster.port(2));
  CHECK(has(watch.log(), "127.0.0.1:" + port2 + " names it as its replica"));
}

TEST_CASE("discovery: a server that was discovered becomes the primary", "[discovery][monitor]") {
  const Cluster cluster;
  Watch watch(from_seed(cluster, 3));
  REQUIRE(watch.until([&](const Topology& t) {
    return is_primary(t, cluster.port(1)) && serves(t, cluster.port(2));
  }));
  Finally put_right{[&] { cluster.tool("promote db1"); }};
  cluster.tool("promote db2");
  REQUIRE(watch.until([&](const Topology& t) {
    return is_primary(t, cluster.port(2)) && serves(t, cluster.port(1)) &&
           serves(t, cluster.port(3));
  }));
  cluster.tool("promote db1");
  CHECK(watch.until([&](const Topology& t) {
    return is_primary(t, cluster.port(1)) && serves(t, cluster.port(2)) &&
           serves(t, cluster.port(3));
  }));
}

TEST_CASE("discovery: a writable replica that was discovered does not stop the writes",
          "[discovery][monitor]") {
  const Cluster cluster;
  Watch watch(from_seed(cluster, 1));
  REQUIRE(watch.until([&](const Topology& t) { return serves(t, cluster.port(2)); }));
  Finally put_right{[&] { cluster.read_only(2, true); }};
  cluster.read_only(2, false);
  REQUIRE(watch.until([&](const Topology& t) {
    const ServerState* const server = server_at(t, cluster.port(2));
    return server != nullptr && server->health == Health::stalled;
  }));
  CHECK(is_primary(*watch.now(), cluster.port(1)));
  cluster.read_only(2, true);
  CHECK(watch.until([&](const Topology& t) { return serves(t, cluster.port(2)); }));
}

TEST_CASE("discovery: a missing privilege is named", "[discovery][monitor]") {
  const Cluster cluster;
  auto config = from_seed(cluster, 1);
  config->monitor.user = "weir_weak";
  config->monitor.password = "weak-secret";
  cluster.sql(1, {"CREATE USER IF NOT EXISTS weir_weak@'%' IDENTIFIED BY 'weak-secret'"});
  Finally put_right{[&] { cluster.sql(1, {"DROP USER weir_weak@'%'"}); }};
  Watch watch(config);
  REQUIRE(watch.until([](const Topology& t) { return t.primary.has_value(); }));
  CHECK(has(watch.why(0), cluster.mariadb()
                              ? "GRANT REPLICATION MASTER ADMIN ON *.* TO 'weir_weak'@'%'"
                              : "GRANT REPLICATION SLAVE ON *.* TO 'weir_weak'@'%'"));
}

TEST_CASE("discovery: weir serves with servers that it has found itself", "[discovery]") {
  const int seed = GENERATE(1, 2);
  CAPTURE(seed);
  ClusterTest test;
  Weir weir(test.cluster, only(seed));  // until reads reach both replicas
  test.cluster.sql(1, {"CREATE TABLE weir_test.t (a INT)"});
  Client client = weir.connect();
  client.query("INSERT INTO t VALUES (1)");
  CHECK(client.value("SELECT COUNT(*) FROM t") == "1");
  // A replica that dies is replaced under a read, and serves again when it is back.
  test.cluster.kill(3, "KILL");
  bool running = false;
  Finally put_right{[&] {
    if (!running) test.cluster.restart(3);
  }};
  for (int i = 0; i < 20; ++i) CHECK(weir.connect().value("SELECT COUNT(*) FROM t") == "1");
  test.cluster.restart(3);
  running = true;
  CHECK(until([&] { return weir.readers() == std::vector<int>{2, 3}; }));
  ClusterTest::end(weir);
}
