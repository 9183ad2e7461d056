#include "sql_classifier/values.h"

#include <algorithm>
#include <iterator>

#include "sql_classifier/char_class.h"

namespace weir::sql {
namespace {

// Words that the classifier has no use for and that people write in either case.
constexpr std::string_view kMoreKeywords[] = {
    "add",        "after",    "asc",          "both",      "cascade",  "column",
    "constraint", "cross",    "dual",         "duplicate", "end",      "first",
    "foreign",    "fulltext", "leading",      "locked",    "mode",     "nowait",
    "null",       "offset",   "outfile",      "quick",     "restrict", "returning",
    "separator",  "skip",     "sql_no_cache", "trailing",  "unsigned"};

constexpr WordFilter make_keyword_filter() {
  WordFilter filter;
  for (std::string_view word : kMoreKeywords) filter.add(word);
  return filter;
}

constexpr WordFilter kKeywordFilter = make_keyword_filter();

bool is_hex_digit(char c) noexcept {
  const char low = lower(c);
  return is_digit(c) || (low >= 'a' && low <= 'f');
}

bool is_bit(char c) noexcept {
  return c == '0' || c == '1';
}

// 0x1F and 0b01, which are words to the lexer.
bool is_hex_or_bits(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '0') return false;
  if (text[1] == 'x') return std::all_of(text.begin() + 2, text.end(), is_hex_digit);
  return text[1] == 'b' && std::all_of(text.begin() + 2, text.end(), is_bit);
}

// Of a string right behind it: N, X, B or a character set. What only looks like one is a name.
bool is_introducer(std::string_view word, std::string_view string) noexcept {
  constexpr std::string_view kCharsets[] = {
      "_armscii8", "_ascii",   "_big5",     "_binary", "_cp1250",  "_cp1251",  "_cp1256",
      "_cp1257",   "_cp850",   "_cp852",    "_cp866",  "_cp932",   "_dec8",    "_eucjpms",
      "_euckr",    "_gb18030", "_gb2312",   "_gbk",    "_geostd8", "_greek",   "_hebrew",
      "_hp8",      "_keybcs2", "_koi8r",    "_koi8u",  "_latin1",  "_latin2",  "_latin5",
      "_latin7",   "_macce",   "_macroman", "_sjis",   "_swe7",    "_tis620",  "_ucs2",
      "_ujis",     "_utf16",   "_utf16le",  "_utf32",  "_utf8",    "_utf8mb3", "_utf8mb4"};
  if (word.front() == '_') {
    return std::any_of(std::begin(kCharsets), std::end(kCharsets),
                       [&](std::string_view charset) { return equals_lower(word, charset); });
  }
  if (word.size() != 1) return false;
  switch (lower(word.front())) {
    case 'n':
      return true;
    case 'x':
      return string.size() % 2 == 0 && std::all_of(string.begin(), string.end(), is_hex_digit);
    case 'b':
      return std::all_of(string.begin(), string.end(), is_bit);
    default:
      return false;
  }
}

bool is_byte(const Token& token, TokenType type, char byte) noexcept {
  return token.type == type && token.text.front() == byte;
}

// More signs than anybody writes are operators: each is looked at only so often.
bool read_signed(Lexer& lexer) noexcept {
  constexpr unsigned kMostSigns = 8;
  Lexer ahead = lexer;
  for (unsigned signs = 0; is_byte(ahead.token(), TokenType::other, '-') ||
                           is_byte(ahead.token(), TokenType::other, '+');
       ++signs) {
    if (signs == kMostSigns) return false;
    ahead.next();
  }
  if (ahead.token().type != TokenType::number) return false;
  ahead.next();
  lexer = ahead;
  return true;
}

bool read_word_literal(Lexer& lexer, Before before, const char* end) noexcept {
  const Token token = lexer.token();
  const char* const behind = token.text.data() + token.text.size();
  if (behind != end && *behind == '\'' && token.plain_word) {
    Lexer ahead = lexer;
    ahead.next();
    if (is_introducer(token.text, ahead.token().text)) {
      lexer = ahead;
      return read_literal(lexer, {}, end);
    }
  }
  const bool constant = token.plain_word && !before.negation &&
                        (equals_lower(token.text, "null") || equals_lower(token.text, "true") ||
                         equals_lower(token.text, "false"));
  const bool number = is_hex_or_bits(token.text) && lexer.passed(1).type != TokenType::dot;
  if (!constant && !number) return false;
  lexer.next();
  return true;
}

Before behind_name(const Lexer& lexer) noexcept {
  const std::string_view text = lexer.token().text;
  const bool known = is_known_word(lexer);
  return {!known, known && (equals_lower(text, "is") || equals_lower(text, "not"))};
}

}  // namespace

Before before_next(const Lexer& lexer) noexcept {
  switch (lexer.token().type) {
    case TokenType::word:
    case TokenType::quoted_name:
      return behind_name(lexer);
    case TokenType::user_variable:
    case TokenType::system_variable:
    case TokenType::close:
      return {true, false};
    default:
      return {};
  }
}

// Names of functions are names like any other where nothing is called.
bool is_known_word(const Lexer& lexer) noexcept {
  const Token& token = lexer.token();
  if (!token.plain_word) return false;
  if (token.meaning.keyword != Keyword::NONE || token.meaning.call == Call::reserved) return true;
  if (kKeywordFilter.may_hold(token.text) &&
      std::any_of(std::begin(kMoreKeywords), std::end(kMoreKeywords),
                  [&](std::string_view word) { return equals_lower(token.text, word); })) {
    return true;
  }
  if (token.meaning.call == Call::unknown) return false;
  Lexer ahead = lexer;
  ahead.advance();
  return ahead.token().type == TokenType::open;
}

bool read_literal(Lexer& lexer, Before before, const char* end) noexcept {
  const Token& token = lexer.token();
  switch (token.type) {
    case TokenType::number:
      lexer.next();
      return true;
    case TokenType::string:
      while (lexer.token().type == TokenType::string) lexer.next();
      return true;
    case TokenType::word:
      return read_word_literal(lexer, before, end);
    case TokenType::other:
      if (token.text.front() == '?') {
        lexer.next();
        return true;
      }
      return !before.operand && read_signed(lexer);
    default:
      return false;
  }
}

bool skip_literals(Lexer& lexer, const char* end) noexcept {
  do {
    lexer.next();
    if (!read_literal(lexer, {}, end)) return false;
  } while (lexer.token().type == TokenType::comma);
  if (lexer.token().type != TokenType::close) return false;
  lexer.next();
  return true;
}

bool skip_alike(const Lexer& begin, Lexer& other, Piece piece, const char* end) noexcept {
  Lexer first = begin;
  Before before;
  int depth = 0;
  while (!first.at_end()) {
    if (!first.conditional_comment().empty() || !other.conditional_comment().empty()) return false;
    const bool literal = read_literal(first, before, end);
    if (read_literal(other, before, end) != literal) return false;
    if (literal) {
      before = {true, false};
      continue;
    }
    const Token token = first.token();
    if (other.token().type != token.type || other.token().text != token.text) return false;
    before = before_next(first);
    if (token.type == TokenType::open) ++depth;
    if (token.type == TokenType::close) --depth;
    first.next();
    other.next();
    if (piece == Piece::row && depth == 0) return true;
  }
  return piece == Piece::statement && other.at_end();
}

}  // namespace weir::sql
