#include "proxy/core/state_table.h"

#include <algorithm>
#include <utility>

namespace weir {

StatePtr StateTable::intern(SessionState&& state) {
  const std::size_t hash = state.hash();
  const auto [from, to] = states_.equal_range(hash);
  for (auto at = from; at != to; ++at) {
    StatePtr known = at->second.lock();
    if (known != nullptr && *known == state) return known;
  }
  if (states_.size() >= sweep_at_) sweep();
  auto added = std::make_shared<const SessionState>(std::move(state));
  states_.emplace(hash, added);
  return added;
}

// Forgets what nobody uses; amortised over the additions that made the table grow.
void StateTable::sweep() {
  std::erase_if(states_, [](const auto& entry) { return entry.second.expired(); });
  sweep_at_ = std::max<std::size_t>(64, states_.size() * 2);
}

}  // namespace weir
