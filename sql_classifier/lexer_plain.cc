// The fast lane of the lexer: most bytes of most queries pass through here.

#include "sql_classifier/char_class.h"
#include "sql_classifier/lexer.h"
#include "sql_classifier/system_variables.h"

namespace weir::sql {
namespace {

constexpr std::uint8_t kLetter = static_cast<std::uint8_t>(CharClass::word) | kWordByte;
constexpr std::uint8_t kDigit = static_cast<std::uint8_t>(CharClass::digit) | kWordByte;

// Copied as a whole, where single members would be stored one by one.
constexpr TokenHead kPlainWord{TokenType::word, true, {}};
constexpr TokenHead kName{TokenType::word, false, {}};
constexpr TokenHead kQuotedName{TokenType::quoted_name, false, {}};
constexpr TokenHead kNumber{TokenType::number, false, {}};
constexpr TokenHead kOpen{TokenType::open, false, {}};
constexpr TokenHead kClose{TokenType::close, false, {}};
constexpr TokenHead kComma{TokenType::comma, false, {}};
constexpr TokenHead kDot{TokenType::dot, false, {}};
constexpr TokenHead kEquals{TokenType::equals, false, {}};
constexpr TokenHead kCompare{TokenType::compare, false, {}};
constexpr TokenHead kOther{TokenType::other, false, {}};

// Skips bytes that pass the test. There is no check for the end: one that fails it must follow.
// Unrolled, because most words are short and the loop's own steps would be a quarter of all.
template <typename Test>
inline const char* skip(const char* p, Test test) noexcept {
  for (;; p += 4) {
    if (!test(p[0])) return p;
    if (!test(p[1])) return p + 1;
    if (!test(p[2])) return p + 2;
    if (!test(p[3])) return p + 3;
  }
}

inline const char* skip_word(const char* p) noexcept {
  return skip(p, [](char c) { return is_ascii_word_byte(c); });
}

inline const char* skip_digits(const char* p) noexcept {
  return skip(p, [](char c) { return char_flags(c) == kDigit; });
}

inline std::string_view between(const char* from, const char* to) noexcept {
  return {from, static_cast<std::size_t>(to - from)};
}

inline const char* behind(const Token& token) noexcept {
  return token.text.data() + token.text.size();
}

// The last byte that continues no word, or `from`. Nothing that begins before it needs a check for
// the end of the text.
const char* find_fence(const char* from, const char* to) noexcept {
  while (to != from && is_ascii_word_byte(to[-1])) --to;
  return to == from ? from : to - 1;
}

// A name of ASCII word bytes, bare or in backticks. `next` is behind it, or null where it is not as
// simple as that.
struct Name {
  TokenHead head;
  std::string_view text;
  const char* next = nullptr;
};

// Where it goes on in bytes that are not ASCII, the lane drops it again when it sees those.
inline Name read_bare_name(const char* p) noexcept {
  const char* const q = skip_word(p + 1);
  return {kName, between(p, q), q};
}

inline Name read_backticks(const char* p, const char* fence) noexcept {
  const char* const q = skip_word(p + 1);
  const bool simple = q < fence && *q == '`' && q[1] != '`';
  return {kQuotedName, between(p + 1, q), simple ? q + 1 : nullptr};
}

inline Name read_name(const char* p, const char* fence) noexcept {
  if (p < fence && *p == '`') return read_backticks(p, fence);
  return char_flags(*p) == kLetter ? read_bare_name(p) : Name{};
}

// An operator of one byte that is no part of a comment.
inline bool is_lone_operator(const char* p) noexcept {
  switch (char_class(*p)) {
    case CharClass::other:
      return true;
    case CharClass::dash:
      return p[1] != '-';
    case CharClass::slash:
      return p[1] != '*';
    case CharClass::star:
      return p[1] != '/';
    default:
      return false;
  }
}

// Whether word bytes are a number, or a word that the scan of a query need not see.
inline bool is_plain_run(const char* from, const char* to) noexcept {
  if (!is_digit(*from)) return !may_be_scanned(between(from, to));
  while (from != to && is_digit(*from)) ++from;
  return from == to;
}

}  // namespace

// Everything the loop needs is in local variables, and what is not simple is left to advance().
void Lexer::advance_past_plain() noexcept {
  if (token().type == TokenType::dot) return advance();  // a name follows, whatever it is made of
  if (fence_ == nullptr) fence_ = find_fence(position_, end_);
  const char* const fence = fence_;
  const char* p = position_;
  Token* kept = tokens_ + current_;
  const auto keep = [&](const TokenHead& head, std::string_view text) {
    kept = kept == tokens_ + kKept - 1 ? tokens_ : kept + 1;
    static_cast<TokenHead&>(*kept) = head;
    kept->text = text;
  };
  const auto keep_byte = [&](const TokenHead& head) {
    keep(head, {p, 1});
    return p + 1;
  };
  while (p < fence) {
    const std::uint8_t flags = char_flags(*p);
    const char* next = nullptr;
    if (flags == kLetter) {
      const Name word = read_bare_name(p);
      if (may_be_scanned(word.text)) break;
      keep(kPlainWord, word.text);
      next = word.next;
    } else if (flags == kDigit) {
      next = skip_digits(p + 1);
      if (*next == '.' || is_word_byte(*next)) break;
      keep(kNumber, between(p, next));
    } else if (*p == ' ') {
      next = p + 1;
    } else if (*p == ',') {
      next = keep_byte(kComma);
    } else if (*p == '.') {
      const Name name = read_name(p + 1, fence);
      if (name.next == nullptr || may_be_server_name(kept->text, name.text)) break;
      keep_byte(kDot);
      keep(name.head, name.text);
      next = name.next;
    } else if (*p == '`') {
      const Name name = read_backticks(p, fence);
      if (name.next == nullptr) break;
      keep(kQuotedName, name.text);
      next = name.next;
    } else if (char_class(*p) == CharClass::compare) {
      next = keep_byte(*p == '=' ? kEquals : kCompare);
    } else if (*p == '(' || *p == ')') {
      position_ = keep_byte(*p == '(' ? kOpen : kClose);
      current_ = static_cast<unsigned>(kept - tokens_);
      return;
    } else if (is_lone_operator(p)) {
      next = keep_byte(kOther);
    } else {
      break;
    }
    p = *next == ' ' ? next + 1 : next;
  }
  leave_plain(p, kept);
  advance();
}

// What the loop could not know, and back to the state of the other functions.
void Lexer::leave_plain(const char* p, Token* kept) noexcept {
  if (p == end_) {
    // nothing is left to look at
  } else if (is_high(*p) && kept->type == TokenType::word && behind(*kept) == p) {
    p = kept->text.data();  // the word was only a beginning; its place in the ring is used again
    kept = kept == tokens_ ? tokens_ + kKept - 1 : kept - 1;
  } else if (p > fence_ && is_plain_run(p, end_)) {  // behind the fence are only word bytes
    kept = kept == tokens_ + kKept - 1 ? tokens_ : kept + 1;
    static_cast<TokenHead&>(*kept) = is_digit(*p) ? kNumber : kPlainWord;
    kept->text = between(p, end_);
    p = end_;
  }
  position_ = p;
  current_ = static_cast<unsigned>(kept - tokens_);
}

}  // namespace weir::sql
