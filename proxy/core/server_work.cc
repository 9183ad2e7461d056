#include "proxy/core/server_work.h"

#include <algorithm>
#include <vector>

namespace weir {
namespace {

constexpr double kWeight = 0.1;       // of a new sample
constexpr double kTrialWeight = 0.5;  // of one of a few
constexpr double kMostAtOnce = 4;     // averages that a sample counts for
constexpr double kFactor = 4;         // an outlier is so many times slower than the middle one,
constexpr double kBack = 2;           // until it is only so many times slower,
constexpr double kLeast = 1000;       // and by at least so many microseconds
constexpr Milliseconds kTrialPause{1000};

// The average of the middle one of the others.
double middle(const std::vector<double>& averages, double own) {
  std::vector<double> others = averages;
  others.erase(std::find(others.begin(), others.end(), own));
  const auto at = others.begin() + static_cast<std::ptrdiff_t>(others.size() / 2);
  std::nth_element(others.begin(), at, others.end());
  return *at;
}

}  // namespace

void Latency::add(double microseconds) {
  if (!known()) {
    ++samples_;
    average_ += (microseconds - average_) / samples_;
    return;
  }
  average_ += kWeight * (std::min(microseconds, kMostAtOnce * average_) - average_);
}

void Latency::add_trial(double microseconds) {
  average_ += kTrialWeight * (std::min(microseconds, kMostAtOnce * average_) - average_);
}

void judge_outliers(const Topology& topology, std::span<ServerWork> work, TimePoint now) {
  std::vector<double> averages;
  std::vector<std::size_t> known;
  for (std::size_t i = 0; i < work.size() && i < topology.servers.size(); ++i) {
    if (topology.servers[i].serves_reads() && work[i].latency.known()) {
      averages.push_back(work[i].latency.microseconds());
      known.push_back(i);
    } else {
      work[i].outlier = work[i].trial = false;
    }
  }
  std::size_t spared = known.size() / 2;
  for (const std::size_t i : known) {
    ServerWork& one = work[i];
    const double own = one.latency.microseconds();
    const double others = known.size() < 2 ? own : middle(averages, own);
    const bool far = own > (one.outlier ? kBack : kFactor) * others && own - others > kLeast;
    const bool was = std::exchange(one.outlier, far && spared > 0);
    if (!one.outlier) {
      one.trial = false;
      continue;
    }
    --spared;
    if (!was) one.tried_at = now;
    if (one.trial || now - one.tried_at < kTrialPause) continue;
    one.trial = true;
    one.tried_at = now;
  }
}

}  // namespace weir
