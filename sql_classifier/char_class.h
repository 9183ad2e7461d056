// One byte of class for every byte value, so that the lexer decides with a load and a switch.

#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::sql {

enum class CharClass : std::uint8_t {
  space,
  hash,
  dash,
  slash,
  star,  // the last of those that white space and comments are made of
  bad,   // control bytes: no token begins with them
  word,  // letters, _, $
  high,  // every byte from 0x80 on: words are made of them, too
  digit,
  quote,   // '
  dquote,  // "
  backtick,
  at,
  dot,
  open,
  close,
  comma,
  semicolon,
  colon,
  compare,  // = < >
  other,
};

inline constexpr std::uint8_t kClassMask = 0x1f;
// Continues a word: an ASCII letter, a digit, _ or $.
inline constexpr std::uint8_t kWordByte = 0x80;
// Not ASCII; continues a word, too.
inline constexpr std::uint8_t kHighByte = 0x40;
// A letter or half of one in most character sets, and the no-break space, which servers skip like a
// space, in some: latin1 and its relatives (0xa0), koi8 (0x9a), macroman (0xca), the DOS sets
// (0xff).
inline constexpr std::uint8_t kOddSpace = 0x20;

constexpr std::array<std::uint8_t, 256> make_char_table() {
  std::array<std::uint8_t, 256> table{};
  const auto put = [&table](unsigned byte, CharClass c, unsigned flags = 0) {
    table[byte] = static_cast<std::uint8_t>(static_cast<unsigned>(c) | flags);
  };
  for (unsigned b = 0; b < 256; ++b)
    put(b, b < 0x20 || b == 0x7f ? CharClass::bad : CharClass::other);
  for (unsigned b = 0x80; b < 256; ++b) put(b, CharClass::high, kHighByte);
  for (unsigned b : {0xa0u, 0x9au, 0xcau, 0xffu}) {
    put(b, CharClass::high, kHighByte | kOddSpace);
  }
  for (unsigned b = 'a'; b <= 'z'; ++b) {
    put(b, CharClass::word, kWordByte);
    put(b - 0x20, CharClass::word, kWordByte);
  }
  for (unsigned b = '0'; b <= '9'; ++b) put(b, CharClass::digit, kWordByte);
  put('_', CharClass::word, kWordByte);
  put('$', CharClass::word, kWordByte);
  for (unsigned b : {0x20u, 0x09u, 0x0au, 0x0bu, 0x0cu, 0x0du}) put(b, CharClass::space);
  put('\'', CharClass::quote);
  put('"', CharClass::dquote);
  put('`', CharClass::backtick);
  put('@', CharClass::at);
  put('#', CharClass::hash);
  put('-', CharClass::dash);
  put('/', CharClass::slash);
  put('*', CharClass::star);
  put('.', CharClass::dot);
  put('(', CharClass::open);
  put(')', CharClass::close);
  put(',', CharClass::comma);
  put(';', CharClass::semicolon);
  put(':', CharClass::colon);
  for (unsigned b = '<'; b <= '>'; ++b) put(b, CharClass::compare);
  return table;
}

inline constexpr std::array<std::uint8_t, 256> kCharTable = make_char_table();

constexpr std::uint8_t char_flags(char c) {
  return kCharTable[static_cast<unsigned char>(c)];
}
constexpr CharClass char_class(char c) {
  return static_cast<CharClass>(char_flags(c) & kClassMask);
}
constexpr bool is_word_byte(char c) {
  return (char_flags(c) & (kWordByte | kHighByte)) != 0;
}
constexpr bool is_ascii_word_byte(char c) {
  return (char_flags(c) & kWordByte) != 0;
}
constexpr bool is_space(char c) {
  return char_class(c) == CharClass::space;
}
constexpr bool is_skippable(char c) {
  return char_class(c) <= CharClass::star;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_high(char c) {
  return (static_cast<unsigned char>(c) & 0x80) != 0;
}

constexpr bool has_high_byte(std::string_view text) {
  for (char c : text) {
    if (is_high(c)) return true;
  }
  return false;
}

// ASCII only, as keywords are.
constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c;
}

}  // namespace weir::sql
