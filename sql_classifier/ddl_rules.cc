#include "sql_classifier/query_scan.h"
#include "sql_classifier/rules.h"

namespace weir::sql {
namespace {

// CREATE FUNCTION, PROCEDURE and kin: what follows is a body with statements in it.
bool has_body(const Lexer& lexer) noexcept {
  switch (lexer.token().meaning.keyword) {
    case Keyword::EVENT:
    case Keyword::FUNCTION:
    case Keyword::LIBRARY:
    case Keyword::PACKAGE:
    case Keyword::PROCEDURE:
    case Keyword::TRIGGER:
      return true;
    default:
      return false;
  }
}

// Words that say which kind of object is created; before them stand options.
bool names_object(const Lexer& lexer) noexcept {
  switch (lexer.token().meaning.keyword) {
    case Keyword::DATABASE:
    case Keyword::INDEX:
    case Keyword::ROLE:
    case Keyword::SCHEMA:
    case Keyword::SEQUENCE:
    case Keyword::SERVER:
    case Keyword::TABLE:
    case Keyword::USER:
    case Keyword::VIEW:
      return true;
    default:
      return has_body(lexer);
  }
}

// What routines are, or are dropped with.
bool holds_routines(const Lexer& lexer) noexcept {
  switch (lexer.token().meaning.keyword) {
    case Keyword::DATABASE:
    case Keyword::FUNCTION:
    case Keyword::LIBRARY:
    case Keyword::PACKAGE:
    case Keyword::PROCEDURE:
    case Keyword::SCHEMA:
      return true;
    default:
      return false;
  }
}

bool is_account(const Lexer& lexer) noexcept {
  return lexer.is(Keyword::USER) || lexer.is(Keyword::ROLE) || lexer.is(Keyword::SERVER);
}

}  // namespace

void read_ddl(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::ddl, Reason::ddl_statement, Effect::ends_transaction);
  const bool rename = lexer.is(Keyword::RENAME);
  lexer.next();
  if (is_account(lexer)) return read_admin(lexer, facts, Effect::none);
  if (holds_routines(lexer)) facts.effects |= Effect::changes_routines;
  // Names of accounts (DEFINER = u@h) look like user variables, so the rest is not looked into.
  // An event has a body.
  if (lexer.is(Keyword::EVENT) || lexer.is(Keyword::DEFINER)) return lexer.skip_text();
  if (rename) facts.effects |= Effect::renames_table;
  for (; !lexer.at_end(); lexer.next()) {
    if (lexer.is(Keyword::RENAME)) facts.effects |= Effect::renames_table;
  }
}

void read_create(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::ddl, Reason::ddl_statement, Effect::ends_transaction);
  lexer.next();
  bool temporary = false;
  while (!lexer.at_end() && !names_object(lexer)) {
    // DEFINER = name: a name that happens to be one of the words above
    if (lexer.accept(Keyword::DEFINER) && lexer.token().type == TokenType::equals) lexer.next();
    temporary = temporary || lexer.is(Keyword::TEMPORARY);
    if (!lexer.at_end()) lexer.next();
  }
  // OR REPLACE drops what was there, databases included.
  if (holds_routines(lexer) || lexer.at_end()) facts.effects |= Effect::changes_routines;
  if (has_body(lexer)) return lexer.skip_text();
  if (is_account(lexer)) return read_admin(lexer, facts, Effect::none);
  if (temporary) facts.effects = Effect::creates_temporary_table;
  // A table may be made from a query, which may assign variables and take locks.
  if (lexer.is(Keyword::TABLE)) return scan_query(lexer, facts, {.calls = false});
  lexer.skip_statement();
}

void read_drop(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::ddl, Reason::ddl_statement, Effect::ends_transaction);
  lexer.next();
  if (lexer.is(Keyword::PREPARE)) {
    facts = Facts{};
    facts.is(StatementKind::prepare, Reason::prepared_text, Effect::deallocates_text);
  } else if (lexer.is(Keyword::TEMPORARY)) {
    facts.effects = Effect::drops_temporary_table;
  } else if (lexer.is(Keyword::TABLE) || lexer.is(Keyword::TABLES)) {
    facts.effects |= Effect::drops_table;
  } else if (is_account(lexer)) {
    return read_admin(lexer, facts, Effect::none);
  } else if (holds_routines(lexer)) {
    facts.effects |= Effect::changes_routines;
  }
  lexer.skip_statement();
}

}  // namespace weir::sql
