// Topology in words, for logs and for people.

#pragma once

#include <string>
#include <string_view>

#include "proxy/core/topology.h"

namespace weir {

std::string_view to_string(Role role);
std::string_view to_string(Health health);
std::string_view to_string(Origin origin);

// A table with one line per server, and a last line about the primary.
std::string print_topology(const Topology& topology);

}  // namespace weir
