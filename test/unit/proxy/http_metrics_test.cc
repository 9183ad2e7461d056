#include "proxy/http/metrics.h"

#include <set>

#include "test/support/catch.h"
#include "test/support/metrics_text.h"

namespace weir::http {
namespace {

Snapshot two_servers() {
  auto config = std::make_shared<Config>();
  config->servers.resize(2);
  config->servers[0].name = "db1";
  config->servers[1].name = "db2";
  config->rules.resize(1);
  config->rules[0].name = "rule 1";
  auto topology = std::make_shared<Topology>();
  topology->version = 7;
  topology->primary = 0;
  topology->servers.resize(2);
  topology->servers[0].name = "db1";
  topology->servers[0].role = Role::primary;
  topology->servers[0].health = Health::up;
  topology->servers[0].max_connections = 200;
  topology->servers[1].name = "db2";
  topology->servers[1].role = Role::replica;
  topology->servers[1].health = Health::lagging;
  topology->servers[1].lag = Milliseconds(2500);
  topology->servers[1].weight = 50;
  Snapshot snapshot;
  snapshot.config = config;
  snapshot.topology = topology;
  snapshot.client_connections = 3;
  return snapshot;
}

bool has(const test::Samples& samples, const std::string& name) {
  return samples.count(name) > 0;
}

TEST_CASE("metrics: servers and their states", "[http]") {
  const test::Samples samples = test::parse_metrics(metrics_text(two_servers()));
  const std::map<std::string, double> expected = {
      {"weir_client_connections", 3},
      {"weir_primary_known", 1},
      {"weir_topology_version", 7},
      {"weir_draining", 0},
      {"weir_server_up{server=\"db1\"}", 1},
      {"weir_server_up{server=\"db2\"}", 0},
      {"weir_server_lag_seconds{server=\"db2\"}", 2.5},
      {"weir_server_weight{server=\"db2\"}", 50},
      {"weir_server_connections_limit{server=\"db1\"}", 200},
      {"weir_server_role{server=\"db1\",role=\"primary\"}", 1},
      {"weir_server_role{server=\"db1\",role=\"replica\"}", 0},
      {"weir_server_health{server=\"db2\",health=\"lagging\"}", 1},
      {"weir_server_health{server=\"db2\",health=\"up\"}", 0},
      {"weir_server_health{server=\"db2\",health=\"drained\"}", 0},
  };
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    REQUIRE(has(samples, name));
    CHECK(samples.at(name) == value);
  }
  CHECK_FALSE(has(samples, "weir_server_lag_seconds{server=\"db1\"}"));
  CHECK_FALSE(has(samples, "weir_server_connections_limit{server=\"db2\"}"));
}

TEST_CASE("metrics: what workers count is left out when they do not answer", "[http]") {
  Snapshot snapshot = two_servers();
  test::Samples samples = test::parse_metrics(metrics_text(snapshot));
  CHECK(samples.at("weir_scrape_complete") == 0);
  CHECK_FALSE(has(samples, "weir_client_sessions_total"));
  CHECK_FALSE(has(samples, "weir_server_connections_open{server=\"db1\"}"));

  WorkerStatus& status = snapshot.workers.emplace();
  status.servers.resize(2);
  status.servers[1] = {5, 4, 3, 2, 40, 6, 7};
  status.counters.sessions = 12;
  status.counters.failed_statements = 2;
  status.counters.refused[static_cast<std::size_t>(Refusal::full)] = 6;
  status.counters.rule_matches = {9};
  status.counters.firewall["app"] = {2, 3};
  Route route;
  route.reason = sql::Reason::locking_read;
  status.counters.routed.add(route, false);
  route.cause = RouteCause::transaction;
  status.counters.routed.add(route, true);
  status.counters.routed.add(route, true);
  PinSet pins;
  pins.add(Pin::user_variable);
  status.pins.counts.add(pins, nullptr);
  status.pins.add_session(pins);
  samples = test::parse_metrics(metrics_text(snapshot));
  CHECK(samples.at("weir_scrape_complete") == 1);
  CHECK(samples.at("weir_client_sessions_total") == 12);
  CHECK(samples.at("weir_errors_total") == 2);
  CHECK(samples.at("weir_clients_refused_total{reason=\"full\"}") == 6);
  CHECK(samples.at("weir_clients_refused_total{reason=\"password\"}") == 0);
  CHECK(samples.at("weir_rule_matches_total{rule=\"rule 1\"}") == 9);
  CHECK(samples.at("weir_firewall_warned_total") == 2);
  CHECK(samples.at("weir_firewall_refused_total") == 3);
  CHECK(samples.at("weir_server_connections_open{server=\"db2\"}") == 5);
  CHECK(samples.at("weir_server_connections_idle{server=\"db2\"}") == 4);
  CHECK(samples.at("weir_server_statements_outstanding{server=\"db2\"}") == 3);
  CHECK(samples.at("weir_server_connections_waiting{server=\"db2\"}") == 2);
  CHECK(samples.at("weir_server_concurrency_limit{server=\"db2\"}") == 40);
  CHECK(samples.at("weir_server_statements_in_line{server=\"db2\"}") == 6);
  CHECK(samples.at("weir_server_shed_total{server=\"db2\"}") == 7);
  CHECK_FALSE(has(samples, "weir_server_concurrency_limit{server=\"db1\"}"));
  CHECK_FALSE(has(samples, "weir_server_shed_total{server=\"db1\"}"));
  CHECK(samples.at("weir_pins_total{reason=\"user_variable\"}") == 1);
  CHECK(samples.at("weir_pinned_sessions{reason=\"user_variable\"}") == 1);
  const std::string routed = "weir_statements_routed_total{destination=";
  CHECK(samples.at(routed + "\"primary\",reason=\"locking_read\"}") == 1);
  CHECK(samples.at(routed + "\"replica\",reason=\"transaction\"}") == 2);
  CHECK_FALSE(has(samples, routed + "\"replica\",reason=\"locking_read\"}"));
}

TEST_CASE("metrics: no two reasons have the same name", "[http]") {
  std::set<std::string_view> names;
  for (std::size_t row = 0; row < RoutedCounts::kRows; ++row) {
    CAPTURE(RoutedCounts::name(row));
    CHECK(names.insert(RoutedCounts::name(row)).second);
  }
}

TEST_CASE("metrics: large counts keep their last digit, and the process is measured", "[http]") {
  Snapshot snapshot = two_servers();
  snapshot.workers.emplace().counters.waits = 9007199254740991;
  snapshot.process = read_process_usage();
  snapshot.process.started =
      std::chrono::system_clock::time_point(std::chrono::milliseconds(1785000000250));
  snapshot.process.uptime = std::chrono::milliseconds(1500);
  const test::Samples samples = test::parse_metrics(metrics_text(snapshot));
  CHECK(samples.at("weir_waits_total") == 9007199254740991.0);
  CHECK(samples.at("process_resident_memory_bytes") > 1e6);
  CHECK(samples.at("process_open_fds") >= 3);
  CHECK(samples.at("process_cpu_seconds_total") > 0);
  CHECK(samples.at("process_start_time_seconds") == 1785000000.25);
  CHECK(samples.at("weir_uptime_seconds") == 1.5);
}

TEST_CASE("metrics: a server that was discovered, and one that has left", "[http]") {
  Snapshot snapshot = two_servers();
  auto topology = std::make_shared<Topology>(*snapshot.topology);
  ServerState server;
  server.name = "10.0.0.3:3306";
  server.origin = Origin::discovered;
  topology->servers.push_back(server);
  server.name = "10.0.0.4:3306";
  server.origin = Origin::left;
  topology->servers.push_back(server);
  snapshot.topology = topology;
  snapshot.workers.emplace();
  snapshot.workers->servers.resize(66);
  snapshot.workers->servers[2].open = 5;
  const test::Samples samples = test::parse_metrics(metrics_text(snapshot));
  CHECK(has(samples, "weir_server_up{server=\"10.0.0.3:3306\"}"));
  CHECK(samples.at("weir_server_connections_open{server=\"10.0.0.3:3306\"}") == 5);
  CHECK_FALSE(has(samples, "weir_server_up{server=\"10.0.0.4:3306\"}"));
  CHECK_FALSE(has(samples, "weir_server_connections_open{server=\"10.0.0.4:3306\"}"));
}

}  // namespace
}  // namespace weir::http
