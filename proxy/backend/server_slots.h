// How many connections each server may have from all workers together.

#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace weir {

class ServerSlots;

// A place taken; given back when it is destroyed. Empty when moved from or refused.
class ServerSlot {
 public:
  ServerSlot() = default;
  ServerSlot(ServerSlots& slots, std::size_t server) : slots_(&slots), server_(server) {}
  ServerSlot(ServerSlot&& other) noexcept
      : slots_(std::exchange(other.slots_, nullptr)), server_(other.server_) {}
  ServerSlot& operator=(ServerSlot&& other) noexcept {
    ServerSlot taken(std::move(other));
    std::swap(slots_, taken.slots_);
    std::swap(server_, taken.server_);
    return *this;
  }
  ~ServerSlot();

  explicit operator bool() const { return slots_ != nullptr; }

 private:
  ServerSlots* slots_ = nullptr;
  std::size_t server_ = 0;
};

// Safe from any thread, but for watch(). A worker that finds no place says that it waits, and all
// workers are woken: one may have idle connections to spare. They are woken again whenever a place
// comes free on a server that somebody waits for.
class ServerSlots {
 public:
  // A limit of 0 is none.
  explicit ServerSlots(std::vector<std::size_t> limits)
      : limits_(std::move(limits)), used_(limits_.size()), waiting_(limits_.size()) {}

  // Before the workers start: `wake` is called from any thread, with no lock held.
  void watch(std::function<void()> wake) { wakers_.push_back(std::move(wake)); }

  // Empty when the server's limit is reached.
  ServerSlot take(std::size_t server) {
    std::atomic<std::size_t>& used = used_[server];
    if (used.fetch_add(1) < limits_[server] || limits_[server] == 0) return {*this, server};
    used.fetch_sub(1);
    return {};
  }
  void begin_wait(std::size_t server) {
    waiting_[server].fetch_add(1);
    wake();
  }
  void end_wait(std::size_t server) { waiting_[server].fetch_sub(1); }

  // How many requests, of all workers, wait for a place.
  std::size_t waiting(std::size_t server) const { return waiting_[server].load(); }
  // What one of so many workers may keep while others wait.
  std::size_t fair_share(std::size_t server) const {
    return wakers_.empty() ? limits_[server] : limits_[server] / wakers_.size();
  }
  std::size_t limit(std::size_t server) const { return limits_[server]; }
  std::size_t used(std::size_t server) const { return used_[server].load(); }

 private:
  friend class ServerSlot;

  void give_back(std::size_t server) {
    used_[server].fetch_sub(1);
    if (waiting(server) > 0) wake();
  }
  void wake() {
    for (const auto& waker : wakers_) waker();
  }

  std::vector<std::size_t> limits_;
  std::vector<std::atomic<std::size_t>> used_;
  std::vector<std::atomic<std::size_t>> waiting_;
  std::vector<std::function<void()>> wakers_;
};

inline ServerSlot::~ServerSlot() {
  if (slots_ != nullptr) slots_->give_back(server_);
}

}  // namespace weir
