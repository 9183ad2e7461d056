// How many statements a server can work on at a time before they only wait for each other there,
// as its latencies tell. Pure: fed with what happens, on one thread; knows no clock of its own.
//
// Latencies are looked at in windows, by their median. While that is no more than twice what it is
// without a load (the base), a limit that is reached grows; otherwise it shrinks by as much as the
// median is too high. The base cannot be seen while the server is busy, so every half a minute of
// that the limit drops to a quarter for some milliseconds, and the base is measured anew: a probe.

#pragma once

#include <cstdint>

#include "proxy/core/latency_median.h"
#include "proxy/core/topology.h"

namespace weir {

class ConcurrencyLimit {
 public:
  struct Range {
    std::uint32_t least = 1;
    std::uint32_t most = 1;  // not below `least`; when equal, the limit never changes
  };
  // Those who share a server probe at the same instants, or each would measure the others' load:
  // `beat` is one of those instants, not after the first call.
  ConcurrencyLimit(Range range, TimePoint beat);

  // How many statements may be in flight. While a probe lasts, fewer than range().least.
  std::uint32_t value() const;
  bool probing() const { return phase_ != Phase::steady; }

  // A statement has begun: `in_flight` of them are, this one included.
  void begun(std::uint32_t in_flight, TimePoint now);
  // Its answer has begun, after so long. Not of statements whose time says nothing of the server's
  // load, such as those that wait for replication.
  void answered(double microseconds, std::uint32_t in_flight, TimePoint now);
  // It came to nothing, because the server was lost. So many are still in flight.
  void failed(std::uint32_t in_flight, TimePoint now);
  // A statement has ended; so many are left.
  void ended(std::uint32_t in_flight, TimePoint now);
  // Time has passed. To be called about ten times a second.
  void look(std::uint32_t in_flight, TimePoint now);

  // Microseconds; 0 until known.
  double base() const { return base_; }

 private:
  using Duration = Clock::duration;
  enum class Phase : std::uint8_t { steady, draining, measuring };

  struct Window {
    LatencyMedian latencies;
    std::uint32_t failures = 0;
    std::uint32_t ended = 0;
    std::uint32_t peak = 0;  // most in flight
    TimePoint began{};
  };

  bool fixed() const { return range_.least == range_.most; }
  void open_window(TimePoint now);
  bool limit_reached() const;
  bool is_starved(Duration age) const;
  bool is_complete(Duration age) const;
  void close_window();
  void follow_base(double median);
  void judge(double median);
  void grow();
  void shrink(double ratio);
  bool wants_probe() const;
  void begin_probe(TimePoint now);
  void measure(std::uint32_t in_flight, TimePoint now);
  void end_probe(TimePoint now);
  bool may_raise() const;
  std::int64_t beat_at(TimePoint now) const;

  Range range_;
  double limit_;
  double base_ = 0;
  double last_median_ = 0;
  Window window_;
  bool busy_ = false;  // in the last window the limit was reached
  unsigned calm_ = 0;  // windows since it last shrank
  Phase phase_ = Phase::steady;
  std::uint32_t allowed_ = 0;  // in flight, while a probe lasts
  TimePoint phase_ends_{};     // at the latest
  TimePoint measures_since_{};
  bool drained_ = false;  // no more than that were left when it began to measure
  LatencyMedian probed_;
  bool unsettled_ = true;  // the last one has found another base, or there was none
  double limit_at_probe_;  // when it began
  TimePoint first_beat_;
  std::int64_t beat_ = 0;  // how many beats have passed
};

}  // namespace weir
