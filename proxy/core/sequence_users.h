// The users whose sessions ask MariaDB for the last value that they drew from a sequence: LASTVAL()
// and kin. A server keeps it with the connection, and nothing tells which statements draw, since
// the default of a column may. So their sessions do not share connections to the primary.

#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace weir {

// Shared by the workers. Any thread.
class SequenceUsers {
 public:
  // How many there are. A user who was none of them is none while this stays the same.
  std::size_t count() const { return count_.load(std::memory_order_acquire); }
  bool contains(std::string_view user) const {
    const std::lock_guard lock(mutex_);
    return users_.find(user) != users_.end();
  }
  // From now on `user` is one of them.
  void add(std::string_view user) {
    const std::lock_guard lock(mutex_);
    users_.emplace(user);
    count_.store(users_.size(), std::memory_order_release);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string, std::less<>> users_;  // guarded by mutex_
  std::atomic<std::size_t> count_{0};
};

}  // namespace weir
