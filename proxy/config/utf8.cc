#include "proxy/config/utf8.h"

#include <algorithm>
#include <cstddef>

namespace weir::config {
namespace {

// One row per shape of a character: its first byte, its length, and the range of its second byte,
// which keeps out overlong forms, surrogates and what lies beyond U+10FFFF. Unicode, table 3-7.
struct Shape {
  unsigned char first_least, first_most;
  std::size_t length;
  unsigned char second_least, second_most;
};
constexpr Shape kShapes[] = {
    {0x00, 0x7f, 1, 0x00, 0xff}, {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// The length of the character at the beginning of `text`, or 0 when there is none.
std::size_t character_length(std::string_view text) {
  const unsigned char first = byte_at(text, 0);
  for (const Shape& shape : kShapes) {
    if (first < shape.first_least || first > shape.first_most) continue;
    if (shape.length > text.size()) return 0;
    for (std::size_t i = 1; i < shape.length; ++i) {
      const unsigned char least = i == 1 ? shape.second_least : 0x80;
      const unsigned char most = i == 1 ? shape.second_most : 0xbf;
      if (byte_at(text, i) < least || byte_at(text, i) > most) return 0;
    }
    return shape.length;
  }
  return 0;
}

}  // namespace

unsigned line_not_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = character_length(text.substr(at));
    if (length == 0) {
      return 1 + static_cast<unsigned>(std::count(
                     text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    }
    at += length;
  }
  return 0;
}

}  // namespace weir::config
