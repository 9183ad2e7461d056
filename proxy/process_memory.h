// How much memory this process has in use.

#pragma once

#include <cstddef>

namespace weir {

// Bytes. Exact, and then not cheap, only when it may be more than `enough`: less than that is
// returned as the resident size, which counts what was freed but not yet given back to the system,
// too. Any thread.
std::size_t memory_in_use(std::size_t enough);

}  // namespace weir
