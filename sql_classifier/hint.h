// Routing wishes in the comments in front of a statement.

#pragma once

#include <cstdint>
#include <string_view>

#include "sql_classifier/char_class.h"
#include "sql_classifier/classification.h"

namespace weir::sql {

struct RoutingHint {
  Hint hint = Hint::none;
  std::int32_t max_lag_ms = -1;
  Freshness consistency = Freshness::unsaid;
};

// Reads the comments before the first token of the text. Only those count: text from a user that
// ends up further inside a statement must not be able to route it.
RoutingHint read_hint(std::string_view text) noexcept;

// False for most texts: those that begin with a letter or a parenthesis hold no wish.
constexpr bool may_have_hint(std::string_view text) noexcept {
  return !text.empty() && is_skippable(text.front());
}

}  // namespace weir::sql
