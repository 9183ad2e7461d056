#include "sql_classifier/prepared_text.h"

#include "sql_classifier/char_class.h"
#include "sql_classifier/lexer.h"

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

std::string value_of(const Token& string, const TextOptions& options) {
  const char quote = string.text.data()[-1];
  std::string value;
  for (std::size_t i = 0; i < string.text.size(); ++i) {
    const char c = string.text[i];
    const bool last = i + 1 == string.text.size();
    if (c == '\\' && !options.no_backslash_escapes && !last) {
      value += unescaped(string.text[++i]);
    } else {
      value += c;
      if (c == quote) ++i;  // it is there twice
    }
  }
  return value;
}

// Of lower-case letters.
bool is_word(const Token& token, std::string_view word) {
  return token.plain_word && equals_lower(token.text, word);
}

// What PREPARE or EXECUTE IMMEDIATE is given.
void read_source(Lexer& lexer, const TextOptions& options, PreparedTexts& out) {
  const Token source = lexer.token();
  const bool known = source.type == TokenType::string || source.type == TokenType::user_variable;
  if (known) lexer.next();
  if (!known || !(lexer.at_end() || is_word(lexer.token(), "using"))) {
    out.clear = false;
  } else if (source.type == TokenType::string) {
    out.texts.push_back(value_of(source, options));
  }
}

}  // namespace

PreparedTexts prepared_texts(std::string_view text, const TextOptions& options) {
  PreparedTexts out;
  Lexer lexer(text, {options.ansi_quotes, options.no_backslash_escapes, false, true});
  while (lexer.token().type != TokenType::end) {
    const bool prepares = lexer.is(Keyword::PREPARE);
    const bool executes = lexer.is(Keyword::EXECUTE);
    lexer.next();
    if (executes && is_word(lexer.token(), "immediate")) {
      lexer.next();
      read_source(lexer, options, out);
    } else if (prepares && lexer.token().is_name()) {
      Lexer ahead = lexer;
      ahead.next();
      if (!is_word(ahead.token(), "from")) continue;
      ahead.next();
      lexer = ahead;
      read_source(lexer, options, out);
    }
  }
  return out;
}

}  // namespace weir::sql
