// What all sessions of this weir have written, for reads with consistency "global": they show every
// write that was acknowledged before they came. Writes that do not pass through this weir are not
// known here.

#pragma once

#include <atomic>
#include <mutex>
#include <string_view>

#include "proxy/core/topology.h"
#include "proxy/core/write_position.h"

namespace weir {

// Shared by the workers. Any thread.
class GlobalWrites {
 public:
  // Somebody reads with this consistency: from now on writes are noted. What was written before
  // counts as written now.
  void follow(TimePoint now);
  bool followed() const { return followed_.load(std::memory_order_acquire); }

  // A write was acknowledged by its server, and its client has not heard of it yet. `gtids` is
  // empty when the server told none.
  void add(TimePoint now, std::string_view gtids);

  // The instant of the last of them.
  TimePoint last() const;
  // What a replica still has to reach that is known to show everything up to `fresh_until`. Not
  // usable when that was too long ago.
  WritePosition position_after(TimePoint fresh_until) const;

 private:
  // Those of one stretch of time.
  struct Stretch {
    TimePoint begin{};
    WritePosition writes;
  };

  std::atomic<bool> followed_{false};
  mutable std::mutex mutex_;
  TimePoint last_{};  // guarded by mutex_
  Stretch before_;    // guarded by mutex_; ends where the other begins
  Stretch now_;       // guarded by mutex_
};

}  // namespace weir
