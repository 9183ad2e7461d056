#include "proxy/http/readiness.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "test/support/catch.h"

namespace weir::http {
namespace {

ServerState server(const std::string& name, Role role, Health health) {
  ServerState state;
  state.name = name;
  state.role = role;
  state.health = health;
  return state;
}

// A topology whose first server is the primary when it has that role.
Topology topology(std::vector<ServerState> servers) {
  Topology out;
  out.greeting_version = "9.7.4";
  out.servers = std::move(servers);
  if (!out.servers.empty() && out.servers[0].role == Role::primary) {
    out.primary = 0;
  } else {
    out.no_primary_why = "nobody is writable";
  }
  return out;
}

nlohmann::json read(const Readiness& readiness) {
  return nlohmann::json::parse(readiness.json);
}

TEST_CASE("readiness: a primary, or replicas in read-only operation", "[http]") {
  const ServerState primary = server("db1", Role::primary, Health::up);
  const ServerState replica = server("db2", Role::replica, Health::up);
  const ServerState lagging = server("db2", Role::replica, Health::lagging);
  Topology nothing_seen = topology({server("db1", Role::unknown, Health::down)});
  nothing_seen.greeting_version.clear();
  const struct {
    const char* what;
    Topology topology;
    RoutingMode mode;
    bool draining;
    bool ready;
    const char* shown;
    const char* reason;
  } rows[] = {
      {"nothing is known",
       {},
       RoutingMode::split,
       false,
       false,
       "none",
       "no server has answered the monitor yet"},
      {"no server answers", nothing_seen, RoutingMode::split, false, false, "none",
       "no server has answered the monitor yet"},
      {"a primary alone", topology({primary}), RoutingMode::split, false, true, "read_write", ""},
      {"a primary and a bad replica", topology({primary, lagging}), RoutingMode::split, false, true,
       "read_write", ""},
      {"replicas only", topology({replica}), RoutingMode::split, false, true, "read_only",
       "there is no primary: replicas answer reads, writes wait"},
      {"a bad replica only", topology({lagging}), RoutingMode::split, false, false, "none",
       "there is no primary, and no replica that serves reads"},
      {"replicas that get nothing", topology({replica}), RoutingMode::observe, false, false, "none",
       "there is no primary, and routing.mode = \"observe\" wants it for all"},
      {"draining", topology({primary, replica}), RoutingMode::split, true, false, "none",
       "draining"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    RoutingConfig routing;
    routing.mode = row.mode;
    const Readiness readiness = judge_readiness(row.topology, routing, row.draining);
    CHECK(readiness.ready == row.ready);
    const auto json = read(readiness);
    CHECK(json["ready"] == row.ready);
    CHECK(json["mode"] == row.shown);
    CHECK(json.value("reason", "") == row.reason);
    CHECK(json["primary"].is_null() == !row.topology.primary.has_value());
    CHECK(json.value("no_primary_why", "") == row.topology.no_primary_why);
    CHECK(json["servers"].size() == row.topology.servers.size());
  }
}

TEST_CASE("readiness: servers say what is wrong with them", "[http]") {
  ServerState replica = server("db2", Role::replica, Health::lagging);
  replica.lag = Milliseconds(4711);
  replica.why = "more than \"max_lag\" behind \xff";  // not UTF-8
  const auto json = read(judge_readiness(
      topology({server("db1", Role::primary, Health::up), replica}), RoutingConfig{}, false));
  CHECK(json["primary"] == "db1");
  CHECK(json["servers"][0]["role"] == "primary");
  CHECK(json["servers"][0]["lag_ms"].is_null());
  CHECK_FALSE(json["servers"][0].contains("why"));
  CHECK(json["servers"][1]["name"] == "db2");
  CHECK(json["servers"][1]["health"] == "lagging");
  CHECK(json["servers"][1]["lag_ms"] == 4711);
  CHECK(json["servers"][1]["why"] == "more than \"max_lag\" behind \xef\xbf\xbd");
}

}  // namespace
}  // namespace weir::http
