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

namespace detail {

// A bit per first letter, for every length.
constexpr std::array<std::uint32_t, 32> make_scan_filter() {
  std::array<std::uint32_t, 32> filter{};
  const auto add = [&filter](Keyword keyword, std::string_view name) {
    if (keyword < Keyword::LAST_SCANNED) filter[name.size()] |= 1u << (name.front() & 31);
  };
#define WEIR_SQL_ADD(word, call) add(Keyword::word, #word);
  WEIR_SQL_KEYWORDS(WEIR_SQL_ADD)
#undef WEIR_SQL_ADD
  return filter;
}

inline constexpr std::array<std::uint32_t, 32> kScanFilter = make_scan_filter();

}  // namespace detail

constexpr bool may_be_scanned(std::string_view word) noexcept {
  return word.size() < detail::kScanFilter.size() &&
         (detail::kScanFilter[word.size()] >> (word.front() & 31) & 1u) != 0;
}

}  // namespace weir::sql
