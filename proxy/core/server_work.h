// What one worker knows of the work that it gives to each server: the base of balancing. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "proxy/core/topology.h"

namespace weir {

// How fast a server answers plain reads, smoothed, and how much it had to do meanwhile. Single slow
// statements are not the server's fault: a sample counts for a few times the average at most, so
// that only many of them move it.
class Latency {
 public:
  // The time from a read's last byte out to its answer's first byte in, with so many statements
  // under way there, this one included.
  void add(double microseconds, std::uint32_t outstanding);
  // A sample of a server that gets few: it counts for half.
  void add_trial(double microseconds, std::uint32_t outstanding);

  bool known() const { return samples_ >= kEnough; }
  // Whether there were samples since the last call.
  bool take_news() { return std::exchange(news_, false); }
  double microseconds() const { return time_; }
  double outstanding() const { return outstanding_; }
  // Several times slower than the other, and no less so when what each had to do is taken into
  // account: a server is not slow because it does more.
  bool is_slower(const Latency& other, double times) const;

 private:
  void blend(double microseconds, double outstanding, double weight);

  static constexpr unsigned kEnough = 8;
  double time_ = 0;         // microseconds
  double outstanding_ = 0;  // statements
  unsigned samples_ = 0;    // up to kEnough
  bool news_ = false;
};

struct ServerWork {
  std::uint32_t outstanding = 0;  // statements under way
  std::uint32_t queued = 0;       // requests for a connection to it, and statements in line for it
  std::uint32_t waits = 0;        // of what is outstanding, behind a wait for replication
  Latency latency;
  // Much slower than the others for a while: read from for trial only, until it is not any more.
  bool outlier = false;
  bool trial = false;     // the next read may go there all the same
  bool full = false;      // has as much to do as it may get, see Admission
  unsigned slow_for = 0;  // judgements in a row that new answers led to, and since when at all
  std::optional<TimePoint> slow_since;
  TimePoint tried_at{};  // when the last trial was allowed,
  TimePoint heard_at{};  // and when a read was answered
};

// One of ServerWork::waits, for as long as it lives. The count outlives it.
class WaitTicket {
 public:
  WaitTicket() = default;
  explicit WaitTicket(std::uint32_t& count) : count_(&count) { ++count; }
  WaitTicket(WaitTicket&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  WaitTicket& operator=(WaitTicket&& other) noexcept {
    WaitTicket taken(std::move(other));
    std::swap(count_, taken.count_);
    return *this;
  }
  ~WaitTicket() {
    if (count_ != nullptr) --*count_;
  }

 private:
  std::uint32_t* count_ = nullptr;
};

// Finds the outliers among the replicas that serve reads, by their answers or, when nobody has
// asked a slow one for a while, by what they were; and allows each of them a trial from time to
// time, so that one that is fast again is found out. One that nobody can try for long is taken
// back, to be judged anew. With fewer than two replicas that are known there are none, and never
// more than half. To be called about ten times a second.
void judge_outliers(const Topology& topology, std::span<ServerWork> work, TimePoint now);

}  // namespace weir
