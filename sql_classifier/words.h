// The table of known words: keywords and built-in functions.

#pragma once

#include <array>
#include <cstddef>
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

// Whether the word may be one that the scan of a query stops at: its length and its first letter
// fit. Answers most words without a look into the table.
constexpr bool may_be_scanned(std::string_view word) noexcept;

// ASCII comparison without letter case; `lower_text` must be in lower case.
bool equals_lower(std::string_view text, std::string_view lower_text) noexcept;

// A set of words as far as length and first letter tell: a bit per length, for every letter. Words
// beyond 31 bytes share the bits of shorter ones.
class WordFilter {
 public:
  constexpr void add(std::string_view word) {
    lengths_[word.front() & 31] |= 1u << word.size() % 32;
  }
  // Not for the empty word.
  constexpr bool may_hold(std::string_view word) const {
    return (lengths_[word.front() & 31] & 1u << word.size() % 32) != 0;
  }

 private:
  std::array<std::uint32_t, 32> lengths_{};
};

namespace detail {

constexpr WordFilter make_scan_filter() {
  WordFilter filter;
#define WEIR_SQL_ADD(word, call) \
  if (Keyword::word < Keyword::LAST_SCANNED) filter.add(#word);
  WEIR_SQL_KEYWORDS(WEIR_SQL_ADD)
#undef WEIR_SQL_ADD
  return filter;
}

inline constexpr WordFilter kScanFilter = make_scan_filter();

}  // namespace detail

constexpr bool may_be_scanned(std::string_view word) noexcept {
  return detail::kScanFilter.may_hold(word);
}

}  // namespace weir::sql
