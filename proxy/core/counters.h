// What a worker did since it began, in numbers. Written by the worker's thread; others get copies
// (see session/status_survey.h).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/core/refusal.h"
#include "proxy/core/router.h"

namespace weir {

// Statements sent to servers, by where they went and why: a statement's own reason where that
// decided, else the cause.
class RoutedCounts {
 public:
  static constexpr std::size_t kReasons = static_cast<std::size_t>(sql::Reason::hint) + 1;
  static constexpr std::size_t kCauses = static_cast<std::size_t>(RouteCause::rule) + 1;
  static constexpr std::size_t kRows = kReasons + kCauses;

  void add(const Route& route, bool to_replica) { ++counts_[to_replica ? 1 : 0][row(route)]; }
  void merge(const RoutedCounts& other);

  std::uint64_t count(std::size_t row, bool to_replica) const {
    return counts_[to_replica ? 1 : 0][row];
  }
  std::uint64_t total(bool to_replica) const;
  // The stable name of a row, for labels: that of a reason or of a cause. `row` is below kRows.
  static std::string_view name(std::size_t row);

 private:
  static std::size_t row(const Route& route) {
    return route.cause == RouteCause::statement ? static_cast<std::size_t>(route.reason)
                                                : kReasons + static_cast<std::size_t>(route.cause);
  }
  std::array<std::array<std::uint64_t, kRows>, 2> counts_{};
};

// Of one user.
struct FirewallCounts {
  std::uint64_t warned = 0;   // statements that passed, and would not if the list were enforced
  std::uint64_t refused = 0;  // and those that did not pass
};

struct WorkerCounters {
  std::uint64_t sessions = 0;
  std::uint64_t tls_sessions = 0;  // of them, those that logged in through TLS
  std::uint64_t tls_failures = 0;  // clients with whom TLS went wrong
  RoutedCounts routed;
  std::uint64_t retried_reads = 0;
  std::uint64_t answered_by_primary_instead = 0;  // a replica's error was not shown to the client
  std::uint64_t waits = 0;           // reads sent behind a wait for the session's own write
  std::uint64_t waits_in_vain = 0;   // and answered by the primary after all
  std::uint64_t stale_avoided = 0;   // reads for which a replica that was up was not fresh enough
  std::uint64_t replays = 0;         // transactions that were lost, and went on elsewhere
  std::uint64_t replays_failed = 0;  // and those that could not
  std::uint64_t held = 0;            // statements that waited for a server
  std::uint64_t repairs = 0;         // statements sent behind others that adjust the connection
  std::uint64_t failed_statements = 0;     // answered with an error of weir's own
  std::uint64_t diagnostics_given_up = 0;  // warnings that nobody asked for before others needed
                                           // the connection
  std::array<std::uint64_t, kRefusals> refused{};  // clients, by Refusal
  std::uint64_t idle_timeouts = 0;                 // sessions that limits.idle_timeout has ended
  std::uint64_t query_timeouts = 0;                // statements that have run too long
  std::uint64_t memory_refusals = 0;               // statements and long data that were not kept,
  std::uint64_t memory_ends = 0;            // and sessions that were ended, for limits.memory
  std::vector<std::uint64_t> rule_matches;  // by rule: commands that fell under it
  std::map<std::string, FirewallCounts, std::less<>> firewall;  // by user: those with any

  FirewallCounts firewall_total() const;
  void merge(const WorkerCounters& other);
};

}  // namespace weir
