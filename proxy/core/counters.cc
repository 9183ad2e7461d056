#include "proxy/core/counters.h"

#include <numeric>

namespace weir {

void RoutedCounts::merge(const RoutedCounts& other) {
  for (std::size_t side = 0; side < counts_.size(); ++side) {
    for (std::size_t row = 0; row < kRows; ++row) counts_[side][row] += other.counts_[side][row];
  }
}

std::uint64_t RoutedCounts::total(bool to_replica) const {
  const auto& side = counts_[to_replica ? 1 : 0];
  return std::accumulate(side.begin(), side.end(), std::uint64_t{0});
}

std::string_view RoutedCounts::name(std::size_t row) {
  return row < kReasons ? sql::reason_name(static_cast<sql::Reason>(row))
                        : cause_name(static_cast<RouteCause>(row - kReasons));
}

void WorkerCounters::merge(const WorkerCounters& other) {
  sessions += other.sessions;
  tls_sessions += other.tls_sessions;
  tls_failures += other.tls_failures;
  routed.merge(other.routed);
  retried_reads += other.retried_reads;
  answered_by_primary_instead += other.answered_by_primary_instead;
  waits += other.waits;
  waits_in_vain += other.waits_in_vain;
  stale_avoided += other.stale_avoided;
  replays += other.replays;
  replays_failed += other.replays_failed;
  held += other.held;
  repairs += other.repairs;
  failed_statements += other.failed_statements;
  diagnostics_given_up += other.diagnostics_given_up;
  for (std::size_t i = 0; i < refused.size(); ++i) refused[i] += other.refused[i];
  idle_timeouts += other.idle_timeouts;
  query_timeouts += other.query_timeouts;
  memory_refusals += other.memory_refusals;
  memory_ends += other.memory_ends;
  if (rule_matches.size() < other.rule_matches.size()) {
    rule_matches.resize(other.rule_matches.size());
  }
  for (std::size_t i = 0; i < other.rule_matches.size(); ++i) {
    rule_matches[i] += other.rule_matches[i];
  }
  for (const auto& [user, counts] : other.firewall) {
    firewall[user].warned += counts.warned;
    firewall[user].refused += counts.refused;
  }
}

FirewallCounts WorkerCounters::firewall_total() const {
  FirewallCounts total;
  for (const auto& [user, counts] : firewall) {
    total.warned += counts.warned;
    total.refused += counts.refused;
  }
  return total;
}

}  // namespace weir
