#include "proxy/core/drained_servers.h"

#include <fmt/format.h>

namespace weir {

void apply(const DrainedServers& drained, Topology& topology) {
  for (std::size_t i = 0; i < topology.servers.size(); ++i) {
    if (!drained.has(i)) continue;
    ServerState& server = topology.servers[i];
    server.health = Health::drained;
    server.why = "drained by an operator" + (server.why.empty() ? "" : "; " + server.why);
    if (topology.primary != i) continue;
    topology.primary.reset();
    topology.no_primary_why = fmt::format("the primary {} is drained", server.name);
  }
}

}  // namespace weir
