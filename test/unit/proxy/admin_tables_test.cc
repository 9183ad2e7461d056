#include "proxy/admin/admin_tables.h"

#include <algorithm>

#include "proxy/monitor/gtid_set.h"
#include "test/support/catch.h"

namespace weir {
namespace {

using protocol::ResultSet;

Config two_servers() {
  Config config;
  config.servers.resize(2);
  config.servers[0].name = "db1";
  config.servers[0].address = {"10.0.0.1", 3306, ""};
  config.servers[0].max_connections = 50;
  config.servers[1].name = "db2";
  config.servers[1].address = {"10.0.0.2", 3306, ""};
  config.servers[1].zone = "b";
  return config;
}

// The value of a cell, by the name of its column; "NULL" for NULL.
std::string cell(const ResultSet& set, std::size_t row, std::string_view column) {
  const auto found =
      std::find_if(set.columns.begin(), set.columns.end(),
                   [&](const protocol::ResultColumn& each) { return each.name == column; });
  CAPTURE(column);
  REQUIRE(found != set.columns.end());
  REQUIRE(row < set.rows.size());
  return set.rows[row][static_cast<std::size_t>(found - set.columns.begin())].value_or("NULL");
}

void check_shape(const ResultSet& set) {
  CHECK_FALSE(set.columns.empty());
  for (const auto& row : set.rows) CHECK(row.size() == set.columns.size());
}

TEST_CASE("admin tables: servers before the monitor has spoken", "[admin]") {
  const ResultSet set = servers_table(two_servers(), Topology(), WorkerStatus());
  check_shape(set);
  REQUIRE(set.rows.size() == 2);
  CHECK(cell(set, 0, "name") == "db1");
  CHECK(cell(set, 0, "address") == "10.0.0.1:3306");
  CHECK(cell(set, 0, "role") == "unknown");
  CHECK(cell(set, 0, "health") == "unknown");
  CHECK(cell(set, 0, "lag_ms") == "NULL");
  CHECK(cell(set, 0, "latency_ms") == "NULL");
  CHECK(cell(set, 0, "gtid_position") == "NULL");
  CHECK(cell(set, 0, "version") == "NULL");
  CHECK(cell(set, 0, "open") == "0");
  CHECK(cell(set, 0, "max_connections") == "50");
  CHECK(cell(set, 1, "zone") == "b");
}

TEST_CASE("admin tables: servers as they are believed to be", "[admin]") {
  Topology topology;
  topology.servers.resize(2);
  topology.servers[0].max_connections = 50;
  topology.servers[1].name = "db2";
  topology.servers[1].role = Role::replica;
  topology.servers[1].health = Health::lagging;
  topology.servers[1].why = "3000 ms behind";
  topology.servers[1].lag = Milliseconds(3000);
  topology.servers[1].latency = std::chrono::microseconds(1234);
  topology.servers[1].position =
      std::make_shared<const GtidPosition>(*MariaPosition::parse("0-1-42"));
  WorkerStatus status;
  status.servers = {
      {},
      {.open = 5, .idle = 2, .outstanding = 3, .waiting = 1, .limit = 40, .in_line = 6, .shed = 7}};
  const ResultSet set = servers_table(two_servers(), topology, status);
  check_shape(set);
  CHECK(cell(set, 1, "health") == "lagging");
  CHECK(cell(set, 1, "why") == "3000 ms behind");
  CHECK(cell(set, 1, "lag_ms") == "3000");
  CHECK(cell(set, 1, "latency_ms") == "1.234");
  CHECK(cell(set, 1, "gtid_position") == "0-1-42");
  CHECK(cell(set, 1, "open") == "5");
  CHECK(cell(set, 1, "idle") == "2");
  CHECK(cell(set, 1, "outstanding") == "3");
  CHECK(cell(set, 1, "waiting") == "1");
  CHECK(cell(set, 1, "concurrency_limit") == "40");
  CHECK(cell(set, 1, "in_line") == "6");
  CHECK(cell(set, 1, "shed") == "7");
  CHECK(cell(set, 0, "concurrency_limit") == "NULL");
  const ResultSet pools = pools_table(two_servers(), topology, status);
  check_shape(pools);
  CHECK(cell(pools, 1, "server") == "db2");
  CHECK(cell(pools, 1, "open") == "5");
  CHECK(cell(pools, 0, "max_connections") == "50");
}

TEST_CASE("admin tables: sessions", "[admin]") {
  SessionInfo known;
  known.id = 1073741830;
  known.user = "app";
  known.client = "127.0.0.1:4711";
  known.schema = "shop";
  known.state = "running";
  known.since = Milliseconds(2999);
  known.in_transaction = true;
  known.pins.add(Pin::user_lock);
  known.pins.add(Pin::temporary_table);
  known.servers = {0, 1};
  SessionInfo stranger;
  stranger.id = 1073741831;
  stranger.state = "login";
  const ResultSet set = sessions_table(two_servers(), Topology(), {known, stranger});
  check_shape(set);
  CHECK(cell(set, 0, "id") == "1073741830");
  CHECK(cell(set, 0, "user") == "app");
  CHECK(cell(set, 0, "schema") == "shop");
  CHECK(cell(set, 0, "state") == "running");
  CHECK(cell(set, 0, "seconds") == "2");
  CHECK(cell(set, 0, "in_transaction") == "1");
  CHECK(cell(set, 0, "pins") == "temporary_table,user_lock");
  CHECK(cell(set, 0, "servers") == "db1,db2");
  CHECK(cell(set, 1, "user") == "NULL");
  CHECK(cell(set, 1, "pins").empty());
}

TEST_CASE("admin tables: pins by cause, and those without one", "[admin]") {
  PinReport report;
  PinSet pins;
  pins.add(Pin::user_variable);
  const PinCause cause{0xabc, "SET @v = ?"};
  report.counts.add(pins, &cause);
  report.counts.add(pins, &cause);
  report.counts.add(pins, nullptr);
  report.add_session(pins);
  const ResultSet set = pins_table(report);
  check_shape(set);
  REQUIRE(set.rows.size() == 2);
  CHECK(cell(set, 0, "pin") == "user_variable");
  CHECK(cell(set, 0, "sessions") == "1");
  CHECK(cell(set, 0, "digest") == "0000000000000abc");
  CHECK(cell(set, 0, "text") == "SET @v = ?");
  CHECK(cell(set, 0, "count") == "2");
  CHECK(cell(set, 1, "digest") == "NULL");
  CHECK(cell(set, 1, "count") == "1");
}

TEST_CASE("admin tables: counters by destination and reason", "[admin]") {
  WorkerStatus status;
  status.sessions = 7;
  Route route;
  route.reason = sql::Reason::locking_read;
  status.counters.routed.add(route, false);
  route.reason = sql::Reason::plain_read;
  status.counters.routed.add(route, true);
  status.counters.routed.add(route, true);
  status.counters.refused[static_cast<std::size_t>(Refusal::half_open)] = 3;
  status.counters.query_timeouts = 4;
  const ResultSet set = counters_table(status);
  check_shape(set);
  const auto value = [&](std::string_view name) -> std::string {
    for (const auto& row : set.rows) {
      if (row[0] == name) return *row[1];
    }
    return "none";
  };
  CHECK(value("sessions_now") == "7");
  CHECK(value("refused.half_open") == "3");
  CHECK(value("refused.backoff") == "0");
  CHECK(value("query_timeouts") == "4");
  CHECK(value("statements.primary") == "1");
  CHECK(value("statements.primary.locking_read") == "1");
  CHECK(value("statements.replica") == "2");
  CHECK(value("statements.replica.plain_read") == "2");
  CHECK(value("statements.replica.locking_read") == "none");
}

TEST_CASE("admin tables: the configuration shows no password", "[admin]") {
  Config config = two_servers();
  config.monitor.password = "hidden-monitor";
  config.auth.admin.password = "hidden-admin";
  config.users.push_back({.name = "app",
                          .password = "hidden-app",
                          .route = {},
                          .max_connections = 0,
                          .consistency = {},
                          .query_timeout = {}});
  const ResultSet set = config_table(config);
  check_shape(set);
  std::size_t stars = 0;
  for (const auto& row : set.rows) {
    CHECK(row[1]->find("hidden") == std::string::npos);
    stars += row[1] == "***" ? 1u : 0u;
  }
  CHECK(stars == 3);
  const auto has = [&](std::string_view key, std::string_view value) {
    return std::any_of(set.rows.begin(), set.rows.end(),
                       [&](const auto& row) { return row[0] == key && row[1] == value; });
  };
  CHECK(has("server.db2.zone", "b"));
  CHECK(has("monitor.interval", "250ms"));
  CHECK(has("routing.consistency", "session"));
  CHECK(has("limits.max_packet", "64MiB"));
  CHECK(has("listen.admin", "127.0.0.1:6032"));
  CHECK(has("routing.hints", "true"));
}

TEST_CASE("admin tables: what clients ask for by themselves", "[admin]") {
  const ConsoleFacts facts{"8.4.0-weir", "admin", "127.0.0.1", 9};
  const AdminCommand::Item* unknown = nullptr;
  const auto command = parse_admin_command(
      "SELECT @@version_comment, 1, '1', NULL, version(), database(), connection_id(), user()");
  const auto set = constants_table(command.items, facts, unknown);
  REQUIRE(set);
  check_shape(*set);
  using Row = ResultSet::Row;
  CHECK(set->rows[0] == Row{"weir admin console", "1", "1", std::nullopt, "8.4.0-weir",
                            std::nullopt, "9", "admin@127.0.0.1"});
  CHECK(set->columns[1].type == protocol::ColumnType::integer);
  CHECK(set->columns[2].type == protocol::ColumnType::text);
  const auto none = parse_admin_command("SELECT 1, @@nonesuch");
  CHECK_FALSE(constants_table(none.items, facts, unknown));
  REQUIRE(unknown != nullptr);
  CHECK(unknown->text == "nonesuch");
}

TEST_CASE("admin tables: a server's name, and the error for one that is none", "[admin]") {
  const Config config = two_servers();
  CHECK(find_server(config, Topology(), "db2") == 1u);
  CHECK_FALSE(find_server(config, Topology(), "DB2"));
  CHECK(unknown_server_text(config, Topology(), "db9") ==
        "weir: no server is called 'db9'; there are db1, db2");
}

TEST_CASE("admin tables: servers that were discovered, and those that have left", "[admin]") {
  Config config = two_servers();
  config.monitor.discover = true;
  Topology topology;
  topology.servers = {unasked(config.servers[0]), unasked(config.servers[1])};
  for (const std::string name : {"10.0.0.3:3306", "10.0.0.4:3306"}) {
    ServerState server;
    server.name = name;
    server.origin = Origin::discovered;
    topology.servers.push_back(server);
  }
  topology.servers[2].origin = Origin::left;
  WorkerStatus status;
  status.servers.resize(server_capacity(config));
  status.servers[3].open = 7;
  const ResultSet set = servers_table(config, topology, status);
  check_shape(set);
  REQUIRE(set.rows.size() == 3);
  CHECK(cell(set, 0, "origin") == "listed");
  CHECK(cell(set, 2, "name") == "10.0.0.4:3306");
  CHECK(cell(set, 2, "origin") == "discovered");
  CHECK(cell(set, 2, "open") == "7");
  CHECK(pools_table(config, topology, status).rows.size() == 3);
  CHECK(find_server(config, topology, "10.0.0.4:3306") == 3u);
  CHECK_FALSE(find_server(config, topology, "10.0.0.3:3306"));
  SessionInfo session;
  session.servers = {0, 2, 4};
  const ResultSet sessions = sessions_table(config, topology, {session});
  CHECK(cell(sessions, 0, "servers") == "db1,10.0.0.3:3306,(new)");
}

TEST_CASE("admin tables: rules and how often they were met", "[admin]") {
  Config config = two_servers();
  config.rules.resize(2);
  config.rules[0].name = "reports";
  config.rules[0].user = "app";
  config.rules[0].pattern = "FROM x";
  config.rules[0].to = "server:db2";
  config.rules[1].name = "rule 2";
  config.rules[1].client = "10.0.0.0/8";
  config.rules[1].max_lag = Milliseconds(1500);
  config.rules[1].consistency = Consistency::global;
  WorkerStatus status;
  status.counters.rule_matches = {3};
  WorkerStatus other;
  other.counters.rule_matches = {4, 5};
  status.merge(other);
  const ResultSet set = rules_table(config, status);
  check_shape(set);
  REQUIRE(set.rows.size() == 2);
  CHECK(cell(set, 0, "name") == "reports");
  CHECK(cell(set, 0, "conditions") == "user = \"app\", pattern = \"FROM x\"");
  CHECK(cell(set, 0, "to") == "server:db2");
  CHECK(cell(set, 0, "max_lag_ms") == "NULL");
  CHECK(cell(set, 0, "consistency") == "NULL");
  CHECK(cell(set, 0, "hits") == "7");
  CHECK(cell(set, 1, "to") == "NULL");
  CHECK(cell(set, 1, "max_lag_ms") == "1500");
  CHECK(cell(set, 1, "consistency") == "global");
  CHECK(cell(set, 1, "hits") == "5");
  check_shape(rules_table(two_servers(), WorkerStatus()));
}

TEST_CASE("admin tables: the firewall", "[admin]") {
  Config config = two_servers();
  check_shape(firewall_table(config, nullptr, {}, WorkerStatus()));
  CHECK(firewall_table(config, nullptr, {}, WorkerStatus()).rows.empty());
  for (const char* name : {"app", "quiet"}) {
    config.users.emplace_back().name = name;
    config.users.back().password = "x";
  }
  config.users.front().firewall = FirewallMode::enforce;
  AllowLists lists;
  lists.add("app", {1, "SELECT a"});
  lists.add("batch", {2, "SELECT b"});
  lists.add("batch", {3, "SELECT c"});
  WorkerStatus status;
  status.counters.firewall["app"] = {0, 3};
  WorkerStatus other;
  other.counters.firewall["app"] = {0, 2};
  other.counters.firewall["gone"] = {4, 0};
  status.merge(other);
  const ResultSet set = firewall_table(config, &lists, {{"batch", 2}}, status);
  check_shape(set);
  REQUIRE(set.rows.size() == 3);
  CHECK(cell(set, 0, "user") == "app");
  CHECK(cell(set, 0, "mode") == "enforce");
  CHECK(cell(set, 0, "statements") == "1");
  CHECK(cell(set, 0, "learnt") == "0");
  CHECK(cell(set, 0, "refused") == "5");
  CHECK(cell(set, 1, "user") == "batch");
  CHECK(cell(set, 1, "mode") == "off");
  CHECK(cell(set, 1, "statements") == "2");
  CHECK(cell(set, 1, "learnt") == "2");
  CHECK(cell(set, 2, "user") == "gone");
  CHECK(cell(set, 2, "warned") == "4");
  CHECK(status.counters.firewall_total().refused == 5);
  CHECK(status.counters.firewall_total().warned == 4);
}

TEST_CASE("admin tables: help", "[admin]") {
  check_shape(help_table());
  CHECK(help_table().rows.size() == admin_help().size());
  check_shape(no_warnings_table());
}

}  // namespace
}  // namespace weir
