// One object for each session state that is in use, so that states are compared by address. Not
// thread safe: each worker has a table of its own.

#pragma once

#include <memory>
#include <unordered_map>

#include "proxy/core/session_state.h"

namespace weir {

// Equal states of one table have equal pointers.
using StatePtr = std::shared_ptr<const SessionState>;

class StateTable {
 public:
  StateTable() : empty_(intern({})) {}

  StatePtr intern(SessionState&& state);
  // The state of a connection that nothing is known of.
  const StatePtr& empty() const { return empty_; }
  // States that are in use, and some that were.
  std::size_t size() const { return states_.size(); }

 private:
  void sweep();

  std::unordered_multimap<std::size_t, std::weak_ptr<const SessionState>> states_;  // by hash
  std::size_t sweep_at_ = 64;
  StatePtr empty_;
};

}  // namespace weir
