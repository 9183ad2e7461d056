// A hash of what clients choose, so that nobody can choose texts which all fall into one place of a
// table.

#pragma once

#include <cstddef>
#include <string_view>

namespace weir {

// SipHash-2-4 under a key of this process. Any thread.
std::size_t keyed_hash(std::string_view text) noexcept;

}  // namespace weir
