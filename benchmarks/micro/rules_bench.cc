// How long it takes to find the rule that a statement falls under, and that it allocates nothing.
// Prints the median of several rounds; exits with 1 when an allocation was seen.
//
//   rules_bench

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "benchmarks/micro/counted_allocations.h"
#include "proxy/core/rules.h"

namespace {

using Clock = std::chrono::steady_clock;
using weir::RuleConfig;

constexpr int kCalls = 200000;
constexpr const char* kText =
    "SELECT DISTINCT c, pad, id FROM sbtest17 WHERE id BETWEEN 500123 AND 500222 AND k IN (1, 2, "
    "3, 4) ORDER BY c LIMIT 100";

// The last of these takes the statement, none of the others does.
weir::Config rules(std::size_t count, std::string RuleConfig::*condition, const char* other,
                   const char* last) {
  weir::Config config;
  config.rules.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    config.rules[i].*condition = i + 1 < count ? other + std::to_string(i % 10) : last;
    config.rules[i].to = "replica";
  }
  return config;
}

// Nanoseconds for each call.
double measure(const weir::RuleSet& set, bool prepared) {
  std::string room;
  weir::RuleText once(kText, {}, room);
  const weir::TextMatches matches = set.match_text(once);
  std::array<double, 7> rounds{};
  for (double& round : rounds) {
    const auto begin = Clock::now();
    for (int i = 0; i < kCalls; ++i) {
      weir::RuleText text(kText, {}, room);
      weir::RuleInput input{"app", "shop", nullptr, &text};
      if (prepared) input.matches = &matches;
      if (set.match(input) == nullptr) std::abort();
    }
    const std::chrono::duration<double, std::nano> spent = Clock::now() - begin;
    round = spent.count() / kCalls;
  }
  std::sort(rounds.begin(), rounds.end());
  return rounds[rounds.size() / 2];
}

// False when memory was allocated. The first calls make room for the text and for the states of the
// expressions.
bool report(const char* name, const weir::Config& config, bool prepared = false) {
  const auto set = weir::RuleSet::make(config);
  measure(*set, prepared);
  const std::uint64_t before = weir::counted_allocations();
  const double nanoseconds = measure(*set, prepared);
  // The room and the matches of that measurement.
  const bool none = weir::counted_allocations() - before <= 2;
  std::printf("%-34s %8.0f ns%s\n", name, nanoseconds, none ? "" : "  allocates");
  return none;
}

}  // namespace

int main() {
  const weir::Config user = rules(1, &RuleConfig::user, "", "app");
  const weir::Config users = rules(20, &RuleConfig::user, "user", "app");
  const weir::Config digest = rules(20, &RuleConfig::digest, "000000000000000", "");
  weir::Config digests = digest;
  digests.rules.back().user = "app";
  const weir::Config pattern = rules(1, &RuleConfig::pattern, "", "FROM sbtest17 ");
  const weir::Config patterns =
      rules(20, &RuleConfig::pattern, "^SELECT .* FROM report", "ORDER BY");
  bool good = report("1 user", user);
  good = report("20 users", users) && good;
  good = report("19 digests", digests) && good;
  good = report("1 pattern", pattern) && good;
  good = report("20 patterns", patterns) && good;
  good = report("20 patterns, prepared", patterns, true) && good;
  return good ? 0 : 1;
}
