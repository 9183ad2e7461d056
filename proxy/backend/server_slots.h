// How many connections each server may have from all workers together.

#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace weir {

// A place taken; given back when it is destroyed. Empty when moved from or refused.
class ServerSlot {
 public:
  ServerSlot() = default;
  explicit ServerSlot(std::atomic<std::size_t>* count) : count_(count) {}

  explicit operator bool() const { return count_ != nullptr; }

 private:
  struct GiveBack {
    void operator()(std::atomic<std::size_t>* count) const { count->fetch_sub(1); }
  };
  std::unique_ptr<std::atomic<std::size_t>, GiveBack> count_;
};

// Safe from any thread.
class ServerSlots {
 public:
  explicit ServerSlots(std::vector<std::size_t> limits)
      : limits_(std::move(limits)), used_(limits_.size()) {}

  // Empty when the server's limit is reached. A limit of 0 is none.
  ServerSlot take(std::size_t server) {
    std::atomic<std::size_t>& used = used_[server];
    if (used.fetch_add(1) < limits_[server] || limits_[server] == 0) return ServerSlot(&used);
    used.fetch_sub(1);
    return {};
  }
  std::size_t limit(std::size_t server) const { return limits_[server]; }
  std::size_t used(std::size_t server) const { return used_[server].load(); }

 private:
  std::vector<std::size_t> limits_;
  std::vector<std::atomic<std::size_t>> used_;
};

}  // namespace weir
