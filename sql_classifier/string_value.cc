#include "sql_classifier/string_value.h"

namespace weir::sql {
namespace {

// What a backslash and this letter mean in a string.
std::string_view unescaped(const char& letter) {
  switch (letter) {
    case '0':
      return {"\0", 1};
    case 'b':
      return "\b";
    case 'n':
      return "\n";
    case 'r':
      return "\r";
    case 't':
      return "\t";
    case 'Z':
      return "\x1a";
    case '%':
      return "\\%";
    case '_':
      return "\\_";
    default:
      return {&letter, 1};
  }
}

}  // namespace

std::string string_value(const Token& string, bool no_backslash_escapes) {
  const char quote = string.text.data()[-1];
  std::string value;
  for (std::size_t i = 0; i < string.text.size(); ++i) {
    const char c = string.text[i];
    const bool last = i + 1 == string.text.size();
    if (c == '\\' && !no_backslash_escapes && !last) {
      value += unescaped(string.text[++i]);
    } else {
      value += c;
      if (c == quote) ++i;  // it is there twice
    }
  }
  return value;
}

}  // namespace weir::sql
