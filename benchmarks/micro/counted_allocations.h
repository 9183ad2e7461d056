// Counts what a benchmark allocates: linking this in replaces operator new and delete.

#pragma once

#include <cstdint>

namespace weir {

// Allocations of this program so far. One thread only.
std::uint64_t counted_allocations();

}  // namespace weir
