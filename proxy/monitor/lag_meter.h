// How old a replica's data is, in milliseconds, without writing anything and without the servers'
// clocks.
//
// weir remembers when it asked the primary for its executed set, and what the answer was. A replica
// whose own set contains a sample has everything that was committed before weir *sent* that
// question:
//
//   primary   --S1------S2------S3------S4-->      S1..S4: samples, at the instant the question was
//   sent replica             ^contains S2, not S3       lag = time of the replica's reading - time
//   of S2
//
// The result errs to the old side by at most one sampling interval.

#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "proxy/core/topology.h"
#include "proxy/monitor/gtid_set.h"

namespace weir {

using PositionPtr = std::shared_ptr<const GtidPosition>;

// When a question was sent to a server and when its answer was there.
struct Exchange {
  TimePoint sent;
  TimePoint answered;
};

struct LagReading {
  enum class Kind : std::uint8_t {
    unknown,   // no sample that this reading could be held against
    known,     // `lag` is at most what is said, `at_least` what it surely is
    at_least,  // behind every sample kept: only `at_least` is known
  };
  Kind kind = Kind::unknown;
  Milliseconds lag{0};
  Milliseconds at_least{0};
  // Everything committed on the primary before this is visible on the replica.
  std::optional<TimePoint> fresh_until;
  // weir itself took no samples for a while (it was paused, the primary was away): `lag` is a loose
  // upper bound then, and no reason to think ill of the replica.
  bool gap = false;
};

// Not safe for use from several threads at once.
class LagMeter {
 public:
  // Samples older than `keep` (against the newest) are dropped; `max_samples` in that time are
  // kept. Pauses between samples longer than `usual_gap` are reported as LagReading::gap.
  LagMeter(Milliseconds keep, Milliseconds usual_gap, Milliseconds::rep max_samples = 8192);

  // Adds what the primary said. False when the primary's history went backwards: samples that it no
  // longer contains are dropped then, because no replica has to reach them any more.
  bool add(const Exchange& when, PositionPtr executed);

  LagReading read(const GtidPosition& executed, const Exchange& when) const;

  // True when `executed` has transactions which the primary has lost, and still does not have.
  bool holds_lost(const GtidPosition& executed) const;

  bool empty() const { return samples_.empty(); }
  std::size_t size() const { return samples_.size(); }
  const GtidPosition* newest() const { return empty() ? nullptr : samples_.back().executed.get(); }

 private:
  // A run of samples that all had the same set: containing it is being fresh until the last of
  // them.
  struct Sample {
    Exchange first;
    TimePoint last_sent;
    PositionPtr executed;
  };

  bool drop_lost(const GtidPosition& executed);

  const Milliseconds keep_;
  const Milliseconds usual_gap_;
  const Milliseconds spacing_;
  std::deque<Sample> samples_;  // each contains the one before it
  PositionPtr lost_;            // the furthest position that the primary has lost
};

}  // namespace weir
