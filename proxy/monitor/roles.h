// Who is the primary. Pure: configuration and probes in, roles out.

#pragma once

#include "proxy/config/config.h"
#include "proxy/monitor/probe.h"

namespace weir {

struct Election {
  std::vector<Role> roles;  // by server; unknown where nothing can be said
  std::optional<std::size_t> primary;
  std::string no_primary_why;  // what was seen, server by server, and what to do
};

// `last_roles` are those of the election before: what a server that does not answer is remembered
// as.
Election elect(const Config& config, const std::vector<Probe>& probes,
               const std::vector<Role>& last_roles);

}  // namespace weir
