// Which tokens of a text are values, and which words are keywords: what the normalised text of
// digest.h is made of.

#pragma once

#include "sql_classifier/lexer.h"

namespace weir::sql {

// What a literal needs to know of the token before it.
struct Before {
  bool operand = false;   // then + and - are no signs
  bool negation = false;  // IS or NOT: NULL is a keyword
};

// What a literal behind the current token would need to know.
Before before_next(const Lexer& lexer) noexcept;

// The current token is a keyword, or the name of a built-in function that is called.
bool is_known_word(const Lexer& lexer) noexcept;

// Moves behind the literal at the current token, if there is one. `end` is that of the text, here
// and below.
bool read_literal(Lexer& lexer, Before before, const char* end) noexcept;

// From "(" behind ")" when there are only literals in between. Stops at the first other token, so
// that nothing is looked at more than twice.
bool skip_literals(Lexer& lexer, const char* end) noexcept;

// Moves `other` behind its row (from "(" behind ")") or statement, if that differs from the one
// from `begin` on in its literals only.
enum class Piece : std::uint8_t { row, statement };
bool skip_alike(const Lexer& begin, Lexer& other, Piece piece, const char* end) noexcept;

}  // namespace weir::sql
