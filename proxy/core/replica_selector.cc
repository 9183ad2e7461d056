#include "proxy/core/replica_selector.h"

namespace weir {
namespace {

bool eligible(const Topology& topology, const ReadNeeds& needs, std::size_t i) {
  return needs.avoid != i && qualifies(topology.servers[i], needs);
}

// The n-th unit of weight among the servers that qualify, where every server counts `weight` units.
std::size_t draw(const Topology& topology, const ReadNeeds& needs, std::uint64_t unit) {
  std::size_t last = 0;
  for (std::size_t i = 0; i < topology.servers.size(); ++i) {
    if (!eligible(topology, needs, i)) continue;
    last = i;
    if (unit < topology.servers[i].weight) return i;
    unit -= topology.servers[i].weight;
  }
  return last;
}

// True when `a` has less work outstanding than `b`, for its weight.
bool less_loaded(const Topology& topology, std::span<const std::uint32_t> outstanding,
                 std::size_t a, std::size_t b) {
  const auto load = [&](std::size_t i) { return i < outstanding.size() ? outstanding[i] : 0u; };
  return std::uint64_t{load(a)} * topology.servers[b].weight <
         std::uint64_t{load(b)} * topology.servers[a].weight;
}

}  // namespace

bool qualifies(const ServerState& server, const ReadNeeds& needs) {
  const bool usable = needs.max_lag
                          ? server.role == Role::replica && server.lag.has_value() &&
                                *server.lag <= *needs.max_lag &&
                                (server.health == Health::up || server.health == Health::lagging)
                          : server.serves_reads();
  if (!usable) return false;
  if (needs.fresh_after == TimePoint{}) return true;
  return server.fresh_until.has_value() && *server.fresh_until >= needs.fresh_after;
}

bool is_primarys_turn(const Topology& topology, const ReadNeeds& needs, std::uint64_t random) {
  if (!topology.primary) return false;
  const std::uint64_t own = topology.servers[*topology.primary].weight;
  std::uint64_t units = own;
  for (std::size_t i = 0; i < topology.servers.size(); ++i) {
    if (eligible(topology, needs, i)) units += topology.servers[i].weight;
  }
  return units > 0 && random % units < own;
}

std::optional<std::size_t> select_replica(const Topology& topology, const ReadNeeds& needs,
                                          Balance balance,
                                          std::span<const std::uint32_t> outstanding,
                                          std::uint64_t random) {
  std::uint64_t units = 0;
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < topology.servers.size(); ++i) {
    if (!eligible(topology, needs, i)) continue;
    if (needs.preferred == i) return i;
    if (!first) first = i;
    units += topology.servers[i].weight;
  }
  // Servers of weight 0 serve only when nobody else can.
  if (!first || units == 0) return first;
  const std::size_t a = draw(topology, needs, (random & 0xffffffff) % units);
  if (balance == Balance::weighted) return a;
  const std::size_t b = draw(topology, needs, (random >> 32) % units);
  return less_loaded(topology, outstanding, b, a) ? b : a;
}

}  // namespace weir
