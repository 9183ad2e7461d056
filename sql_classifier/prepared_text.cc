#include "sql_classifier/prepared_text.h"

#include "sql_classifier/lexer.h"
#include "sql_classifier/string_value.h"

namespace weir::sql {
namespace {

// What PREPARE or EXECUTE IMMEDIATE is given.
void read_source(Lexer& lexer, const TextOptions& options, PreparedTexts& out) {
  const Token source = lexer.token();
  const bool known = source.type == TokenType::string || source.type == TokenType::user_variable;
  if (known) lexer.next();
  if (!known || !(lexer.at_end() || is_word(lexer.token(), "using"))) {
    out.clear = false;
  } else if (source.type == TokenType::string) {
    out.texts.push_back(string_value(source, options.no_backslash_escapes));
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
