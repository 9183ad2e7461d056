#include "proxy/core/concurrency_limit.h"

#include <algorithm>
#include <cmath>

namespace weir {
namespace {

constexpr double kTolerated = 2;     // bases that a median may have,
constexpr double kSlack = 1000;      // and so many microseconds more, which are noise
constexpr double kMostDrop = 0.5;    // of the limit, however high the median is
constexpr double kHaste = 0.5;       // of that, in one window
constexpr double kUnusedDrop = 0.9;  // of a limit that is not half used
constexpr double kFailureDrop = 0.75;
constexpr double kBusy = 0.9;   // of the limit was in flight: it was reached
constexpr double kFall = 0.05;  // how fast the base follows lower medians,
constexpr double kRise = 0.02;  // and higher ones, when the server has little to do
constexpr unsigned kCalm = 10;  // windows after which the limit grows by a quarter

constexpr Milliseconds kWindow{100};
constexpr Milliseconds kLongestWindow{10000};  // but for very slow statements
constexpr Milliseconds kStarved{1000};
constexpr std::uint32_t kEnough = 16;  // latencies in a window, and in a probe
constexpr Milliseconds kNoBound{24 * 3600 * 1000};

constexpr Milliseconds kBeat{2000};
constexpr std::int64_t kProbeBeats = 15;  // between two probes of a base that seems to be right
constexpr double kSettled = 0.25;         // of the base: a smaller difference is none
constexpr double kProbePart = 0.25;       // of the limit is what a probe allows
constexpr std::uint32_t kProbeLeast = 2;
constexpr Milliseconds kShortestMeasure{50};  // so that the probes of several workers meet
constexpr Milliseconds kDrainLeast{10};
constexpr Milliseconds kDrainMost{2000};
constexpr Milliseconds kMeasureLeast{250};
constexpr Milliseconds kMeasureMost{4000};

// So many times a latency, within bounds.
Clock::duration times(double factor, double microseconds, Milliseconds least, Milliseconds most) {
  const double longest = static_cast<double>(std::chrono::microseconds(most).count());
  const double shortest = static_cast<double>(std::chrono::microseconds(least).count());
  const double wanted = std::clamp(factor * microseconds, shortest, longest);
  return std::chrono::microseconds(static_cast<std::int64_t>(wanted));
}

}  // namespace

// It begins low, where the base can be seen, and grows fast from there.
ConcurrencyLimit::ConcurrencyLimit(Range range, TimePoint beat)
    : range_(range), limit_(range.least), limit_at_probe_(range.least), first_beat_(beat) {}

std::uint32_t ConcurrencyLimit::value() const {
  return probing() ? allowed_ : static_cast<std::uint32_t>(limit_);
}

void ConcurrencyLimit::begun(std::uint32_t in_flight, TimePoint now) {
  if (fixed()) return;
  if (window_.began == TimePoint{}) open_window(now);
  window_.peak = std::max(window_.peak, in_flight);
}

void ConcurrencyLimit::answered(double microseconds, std::uint32_t in_flight, TimePoint now) {
  if (fixed()) return;
  const auto age = std::chrono::microseconds(static_cast<std::int64_t>(microseconds));
  // What began before the server was rid of its load tells of that.
  if (phase_ == Phase::measuring && now - age >= measures_since_) probed_.add(microseconds);
  if (!probing()) window_.latencies.add(microseconds);
  look(in_flight, now);
}

void ConcurrencyLimit::failed(std::uint32_t in_flight, TimePoint now) {
  if (fixed()) return;
  ++window_.failures;
  look(in_flight, now);
}

void ConcurrencyLimit::ended(std::uint32_t in_flight, TimePoint now) {
  if (fixed()) return;
  ++window_.ended;
  look(in_flight, now);
}

void ConcurrencyLimit::look(std::uint32_t in_flight, TimePoint now) {
  if (fixed()) return;
  if (phase_ == Phase::draining && (in_flight <= allowed_ || now >= phase_ends_)) {
    return measure(in_flight, now);
  }
  if (phase_ == Phase::measuring) {
    const bool seen = probed_.total() >= kEnough && now - measures_since_ >= kShortestMeasure;
    if (seen || now >= phase_ends_) end_probe(now);
    return;
  }
  if (phase_ == Phase::draining) return;
  if (window_.began != TimePoint{} && is_complete(now - window_.began)) close_window();
  if (beat_at(now) == beat_) return;
  beat_ = beat_at(now);
  if (wants_probe()) begin_probe(now);
}

// --- windows -------------------------------------------------------------------------------------

void ConcurrencyLimit::open_window(TimePoint now) {
  window_.latencies.clear();
  window_.failures = window_.ended = window_.peak = 0;
  window_.began = now;
}

bool ConcurrencyLimit::limit_reached() const {
  return window_.peak + 1 > limit_ || window_.peak >= kBusy * limit_;
}

// In the time of several medians not even as many have ended as there are places.
bool ConcurrencyLimit::is_starved(Duration age) const {
  if (age < kStarved || window_.ended >= window_.peak || !limit_reached()) return false;
  const double usual = std::max(last_median_, window_.latencies.value());
  return age >= times(4, usual, kStarved, kNoBound);
}

// Not before most of what ran when it began has ended, so that it shows what the last change of the
// limit has brought.
bool ConcurrencyLimit::is_complete(Duration age) const {
  if (is_starved(age) || age >= times(8, last_median_, kLongestWindow, kNoBound)) return true;
  return age >= times(2, last_median_, kWindow, kNoBound) &&
         window_.latencies.total() + window_.failures >= kEnough;
}

void ConcurrencyLimit::close_window() {
  const std::uint32_t samples = window_.latencies.total();
  busy_ = limit_reached();
  if (window_.failures > samples) {
    // A server that comes back comes back cold.
    limit_ = std::max<double>(range_.least, limit_ * kFailureDrop);
    calm_ = 0;
  } else if (samples >= kEnough) {
    last_median_ = window_.latencies.value();
    follow_base(last_median_);
    judge(last_median_);
  } else if (busy_ && window_.ended < window_.peak) {
    grow();
  }
  window_.began = {};  // the next begins with the next statement
}

// Higher medians count only while few statements run: otherwise they may be these statements' own
// doing, and a base that follows them is one that drifts away.
void ConcurrencyLimit::follow_base(double median) {
  if (base_ == 0) {
    base_ = median;
  } else if (median < base_) {
    base_ += kFall * (median - base_);
  } else if (2 * window_.peak < limit_) {
    base_ = std::min(median, base_ * (1 + kRise));
  }
}

void ConcurrencyLimit::judge(double median) {
  const double tolerated = kTolerated * base_ + kSlack;
  if (median > tolerated) return shrink(tolerated / median);
  ++calm_;
  // A limit that nobody needs stays as it is: nothing is known of what is beyond it.
  if (busy_) grow();
}

void ConcurrencyLimit::grow() {
  limit_ += calm_ >= kCalm ? std::max(std::sqrt(limit_), limit_ / 4) : std::sqrt(limit_);
  limit_ = std::min<double>(range_.most, limit_);
}

void ConcurrencyLimit::shrink(double ratio) {
  calm_ = 0;
  if (2 * window_.peak < limit_) {
    // It is not what keeps the load as it is; it only comes closer, to be ready.
    limit_ = std::max(limit_ * kUnusedDrop, 2.0 * window_.peak);
  } else {
    limit_ *= 1 - kHaste * (1 - std::max(kMostDrop, ratio));
  }
  limit_ = std::clamp<double>(limit_, range_.least, range_.most);
}

// --- probes --------------------------------------------------------------------------------------

// When the limit has halved, the base may be that of another, easier load.
bool ConcurrencyLimit::wants_probe() const {
  const bool halved = limit_ <= limit_at_probe_ / 2;
  return busy_ && base_ != 0 && (halved || unsettled_ || beat_ % kProbeBeats == 0);
}

void ConcurrencyLimit::begin_probe(TimePoint now) {
  limit_at_probe_ = limit_;
  phase_ = Phase::draining;
  allowed_ = std::max(kProbeLeast, static_cast<std::uint32_t>(limit_ * kProbePart));
  phase_ends_ = now + times(2, last_median_, kDrainLeast, kDrainMost);
}

// What has not ended by now are slow statements. They hold nobody up: others run beside them.
void ConcurrencyLimit::measure(std::uint32_t in_flight, TimePoint now) {
  phase_ = Phase::measuring;
  drained_ = in_flight <= allowed_;
  if (!drained_) allowed_ = in_flight + std::max(1u, allowed_ / 2);
  measures_since_ = now;
  phase_ends_ = now + times(4, last_median_, kMeasureLeast, kMeasureMost);
  probed_.clear();
}

// A probe finds a lower base at once, and half of a higher one: it may have met a bad moment.
void ConcurrencyLimit::end_probe(TimePoint now) {
  phase_ = Phase::steady;
  window_.began = {};
  busy_ = false;
  beat_ = beat_at(now);
  if (probed_.total() < kEnough / 4) return;
  const double before = base_;
  const double seen = probed_.value();
  if (seen < before) {
    base_ = std::max(seen, before / 2);
  } else if (may_raise()) {
    base_ = std::min(before + (seen - before) / 2, 2 * before);
  }
  unsettled_ = std::abs(base_ - before) > kSettled * before;
}

// A higher latency may be the load of others, or of slow statements. Several workers that took it
// for the base would drive each other's up without end. So it counts only when the limit has shrunk
// as far as it may, and that has not helped.
bool ConcurrencyLimit::may_raise() const {
  return drained_ && limit_ <= range_.least;
}

std::int64_t ConcurrencyLimit::beat_at(TimePoint now) const {
  return (now - first_beat_) / Duration(kBeat);
}

}  // namespace weir
