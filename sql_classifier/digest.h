// One name for all texts that differ in their values only: for counting statements and for showing
// them without what people typed into them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sql_classifier/classification.h"

namespace weir::sql {

// A 64-bit hash of the normalised text, of its whole length: equal normalised texts have equal
// digests. It is not for storing: another version may normalise otherwise. Not cryptographic.
//
// Normalised means:
// - Strings, numbers and NULL, TRUE, FALSE (not in IS NULL, NOT NULL) are ?, with their signs and
//   introducers. So is the ? of a prepared statement.
// - A list in parentheses of nothing but these is (...), and so are several of them with commas in
//   between. Of rows behind VALUES, and of statements in one text, that follow one another and
//   differ in literals only, the first is kept.
// - Keywords and names of built-in functions are in upper case, unless quoted or behind a dot.
//   Other names and variables are kept as they are, in backticks if they were quoted.
// - Comments are gone, the content of executable ones is kept; around that of optimizer hints and
//   of comments that not every server executes, the marks of the comment are kept, too. One space
//   stands between tokens, none around dots and inside parentheses; no semicolon stands at the end.
// So no server does anything else for two texts with one normalised text than what other values
// can make it do, but where names of tables are told apart by the case of a keyword.
//
// Reads the text once, but for lists it looks ahead. Allocates nothing, throws nothing; any bytes
// are accepted. Of the options only those of sql_mode matter, but for what is `certain` below.
std::uint64_t digest(std::string_view text, const TextOptions& options = {}) noexcept;

// Writes the normalised text into out[0, capacity) and returns how many bytes it has written: at
// most capacity, cut at any byte, no zero behind them. `out` may be null when capacity is 0.
std::size_t normalise(std::string_view text, const TextOptions& options, char* out,
                      std::size_t capacity) noexcept;

// Both at once, for who needs both, and what else shows on the way.
struct NormalForm {
  std::size_t written = 0;  // bytes of the normalised text in `out`
  std::size_t length = 0;   // bytes that it has
  std::uint64_t digest = 0;
  bool certain = false;   // every server reads the same tokens, and there is no more of the text
  bool prepares = false;  // it may prepare or execute a text, see prepared_text.h
};
NormalForm normal_form(std::string_view text, const TextOptions& options, char* out,
                       std::size_t capacity) noexcept;

}  // namespace weir::sql
