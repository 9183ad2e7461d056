// What one worker knows of the work that it gives to each server: the base of balancing. Pure.

#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "proxy/core/topology.h"

namespace weir {

// How fast a server answers plain reads, smoothed. Single slow statements are not the server's
// fault: a sample counts for a few times the average at most, so that only many of them move it.
class Latency {
 public:
  // The time from a read's last byte out to its answer's last byte in.
  void add(double microseconds);
  // A sample of a server that gets few: it counts for half.
  void add_trial(double microseconds);

  bool known() const { return samples_ >= kEnough; }
  double microseconds() const { return average_; }

 private:
  static constexpr unsigned kEnough = 8;
  double average_ = 0;
  unsigned samples_ = 0;  // up to kEnough
};

struct ServerWork {
  std::uint32_t outstanding = 0;  // statements under way
  std::uint32_t queued = 0;       // requests for a connection to it
  std::uint32_t waits = 0;        // of what is outstanding, behind a wait for replication
  Latency latency;
  // Much slower than the others: read from for trial only, until it is not any more.
  bool outlier = false;
  bool trial = false;    // the next read may go there all the same
  TimePoint tried_at{};  // when the last one could
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

// Finds the outliers among the replicas that serve reads, and allows each of them a trial from time
// to time. With fewer than two replicas that are known, there are none, and never more than half.
void judge_outliers(const Topology& topology, std::span<ServerWork> work, TimePoint now);

}  // namespace weir
