#include "sql_classifier/query_scan.h"
#include "sql_classifier/rules.h"

namespace weir::sql {
namespace {

// A table's name, with its schema; the list of columns that may follow is then no call.
void skip_table_name(Lexer& lexer) noexcept {
  if (!lexer.token().is_name()) return;
  lexer.next();
  while (lexer.token().type == TokenType::dot) {
    lexer.next();
    if (!lexer.at_end()) lexer.next();
  }
}

bool is_insert_modifier(const Lexer& lexer) noexcept {
  switch (lexer.token().meaning.keyword) {
    case Keyword::CONCURRENT:
    case Keyword::DELAYED:
    case Keyword::HIGH_PRIORITY:
    case Keyword::IGNORE:
    case Keyword::LOW_PRIORITY:
      return true;
    default:
      return false;
  }
}

}  // namespace

void read_insert(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::write, Reason::write_statement);
  lexer.next();
  while (is_insert_modifier(lexer)) lexer.next();
  lexer.accept(Keyword::INTO);
  skip_table_name(lexer);
  scan_query(lexer, facts);
}

void read_change(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::write, Reason::write_statement);
  lexer.next();
  scan_query(lexer, facts);
}

void read_load(Lexer& lexer, Facts& facts) noexcept {
  lexer.next();
  if (lexer.is(Keyword::INDEX)) return read_admin(lexer, facts, Effect::ends_transaction);
  facts.is(StatementKind::write, Reason::write_statement);
  if (!lexer.accept(Keyword::DATA)) lexer.accept(Keyword::XML);
  while (is_insert_modifier(lexer)) lexer.next();
  if (lexer.accept(Keyword::LOCAL)) facts.effects |= Effect::local_infile;
  // Up to SET there are formats and a list of columns and variables, and no expression.
  for (bool charset = false; !lexer.at_end() && (charset || !lexer.is(Keyword::SET));
       lexer.next()) {
    if (lexer.token().type == TokenType::user_variable) facts.effects |= Effect::sets_user_variable;
    charset = lexer.is(Keyword::CHARACTER);
  }
  scan_query(lexer, facts);
}

void read_call(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::write, Reason::call_statement, Effect::calls_routine);
  lexer.next();
  skip_table_name(lexer);
  scan_query(lexer, facts, {.assigns = true});
}

void read_handler(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::write, Reason::write_statement);
  lexer.next();
  skip_table_name(lexer);
  if (lexer.accept(Keyword::OPEN)) facts.effects |= Effect::opens_handler;
  if (lexer.accept(Keyword::CLOSE)) facts.effects |= Effect::closes_handler;
  scan_query(lexer, facts, {.calls = false});  // READ index = (values)
}

}  // namespace weir::sql
