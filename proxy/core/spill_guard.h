// How many reads that replicas should answer the primary takes over at a time, so that losing the
// replicas does not lose the primary as well.

#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace weir {

class SpillGuard;

// The right to run one such read; given back when it is destroyed. Empty when refused or moved
// from.
class SpillTicket {
 public:
  SpillTicket() = default;
  explicit SpillTicket(SpillGuard& guard) : guard_(&guard) {}
  SpillTicket(SpillTicket&& other) noexcept : guard_(std::exchange(other.guard_, nullptr)) {}
  SpillTicket& operator=(SpillTicket&& other) noexcept {
    SpillTicket taken(std::move(other));
    std::swap(guard_, taken.guard_);
    return *this;
  }
  ~SpillTicket();
  explicit operator bool() const { return guard_ != nullptr; }

 private:
  SpillGuard* guard_ = nullptr;
};

// Shared by the workers. Any thread. Outlives its tickets.
class SpillGuard {
 public:
  // A limit of 0 is none.
  explicit SpillGuard(std::size_t limit) : limit_(limit) {}

  std::size_t limit() const { return limit_; }
  std::size_t running() const { return running_.load(); }
  // Empty when the limit is reached.
  SpillTicket take() {
    if (running_.fetch_add(1) < limit_ || limit_ == 0) return SpillTicket(*this);
    running_.fetch_sub(1);
    return {};
  }

 private:
  friend class SpillTicket;
  const std::size_t limit_;
  std::atomic<std::size_t> running_{0};
};

inline SpillTicket::~SpillTicket() {
  if (guard_ != nullptr) guard_->running_.fetch_sub(1);
}

}  // namespace weir
