#include "sql_classifier/rules.h"

namespace weir::sql {
namespace {

// AND [NO] CHAIN, [NO] RELEASE. A chained transaction begins at once; a released session ends.
void read_completion(Lexer& lexer, Facts& facts) noexcept {
  bool negated = false;
  for (; !lexer.at_end(); lexer.next()) {
    if (!negated && lexer.is(Keyword::CHAIN)) facts.effects |= Effect::begins_transaction;
    if (!negated && lexer.is(Keyword::RELEASE)) facts.effects |= Effect::ends_session;
    negated = lexer.is(Keyword::NO);
  }
}

}  // namespace

// MariaDB takes blocks, loops and branches as statements of their own. They hold semicolons and may
// do anything, so the rest of the text belongs to them.
void read_compound(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::unknown, Reason::unknown_statement, Effect::calls_routine);
  lexer.skip_text();
}

void read_begin(Lexer& lexer, Facts& facts) noexcept {
  lexer.next();
  lexer.accept(Keyword::WORK);
  if (!lexer.at_end()) return read_compound(lexer, facts);
  facts.is(StatementKind::begin, Reason::transaction_control, Effect::begins_transaction);
}

void read_start(Lexer& lexer, Facts& facts) noexcept {
  lexer.next();
  if (!lexer.accept(Keyword::TRANSACTION))
    return read_admin(lexer, facts, Effect::ends_transaction);
  facts.is(StatementKind::begin, Reason::transaction_control, Effect::begins_transaction);
  bool read_only = false;
  bool plain = true;  // nothing seen but what a read-only transaction may have
  while (!lexer.at_end()) {
    if (lexer.accept(Keyword::READ)) {
      if (lexer.is(Keyword::ONLY)) {
        read_only = true;
      } else {
        plain = false;
      }
    } else if (lexer.accept(Keyword::WITH)) {
      plain = plain && lexer.accept(Keyword::CONSISTENT) && lexer.is(Keyword::SNAPSHOT);
    } else if (lexer.token().type != TokenType::comma) {
      plain = false;
    }
    if (!lexer.at_end()) lexer.next();
  }
  if (!read_only || !plain) return;
  facts.effects |= Effect::begins_read_only_transaction;
  facts.replica_safe = true;
}

void read_commit(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::commit, Reason::transaction_control, Effect::ends_transaction);
  read_completion(lexer, facts);
}

void read_rollback(Lexer& lexer, Facts& facts) noexcept {
  lexer.next();
  lexer.accept(Keyword::WORK);
  if (lexer.is(Keyword::TO)) {
    facts.is(StatementKind::savepoint, Reason::transaction_control);
    return lexer.skip_statement();
  }
  facts.is(StatementKind::rollback, Reason::transaction_control, Effect::ends_transaction);
  read_completion(lexer, facts);
}

void read_xa(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::xa, Reason::transaction_control, Effect::xa_statement);
  lexer.skip_statement();
}

}  // namespace weir::sql
