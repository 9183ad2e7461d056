// What the process may hold in memory (limits.memory), and what is given up when that becomes
// little. Decides only; who measures and who gives up are others.

#pragma once

#include <atomic>
#include <cstddef>

namespace weir {

// Any thread. The order of what is given up: first what nobody sees, then what is new, and at last
// what is there.
class MemoryBudget {
 public:
  // In bytes; 0: there is no limit.
  explicit MemoryBudget(std::size_t limit) : limit_(limit) {}

  bool limited() const { return limit_ > 0; }
  std::size_t used() const { return used_.load(std::memory_order_relaxed); }

  // Nothing depends on a use that is smaller.
  std::size_t least_of_interest() const { return limit_ / 100 * 80; }
  // So much is in use now.
  void measured(std::size_t used) { used_.store(used, std::memory_order_relaxed); }

  // Open transactions are kept to be run again.
  bool keeps_transactions() const { return is_below(80); }
  // New clients are let in; prepared statements and long data are taken.
  bool takes_more() const { return is_below(90); }
  // No session has to end for the others.
  bool suffices() const { return is_below(100); }

 private:
  bool is_below(std::size_t percent) const {
    return limit_ == 0 || used() < limit_ / 100 * percent;
  }

  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace weir
