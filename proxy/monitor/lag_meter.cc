#include "proxy/monitor/lag_meter.h"

#include <algorithm>

namespace weir {
namespace {

Milliseconds between(TimePoint from, TimePoint to) {
  return to <= from ? Milliseconds{0} : std::chrono::duration_cast<Milliseconds>(to - from);
}

}  // namespace

LagMeter::LagMeter(Milliseconds keep, Milliseconds usual_gap, Milliseconds::rep max_samples)
    : keep_(keep),
      usual_gap_(usual_gap),
      spacing_(keep / std::max<Milliseconds::rep>(max_samples, 1)) {}

bool LagMeter::add(const Exchange& when, PositionPtr executed) {
  const bool forwards = drop_lost(*executed);
  if (!samples_.empty() && *samples_.back().executed == *executed) {
    samples_.back().last_sent = std::max(samples_.back().last_sent, when.sent);
    return forwards;
  }
  // Closer to each other than this they would be too many over the whole time. A sample that is
  // missing can only make a replica look older.
  const std::size_t count = samples_.size();
  if (count > 1 && samples_[count - 1].last_sent - samples_[count - 2].last_sent < spacing_) {
    samples_.pop_back();
  }
  samples_.push_back({when, when.sent, std::move(executed)});
  const TimePoint oldest = samples_.back().last_sent - keep_;
  // One that is older stays, so that what is kept always spans the whole time.
  while (samples_.size() > 1 && samples_[1].last_sent < oldest) samples_.pop_front();
  return forwards;
}

bool LagMeter::drop_lost(const GtidPosition& executed) {
  if (lost_ && (!comparable(*lost_, executed) || contains(executed, *lost_))) lost_.reset();
  if (samples_.empty() || contains(executed, *samples_.back().executed)) return true;
  if (!comparable(executed, *samples_.back().executed)) {
    samples_.clear();  // another flavour took over: its history starts here
    return false;
  }
  lost_ = samples_.back().executed;
  while (!samples_.empty() && !contains(executed, *samples_.back().executed)) samples_.pop_back();
  return false;
}

LagReading LagMeter::read(const GtidPosition& executed, const Exchange& when) const {
  LagReading reading;
  // Sets only grow along the ring, so the contained samples are a prefix of it.
  const auto next = std::partition_point(
      samples_.begin(), samples_.end(),
      [&](const Sample& sample) { return contains(executed, *sample.executed); });
  // A sample whose answer came after the replica was asked proves nothing against the replica.
  const bool behind = next != samples_.end() && next->first.answered <= when.sent;
  if (behind) reading.at_least = between(next->first.answered, when.answered);
  if (next == samples_.begin()) {
    if (behind) reading.kind = LagReading::Kind::at_least;
    return reading;
  }
  const Sample& contained = *std::prev(next);
  reading.kind = LagReading::Kind::known;
  reading.fresh_until = contained.last_sent;
  if (behind) {
    reading.lag = between(contained.last_sent, when.answered);
    reading.gap = between(contained.last_sent, next->first.sent) > usual_gap_;
  }
  return reading;
}

bool LagMeter::holds_lost(const GtidPosition& executed) const {
  return lost_ != nullptr && contains(executed, *lost_);
}

}  // namespace weir
