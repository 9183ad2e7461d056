// Who is the primary. Pure: configuration and probes in, roles out.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/monitor/probe.h"

namespace weir {

struct Election {
  std::vector<Role> roles;  // by server; unknown where nothing can be said
  std::optional<std::size_t> primary;
  std::string no_primary_why;  // what was seen, server by server, and what to do
};

// The member of a group that was the primary last.
struct LastWriter {
  std::size_t server = 0;
  std::string view;  // the set of members as it knew it (Membership::view); empty: does not matter
};

// `last_roles` are those of the election before: what a server that does not answer is remembered
// as. `last_writer`: nothing when there was none, or when it does not matter any more.
Election elect(const Config& config, const std::vector<Probe>& probes,
               const std::vector<Role>& last_roles,
               const std::optional<LastWriter>& last_writer = std::nullopt);

}  // namespace weir
