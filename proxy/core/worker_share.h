// A limit of the configuration as one worker keeps to it.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

// Each worker keeps to its part, so that nobody has to count over all of them.
inline std::uint32_t worker_share(std::size_t whole, unsigned workers) {
  return static_cast<std::uint32_t>((whole + workers - 1) / workers);
}

}  // namespace weir
