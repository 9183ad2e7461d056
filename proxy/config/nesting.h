// Bounds how deep a TOML text nests before the parser, which recurses, sees it.

#pragma once

#include <string_view>

namespace weir::config {

inline constexpr unsigned kDeepestNesting = 32;

// The first line on which brackets, braces or dotted keys nest deeper than kDeepestNesting; 0:
// none.
unsigned line_nested_too_deep(std::string_view text);

}  // namespace weir::config
