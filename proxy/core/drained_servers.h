// Servers that an operator has taken out of use: they get no new statements until they are enabled
// again. What is under way there ends, transactions and pinned sessions included.

#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "proxy/core/topology.h"

namespace weir {

// Any thread. The monitor reads it each time it judges.
class DrainedServers {
 public:
  explicit DrainedServers(std::size_t servers) : drained_(servers) {}

  bool has(std::size_t server) const { return drained_[server].load(); }
  // False when it was so already.
  bool set(std::size_t server, bool drained) {
    return drained_[server].exchange(drained) != drained;
  }

 private:
  std::vector<std::atomic<bool>> drained_;
};

// Takes the drained servers out of what was judged. Without its primary a topology has none, and
// statements wait for it as they do in a failover.
void apply(const DrainedServers& drained, Topology& topology);

}  // namespace weir
