#include "sql_classifier/lexer.h"

#include <cstring>

#include "sql_classifier/char_class.h"

namespace weir::sql {
namespace {

const char* find_byte(const char* from, const char* to, char byte) noexcept {
  const void* hit =
      from == to ? nullptr : std::memchr(from, byte, static_cast<std::size_t>(to - from));
  return hit == nullptr ? to : static_cast<const char*>(hit);
}

// The first "*/" in [from, to), or `to`.
const char* find_comment_end(const char* from, const char* to) noexcept {
  for (const char* p = find_byte(from, to, '*'); p != to; p = find_byte(p + 1, to, '*')) {
    if (p + 1 != to && p[1] == '/') return p;
  }
  return to;
}

// Behind e5, e+5 or e-5; `from` itself when there is no exponent.
const char* skip_exponent(const char* from, const char* to) noexcept {
  if (from == to || (*from != 'e' && *from != 'E')) return from;
  const char* p = from + 1;
  if (p != to && (*p == '+' || *p == '-')) ++p;
  if (p == to || !is_digit(*p)) return from;
  while (p != to && is_digit(*p)) ++p;
  return p;
}

bool has_comment_start(const char* from, const char* to) noexcept {
  for (const char* p = find_byte(from, to, '*'); p != to; p = find_byte(p + 1, to, '*')) {
    if (p != from && p[-1] == '/') return true;
  }
  return false;
}

// Versions up to here are older than every server of either flavour that is in use, so that all of
// them execute the comment. Above, MySQL and MariaDB count differently.
constexpr unsigned kEveryServer = 50700;

struct Version {
  unsigned number = 0;
  const char* after;
};

// Five or six digits right behind "/*!"; fewer are already code.
Version read_version(const char* from, const char* to) noexcept {
  Version version{0, from};
  const char* p = from;
  unsigned number = 0;
  while (p != to && p != from + 6 && is_digit(*p))
    number = number * 10 + static_cast<unsigned>(*p++ - '0');
  if (p - from >= 5) version = {number, p};
  return version;
}

}  // namespace

// Kept small: everything that is rare is a call in tail position, so that the common path needs no
// stack frame.
void Lexer::advance() noexcept {
  current_ = (current_ + 1) % kKept;
  while (position_ != end_ && *position_ == ' ') ++position_;
  if (position_ == end_ || is_skippable(*position_)) return skip_and_read();
  read_token();
}

// White space, comments, and what only looks like the beginning of one.
void Lexer::skip_and_read() noexcept {
  for (; position_ != end_ && is_skippable(*position_);) {
    bool skipped = false;
    switch (char_class(*position_)) {
      case CharClass::hash:
        skipped = skip_line();
        break;
      case CharClass::dash:
        skipped = skip_dash_comment();
        break;
      case CharClass::slash:
        skipped = skip_slash_comment();
        break;
      case CharClass::star:
        skipped = leave_code_comment();
        break;
      default:
        ++position_;
        skipped = true;
        break;
    }
    if (!skipped) return emit_byte(TokenType::other);
  }
  if (position_ != end_) return read_token();
  if (in_code_comment_) unterminated_ = true;
  emit(TokenType::end, end_, end_);
}

inline void Lexer::read_token() noexcept {
  const char c = *position_;
  switch (char_class(c)) {
    case CharClass::word:
      return read_word();
    case CharClass::high:
      return read_foreign_word();
    case CharClass::digit:
      return read_number();
    case CharClass::dot:
      return read_dot();
    case CharClass::comma:
      return emit_byte(TokenType::comma);
    case CharClass::open:
      return emit_byte(TokenType::open);
    case CharClass::close:
      return emit_byte(TokenType::close);
    case CharClass::semicolon:
      return emit_byte(TokenType::semicolon);
    case CharClass::quote:
      return read_quoted(c, TokenType::string, !mode_.no_backslash_escapes);
    case CharClass::backtick:
      return read_quoted(c, TokenType::quoted_name, false);
    case CharClass::dquote:
      depends_on_sql_mode_ = true;
      if (mode_.ansi_quotes) return read_quoted(c, TokenType::quoted_name, false);
      return read_quoted(c, TokenType::string, !mode_.no_backslash_escapes);
    case CharClass::at:
      return read_at();
    case CharClass::colon:
    case CharClass::compare:
      return read_operator(c);
    case CharClass::bad:
      doubtful_ = true;
      return emit_byte(TokenType::other);
    default:
      return emit_byte(TokenType::other);
  }
}

inline void Lexer::read_word() noexcept {
  const char* p = position_;
  do {
    ++p;
  } while (p != end_ && is_ascii_word_byte(*p));
  if (p != end_ && is_high(*p)) return read_foreign_word();
  emit(TokenType::word, position_, p).plain_word = passed(1).type != TokenType::dot;
}

// A word that is not all ASCII is no keyword, but one-byte character sets have white space up
// there.
void Lexer::read_foreign_word() noexcept {
  const char* p = position_;
  for (; p != end_ && is_word_byte(*p); ++p) {
    if ((char_flags(*p) & kOddSpace) != 0) doubtful_ = true;
  }
  emit(TokenType::word, position_, p);
}

// Behind a dot, digits begin a name.
inline void Lexer::read_number() noexcept {
  if (passed(1).type == TokenType::dot) return read_foreign_word();
  const char* p = position_;
  while (p != end_ && is_digit(*p)) ++p;
  if (p != end_ && (*p == '.' || is_word_byte(*p))) return read_long_number();
  emit(TokenType::number, position_, p);
}

// Digits that run on into letters are a name (1a), unless they are a number with an exponent (1e5).
void Lexer::read_long_number() noexcept {
  const char* p = position_;
  while (p != end_ && is_digit(*p)) ++p;
  bool integer = true;
  if (p != end_ && *p == '.') {
    integer = false;
    ++p;
    while (p != end_ && is_digit(*p)) ++p;
  }
  if (const char* const after = skip_exponent(p, end_); after != p) {
    integer = false;
    p = after;
  }
  if (integer && p != end_ && is_word_byte(*p)) return read_foreign_word();
  emit(TokenType::number, position_, p);
}

void Lexer::read_dot() noexcept {
  const Token& left = passed(1);
  const bool behind_name = left.is_name() && left.text.data() + left.text.size() == position_;
  if (!behind_name && position_ + 1 != end_ && is_digit(position_[1])) return read_long_number();
  emit_byte(TokenType::dot);
}

// The body between two quotes; leaves the position behind the closing one. A doubled quote stays
// inside.
std::string_view Lexer::quoted_body(char quote, bool escapes) noexcept {
  const char* const from = position_ + 1;
  const char* p = from;
  const char* close = find_byte(p, end_, quote);
  for (;;) {
    const char* const backslash = quote == '`' ? close : find_byte(p, close, '\\');
    if (backslash != close) depends_on_sql_mode_ = true;
    if (backslash != close && escapes) {
      p = end_ - backslash > 2 ? backslash + 2 : end_;
      if (p > close) close = find_byte(p, end_, quote);
      continue;
    }
    if (close == end_) {
      unterminated_ = true;
      position_ = end_;
      return {from, static_cast<std::size_t>(end_ - from)};
    }
    if (close + 1 == end_ || close[1] != quote) break;
    p = close + 2;
    close = find_byte(p, end_, quote);
  }
  position_ = close + 1;
  return {from, static_cast<std::size_t>(close - from)};
}

void Lexer::read_quoted(char quote, TokenType type, bool escapes) noexcept {
  if (read_short_quoted(quote, type)) return;
  const std::string_view body = quoted_body(quote, escapes);
  const char* const after = position_;
  emit(type, body.data(), body.data() + body.size());
  position_ = after;
}

// Most quoted texts are short and plain, and a loop is faster for them than three searches.
bool Lexer::read_short_quoted(char quote, TokenType type) noexcept {
  constexpr std::ptrdiff_t kShort = 32;
  const char* const from = position_ + 1;
  const char* const limit = end_ - from > kShort ? from + kShort : end_;
  const char* p = from;
  while (p != limit && *p != quote && *p != '\\') ++p;
  if (p == limit || *p != quote || (p + 1 != end_ && p[1] == quote)) return false;
  emit(type, from, p);
  ++position_;
  return true;
}

// @name, @'name', @@name. A lone @ is a variable with an empty name.
void Lexer::read_at() noexcept {
  ++position_;
  TokenType type = TokenType::user_variable;
  if (position_ != end_ && *position_ == '@') {
    type = TokenType::system_variable;
    ++position_;
  }
  if (position_ != end_ && (*position_ == '`' || *position_ == '"' || *position_ == '\'')) {
    if (*position_ == '"') depends_on_sql_mode_ = true;
    const bool name = *position_ == '`' || (*position_ == '"' && mode_.ansi_quotes);
    return read_quoted(*position_, type, !name && !mode_.no_backslash_escapes);
  }
  const char* const from = position_;
  const char* p = from;
  unsigned seen = 0;
  while (p != end_ && (is_word_byte(*p) || (*p == '.' && type == TokenType::user_variable))) {
    seen |= char_flags(*p++);
  }
  if ((seen & kOddSpace) != 0) doubtful_ = true;
  emit(type, from, p);
}

void Lexer::read_operator(char c) noexcept {
  if (c == '=') return emit_byte(TokenType::equals);
  if (c == '<' || c == '>') return emit_byte(TokenType::compare);
  if (position_ + 1 == end_ || position_[1] != '=') return emit_byte(TokenType::other);
  emit(TokenType::assign, position_, position_ + 2);
}

// "--" begins a comment only before white space, a control byte or the end.
bool Lexer::skip_dash_comment() noexcept {
  if (position_ + 1 == end_ || position_[1] != '-') return false;
  if (position_ + 2 != end_) {
    const CharClass after = char_class(position_[2]);
    // In one-byte character sets such a byte may be white space or a control byte, too.
    if (is_high(position_[2])) doubtful_ = true;
    if (after != CharClass::space && after != CharClass::bad) return false;
  }
  return skip_line();
}

// To the line feed; a carriage return does not end a line. A NUL ends it on some servers.
bool Lexer::skip_line() noexcept {
  const char* const line_end = find_byte(position_, end_, '\n');
  if (find_byte(position_, line_end, '\0') != line_end) doubtful_ = true;
  position_ = line_end;
  return true;
}

bool Lexer::skip_slash_comment() noexcept {
  if (position_ + 1 == end_ || position_[1] != '*') return false;
  const char* const from = position_;
  position_ += 2;
  if (position_ != end_ && *position_ == '!') {
    ++position_;
    enter_code_comment(from, false);
  } else if (position_ + 1 < end_ && *position_ == 'M' && position_[1] == '!') {
    position_ += 2;
    enter_code_comment(from, true);
  } else if (mode_.read_hints && position_ != end_ && *position_ == '+') {
    ++position_;
    enter_hint(from);
  } else {
    skip_comment_body();
  }
  return true;
}

void Lexer::skip_comment_body() noexcept {
  const char* const close = find_comment_end(position_, end_);
  if (close == end_) unterminated_ = true;
  position_ = close == end_ ? end_ : close + 2;
}

// The content of /*! ... */ and /*M! ... */ is code. Where only some servers read it so, a server
// that skips it must find its end at the same place, or the two see different statements.
void Lexer::enter_code_comment(const char* from, bool mariadb_only) noexcept {
  const Version version = read_version(position_, end_);
  position_ = version.after;
  const bool conditional = mariadb_only || version.number >= kEveryServer;
  if (conditional) ++conditional_comments_;
  if (conditional && mode_.skip_conditional) return skip_comment_body();
  if (in_code_comment_) {
    doubtful_ = true;  // servers disagree about nesting
    return;
  }
  in_code_comment_ = true;
  conditional_end_ = nullptr;
  if (conditional) enter_conditional(from);
}

// Where hints are not known, the same is a comment.
void Lexer::enter_hint(const char* from) noexcept {
  if (in_code_comment_) {
    doubtful_ = true;
    return skip_comment_body();
  }
  in_code_comment_ = true;
  enter_conditional(from);
}

void Lexer::enter_conditional(const char* from) noexcept {
  opening_ = {from, static_cast<std::size_t>(position_ - from)};
  conditional_end_ = find_comment_end(position_, end_);
  if (has_comment_start(position_, conditional_end_)) doubtful_ = true;
}

bool Lexer::leave_code_comment() noexcept {
  if (!in_code_comment_ || position_ + 1 == end_ || position_[1] != '/') return false;
  if (conditional_end_ != nullptr && conditional_end_ != position_) doubtful_ = true;
  in_code_comment_ = false;
  position_ += 2;
  return true;
}

}  // namespace weir::sql
