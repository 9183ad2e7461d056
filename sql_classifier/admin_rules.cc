#include "sql_classifier/query_scan.h"
#include "sql_classifier/rules.h"

namespace weir::sql {
namespace {

// The words between KILL and what is killed.
bool is_kill_option(const Token& token) noexcept {
  if (token.type != TokenType::word) return false;
  for (std::string_view word : {"hard", "soft", "connection", "query", "id"}) {
    if (equals_lower(token.text, word)) return true;
  }
  return false;
}

}  // namespace

void read_admin(Lexer& lexer, Facts& facts, Effect effects) noexcept {
  facts.is(StatementKind::admin, Reason::admin_statement, effects);
  lexer.skip_statement();
}

void read_lock(Lexer& lexer, Facts& facts) noexcept {
  lexer.next();
  const Effect commit = lexer.is(Keyword::INSTANCE) ? Effect::none : Effect::ends_transaction;
  facts.is(StatementKind::lock, Reason::lock_statement, Effect::locks_tables | commit);
  lexer.skip_statement();
}

void read_unlock(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::lock, Reason::lock_statement, Effect::unlocks_tables);
  lexer.skip_statement();
}

// FLUSH TABLES ... WITH READ LOCK and FOR EXPORT hold their locks until UNLOCK TABLES.
void read_flush(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::admin, Reason::admin_statement, Effect::ends_transaction);
  Keyword before = Keyword::NONE;
  for (; !lexer.at_end(); lexer.next()) {
    const bool lock = before == Keyword::WITH && lexer.is(Keyword::READ);
    const bool exports = before == Keyword::FOR && lexer.is(Keyword::EXPORT);
    if (lock || exports) facts.effects |= Effect::locks_tables;
    before = lexer.token().meaning.keyword;
  }
}

// What is killed may be an expression; but USER name@host is none.
void read_kill(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::admin, Reason::admin_statement, Effect::kills);
  lexer.next();
  while (is_kill_option(lexer.token())) lexer.next();
  if (lexer.is(Keyword::USER)) return lexer.skip_statement();
  scan_query(lexer, facts);
}

// MariaDB: BACKUP STAGE, BACKUP LOCK t, BACKUP UNLOCK
void read_backup(Lexer& lexer, Facts& facts) noexcept {
  lexer.next();
  const bool unlock = lexer.is(Keyword::UNLOCK);
  read_admin(lexer, facts,
             unlock ? Effect::unlocks_tables : Effect::locks_tables | Effect::ends_transaction);
}

void read_prepare(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::prepare, Reason::prepared_text);
  if (lexer.is(Keyword::PREPARE)) {
    facts.effects |= Effect::prepares_text;
  } else if (lexer.is(Keyword::DEALLOCATE)) {
    facts.effects |= Effect::deallocates_text;
  } else {
    // The text that runs is not in sight.
    facts.effects |= Effect::calls_routine | Effect::changes_routines;
  }
  lexer.next();
  scan_query(lexer, facts);
}

}  // namespace weir::sql
