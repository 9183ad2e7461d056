// Which replica answers a read. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "proxy/core/topology.h"

namespace weir {

// What a replica must fulfil to answer one read.
struct ReadNeeds {
  // The replica must show everything that was committed before this instant; the epoch: no demand.
  TimePoint fresh_after{};
  // A bound on lag that is tighter or looser than the monitor's; nothing: the monitor's.
  std::optional<Milliseconds> max_lag;
  // Taken when it qualifies, so that a session keeps to one replica.
  std::optional<std::size_t> preferred;
  // Never taken: it has just failed.
  std::optional<std::size_t> avoid;
};

bool qualifies(const ServerState& server, const ReadNeeds& needs);

// True when it is the primary's turn to answer a read as one reader among all that qualify, each by
// its weight.
bool is_primarys_turn(const Topology& topology, const ReadNeeds& needs, std::uint64_t random);

// The index of the replica to read from, or nothing when none qualifies. Of two that are drawn by
// weight, the one with less work outstanding per weight is taken. `outstanding` has a number per
// server; `random` is any number, the same one gives the same answer.
std::optional<std::size_t> select_replica(const Topology& topology, const ReadNeeds& needs,
                                          Balance balance,
                                          std::span<const std::uint32_t> outstanding,
                                          std::uint64_t random);

}  // namespace weir
