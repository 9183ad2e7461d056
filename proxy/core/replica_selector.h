// Which replica answers a read. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "proxy/core/server_work.h"
#include "proxy/core/topology.h"

namespace weir {

// What a replica must fulfil to answer one read.
struct ReadNeeds {
  // The replica must show everything that was committed before this instant; the epoch: no demand.
  TimePoint fresh_after{};
  // A bound on lag that is tighter or looser than the monitor's; nothing: the monitor's.
  std::optional<Milliseconds> max_lag;
  // The replica that has answered last, and when: any other must show at least what that one could.
  std::optional<std::size_t> seen_on;
  TimePoint seen_at{};
  // Its ServerState::fresh_until then: it shows less when it has been put back to an older state.
  std::optional<TimePoint> seen_until;
  // Taken when it qualifies, unless it is an outlier.
  std::optional<std::size_t> preferred;
  // Nothing but a replica will do, so the one before is kept even when it is an outlier. Otherwise
  // none is chosen then, until another may take its place.
  bool only_replicas = false;
  // No other one is.
  std::optional<std::size_t> only;
  // Never taken: it has just failed.
  std::optional<std::size_t> avoid;
  // A server that is full is not taken, unless the statement has been let in there, or all may be.
  std::optional<std::size_t> admitted;
  bool takes_full = false;
};

bool qualifies(const ServerState& server, const ReadNeeds& needs);

// True when it is the primary's turn to answer a read as one reader among all that qualify, each by
// its weight.
bool is_primarys_turn(const Topology& topology, const ReadNeeds& needs, std::uint64_t random);

// How to choose among those that qualify.
struct Balancing {
  Balance balance = Balance::least_loaded;
  // Where weir stands: replicas of this zone come first, those of others when there are none or
  // these are overloaded. Empty: zones do not matter.
  std::string_view zone = {};
};

// The index of the replica to read from, or nothing when none qualifies. Of two that are drawn by
// weight, the one with less work outstanding per weight is taken, or the one which will be done
// sooner ("fastest"). Outliers are taken when it is their turn for a trial, or nobody else can.
// `work` has an entry per server, or fewer; `random` is any number, the same one gives the same
// answer.
std::optional<std::size_t> select_replica(const Topology& topology, const ReadNeeds& needs,
                                          const Balancing& balancing,
                                          std::span<const ServerWork> work, std::uint64_t random);

}  // namespace weir
