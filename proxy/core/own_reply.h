// What servers answer to questions of weir's own.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

// The number in a reply of one row with one column, `frames` with their headers, in the text
// protocol. Nothing when it is NULL, an error or no such reply.
std::optional<std::uint64_t> single_number(std::string_view frames);

}  // namespace weir
