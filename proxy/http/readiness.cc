#include "proxy/http/readiness.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "proxy/monitor/topology_text.h"

namespace weir::http {
namespace {

using Json = nlohmann::ordered_json;

struct Verdict {
  std::string_view mode;    // "read_write", "read_only" or "none"
  std::string_view reason;  // empty: nothing to explain
};

Verdict judge(const Topology& topology, const RoutingConfig& routing, bool draining) {
  if (draining) return {"none", "draining"};
  if (topology.primary) return {"read_write", ""};
  if (!topology.known()) return {"none", "no server has answered the monitor yet"};
  // Without a split, replicas get no statements at all.
  const bool split = routing.mode == RoutingMode::split;
  const bool reads =
      split && std::any_of(topology.servers.begin(), topology.servers.end(),
                           [](const ServerState& server) { return server.serves_reads(); });
  if (reads) return {"read_only", "there is no primary: replicas answer reads, writes wait"};
  if (!split)
    return {"none", "there is no primary, and routing.mode = \"observe\" wants it for all"};
  return {"none", "there is no primary, and no replica that serves reads"};
}

Json server_json(const ServerState& server) {
  Json out;
  out["name"] = server.name;
  out["role"] = to_string(server.role);
  out["health"] = to_string(server.health);
  if (!server.why.empty()) out["why"] = server.why;
  out["lag_ms"] = server.lag ? Json(server.lag->count()) : Json(nullptr);
  return out;
}

}  // namespace

Readiness judge_readiness(const Topology& topology, const RoutingConfig& routing, bool draining) {
  const Verdict verdict = judge(topology, routing, draining);
  const bool ready = verdict.mode != "none";
  Json out;
  out["ready"] = ready;
  out["mode"] = verdict.mode;
  const std::string brief = out.dump(2) + "\n";
  if (!verdict.reason.empty()) out["reason"] = verdict.reason;
  out["primary"] =
      topology.primary ? Json(topology.servers[*topology.primary].name) : Json(nullptr);
  if (!topology.primary) out["no_primary_why"] = topology.no_primary_why;
  out["servers"] = Json::array();
  for (const ServerState& server : topology.servers) {
    if (server.origin != Origin::left) out["servers"].push_back(server_json(server));
  }
  // Servers' error texts are in it, which may be in any character set.
  return {ready, out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", brief};
}

}  // namespace weir::http
