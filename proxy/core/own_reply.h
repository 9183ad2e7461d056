// What servers answer to questions of weir's own.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

// The values of a reply of one row, `frames` with their headers, in the text protocol; NULL is
// nothing. Empty when it is an error or no such reply.
std::vector<std::optional<std::string>> single_row(std::string_view frames);

// The number in a reply of one row with one column, `frames` with their headers, in the text
// protocol. Nothing when it is NULL, an error or no such reply.
std::optional<std::uint64_t> single_number(std::string_view frames);

}  // namespace weir
