// "Did you mean": the known word that a misspelt one was probably meant to be.

#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weir::config {

// The nearest of `words` by edit distance (a swap of neighbours counts as one edit), or an empty
// view when none is near enough to be a slip of the fingers. Letter case is ignored.
std::string_view nearest(std::string_view word, std::span<const std::string_view> words);

// `; did you mean "interval"?`, or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> words);

// The text in quotes, safe to print: control characters escaped, and cut when very long.
std::string in_quotes(std::string_view text);

}  // namespace weir::config
