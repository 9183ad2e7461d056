// The session variables whose values weir carries from one backend connection to another. A
// variable that is not listed here cannot be replayed, so setting it keeps the session on one
// connection.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weir::sql {

// How a value is written in a SET statement.
enum class ValueStyle : std::uint8_t {
  quoted,  // a string or set: 'STRICT_TRANS_TABLES'
  bare,    // a number, ON or OFF
};

struct TrackedVariable {
  std::string_view name;  // lower case
  ValueStyle style;
};

// All tracked variables, sorted by name. The index into this span is the variable's id.
std::span<const TrackedVariable> tracked_variables();

// The id of a variable by its name in any letter case; nothing when it is not tracked.
std::optional<std::size_t> find_tracked_variable(std::string_view name);

}  // namespace weir::sql
