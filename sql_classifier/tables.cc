#include "sql_classifier/tables.h"

#include "sql_classifier/lexer.h"
#include "sql_classifier/words.h"

namespace weir::sql {

bool uses_no_table(std::string_view text, const TextOptions& options) noexcept {
  Lexer lexer(text, LexMode{options.ansi_quotes, options.no_backslash_escapes, false});
  if (!equals_lower(lexer.token().text, "select")) return false;
  for (; lexer.token().type != TokenType::end; lexer.next()) {
    if (lexer.token().type != TokenType::word) continue;
    const std::string_view word = lexer.token().text;
    if (equals_lower(word, "from") || equals_lower(word, "table")) return false;
  }
  return !lexer.doubtful();
}

}  // namespace weir::sql
