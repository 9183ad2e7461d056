// Whether weir can serve clients, for load balancers. Pure.

#pragma once

#include <string>

#include "proxy/config/config.h"
#include "proxy/core/topology.h"

namespace weir::http {

struct Readiness {
  bool ready = false;
  std::string json;   // the verdict, its reason and the state of each server; for people, too
  std::string brief;  // the verdict alone, for those who may not know more
};

// Ready: there is a primary, or else a replica that serves reads. A weir that drains is not ready:
// load balancers shall send nobody here any more.
Readiness judge_readiness(const Topology& topology, const RoutingConfig& routing, bool draining);

}  // namespace weir::http
