// The table of known words: keywords and built-in functions.

#pragma once

#include <cstdint>
#include <string_view>

#include "sql_classifier/keywords.h"

namespace weir::sql {

struct WordMeaning {
  Keyword keyword = Keyword::NONE;
  Call call = Call::unknown;
};

// What a bare word means, in any letter case; the default for a word that is not in the table.
// `room` is how many bytes may be read from word.data() on: it lets a short word be loaded at once.
WordMeaning find_word(std::string_view word, std::size_t room) noexcept;

// ASCII comparison without letter case; `lower_text` must be in lower case.
bool equals_lower(std::string_view text, std::string_view lower_text) noexcept;

}  // namespace weir::sql
