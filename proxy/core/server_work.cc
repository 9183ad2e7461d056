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
constexpr unsigned kSlowFor = 10;          // judgements, each with new samples,
constexpr Milliseconds kAvoided{2000};     // or so long with few or none: it is avoided already
constexpr Milliseconds kForgotten{10000};  // without an answer

// Of the others, the one in the middle.
const Latency& middle(std::vector<const Latency*> others, const Latency& own) {
  others.erase(std::find(others.begin(), others.end(), &own));
  const auto at = others.begin() + static_cast<std::ptrdiff_t>(others.size() / 2);
  std::nth_element(others.begin(), at, others.end(), [](const Latency* a, const Latency* b) {
    return a->microseconds() < b->microseconds();
  });
  return **at;
}

void not_slow(ServerWork& one) {
  one.outlier = one.trial = false;
  one.slow_for = 0;
  one.slow_since.reset();
}

// `others`: what it is measured by; null: it is none.
void judge(ServerWork& one, const Latency* others, TimePoint now) {
  const bool news = one.latency.take_news();
  if (news) one.heard_at = now;
  const bool far =
      others != nullptr && one.latency.is_slower(*others, one.outlier ? kBack : kFactor);
  if (!far) {
    not_slow(one);
    return;
  }
  if (!one.outlier) {
    if (news) ++one.slow_for;
    if (!one.slow_since) one.slow_since = now;
    one.outlier = one.slow_for >= kSlowFor || now - *one.slow_since >= kAvoided;
    one.tried_at = now;
    return;
  }
  if (now - one.heard_at >= kForgotten) {
    one.latency = Latency{};  // what is known of it is too old to go by
    return;
  }
  if (one.trial || now - one.tried_at < kTrialPause) return;
  one.trial = true;
  one.tried_at = now;
}

}  // namespace

void Latency::blend(double microseconds, double outstanding, double weight) {
  time_ += weight * (microseconds - time_);
  outstanding_ += weight * (outstanding - outstanding_);
  news_ = true;
}

void Latency::add(double microseconds, std::uint32_t outstanding) {
  if (known()) return blend(std::min(microseconds, kMostAtOnce * time_), outstanding, kWeight);
  ++samples_;
  blend(microseconds, outstanding, 1.0 / samples_);
}

void Latency::add_trial(double microseconds, std::uint32_t outstanding) {
  blend(std::min(microseconds, kMostAtOnce * time_), outstanding, kTrialWeight);
}

bool Latency::is_slower(const Latency& other, double times) const {
  const auto each = [](const Latency& one) { return one.time_ / std::max(one.outstanding_, 1.0); };
  return time_ - other.time_ > kLeast && time_ > times * other.time_ &&
         each(*this) > times * each(other);
}

void judge_outliers(const Topology& topology, std::span<ServerWork> work, TimePoint now) {
  std::vector<const Latency*> latencies;
  std::vector<std::size_t> known;
  for (std::size_t i = 0; i < work.size() && i < topology.servers.size(); ++i) {
    if (topology.servers[i].serves_reads() && work[i].latency.known()) {
      latencies.push_back(&work[i].latency);
      known.push_back(i);
    } else {
      not_slow(work[i]);
    }
  }
  std::size_t spared = known.size() / 2;
  for (const std::size_t i : known) {
    judge(work[i], spared > 0 ? &middle(latencies, work[i].latency) : nullptr, now);
    if (work[i].outlier) --spared;
  }
}

}  // namespace weir
