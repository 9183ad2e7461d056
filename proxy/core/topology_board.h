// The topology that was published last, for those who are no workers.

#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "proxy/core/topology.h"

namespace weir {

// Any thread.
class TopologyBoard {
 public:
  // Never null; knows nothing before the first one is published.
  std::shared_ptr<const Topology> latest() const {
    const std::lock_guard lock(mutex_);
    return topology_;
  }
  void publish(std::shared_ptr<const Topology> topology) {
    const std::lock_guard lock(mutex_);
    topology_ = std::move(topology);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Topology> topology_ =
      std::make_shared<const Topology>();  // guarded by mutex_
};

}  // namespace weir
