// TOML is UTF-8 by definition, and the parser must not meet anything else: its own check comes
// late, and in some versions reads outside the text when it fails.

#pragma once

#include <string_view>

namespace weir::config {

// The first line that holds bytes which are not UTF-8; 0: none.
unsigned line_not_utf8(std::string_view text);

}  // namespace weir::config
