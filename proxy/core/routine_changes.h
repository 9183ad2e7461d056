// Counts the statements that may change stored routines, so that nobody goes by a catalogue that is
// older than they are.

#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace weir {

// Shared by the workers, who count, and the monitor, who loads catalogues.
class RoutineChanges {
 public:
  // How many were ever sent. A catalogue holds as long as the number it was loaded under.
  std::uint64_t sent() const { return sent_.load(); }

  // The same number while all of them have ended, nothing while one is under way: what is loaded
  // now could be from before it or after.
  std::optional<std::uint64_t> settled() const {
    const std::uint64_t ended = ended_.load();  // first: one that begins in between counts as open
    if (sent_.load() != ended) return std::nullopt;
    return ended;
  }

 private:
  friend class RoutineChange;
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> ended_{0};
};

// One such statement, from just before it is sent until its answer has come or nobody waits for it
// any more.
class RoutineChange {
 public:
  RoutineChange() = default;
  explicit RoutineChange(RoutineChanges& changes) : changes_(&changes) { ++changes.sent_; }
  RoutineChange(RoutineChange&& other) noexcept
      : changes_(std::exchange(other.changes_, nullptr)) {}
  RoutineChange& operator=(RoutineChange&& other) noexcept {
    if (this != &other) {
      end();
      changes_ = std::exchange(other.changes_, nullptr);
    }
    return *this;
  }
  ~RoutineChange() { end(); }

  bool under_way() const { return changes_ != nullptr; }
  void end() {
    if (changes_ != nullptr) ++std::exchange(changes_, nullptr)->ended_;
  }

 private:
  RoutineChanges* changes_ = nullptr;
};

}  // namespace weir
