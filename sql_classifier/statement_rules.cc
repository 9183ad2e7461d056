// The first word of a statement decides which rule reads it.

#include "sql_classifier/object_reader.h"
#include "sql_classifier/rules.h"

namespace weir::sql {
namespace {

void read_savepoint(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::savepoint, Reason::transaction_control);
  lexer.skip_statement();
}

void read_use(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::use, Reason::schema_change, Effect::changes_schema);
  lexer.skip_statement();
}

// Nothing is known about what it does, so nothing but the primary will do.
void read_unknown(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::unknown, Reason::unknown_statement);
  lexer.skip_statement();
}

// Statements that change nothing of the data. Returns false when the word begins no such statement.
bool read_administration(Lexer& lexer, Facts& facts) noexcept {
  switch (lexer.token().meaning.keyword) {
    case Keyword::FLUSH:
      read_flush(lexer, facts);
      return true;
    case Keyword::BACKUP:
      read_backup(lexer, facts);
      return true;
    case Keyword::LOCK:
      read_lock(lexer, facts);
      return true;
    case Keyword::UNLOCK:
      read_unlock(lexer, facts);
      return true;
    case Keyword::PREPARE:
    case Keyword::EXECUTE:
    case Keyword::DEALLOCATE:
      read_prepare(lexer, facts);
      return true;
    case Keyword::KILL:
      read_kill(lexer, facts);
      return true;
    case Keyword::BINLOG:
    case Keyword::CHECKSUM:
    case Keyword::CLONE:
    case Keyword::HELP:
    case Keyword::PURGE:
    case Keyword::RESIGNAL:
    case Keyword::RESTART:
    case Keyword::SHUTDOWN:
    case Keyword::SIGNAL:
      read_admin(lexer, facts, Effect::none);
      return true;
    case Keyword::CACHE:
    case Keyword::CHANGE:
    case Keyword::CHECK:
    case Keyword::GRANT:
    case Keyword::INSTALL:
    case Keyword::OPTIMIZE:
    case Keyword::REPAIR:
    case Keyword::RESET:
    case Keyword::REVOKE:
    case Keyword::STOP:
    case Keyword::UNINSTALL:
      read_admin(lexer, facts, Effect::ends_transaction);
      return true;
    default:
      return false;
  }
}

bool read_data_change(Lexer& lexer, Facts& facts) noexcept {
  switch (lexer.token().meaning.keyword) {
    case Keyword::INSERT:
    case Keyword::REPLACE:
      read_insert(lexer, facts);
      return true;
    case Keyword::UPDATE:
    case Keyword::DELETE:
    case Keyword::DO:
      read_change(lexer, facts);
      return true;
    case Keyword::LOAD:
      read_load(lexer, facts);
      return true;
    case Keyword::CALL:
      read_call(lexer, facts);
      return true;
    case Keyword::HANDLER:
      read_handler(lexer, facts);
      return true;
    case Keyword::CREATE:
      read_create(lexer, facts);
      return true;
    case Keyword::DROP:
      read_drop(lexer, facts);
      return true;
    case Keyword::ALTER:
    case Keyword::IMPORT:
    case Keyword::RENAME:
    case Keyword::TRUNCATE:
      read_ddl(lexer, facts);
      return true;
    default:
      return false;
  }
}

bool read_transaction_control(Lexer& lexer, Facts& facts) noexcept {
  switch (lexer.token().meaning.keyword) {
    case Keyword::BEGIN:
      read_begin(lexer, facts);
      return true;
    case Keyword::START:
      read_start(lexer, facts);
      return true;
    case Keyword::COMMIT:
      read_commit(lexer, facts);
      return true;
    case Keyword::ROLLBACK:
      read_rollback(lexer, facts);
      return true;
    case Keyword::SAVEPOINT:
    case Keyword::RELEASE:
      read_savepoint(lexer, facts);
      return true;
    case Keyword::XA:
      read_xa(lexer, facts);
      return true;
    case Keyword::CASE:
    case Keyword::DECLARE:
    case Keyword::FOR:
    case Keyword::IF:
    case Keyword::LOOP:
    case Keyword::REPEAT:
    case Keyword::WHILE:
      read_compound(lexer, facts);
      return true;
    default:
      return false;
  }
}

}  // namespace

void read_statement(Lexer& lexer, Facts& facts) noexcept {
  if (facts.objects != nullptr) facts.objects->on_statement(lexer);
  if (lexer.token().type == TokenType::open) return read_query(lexer, facts);
  switch (lexer.token().meaning.keyword) {
    case Keyword::SELECT:
    case Keyword::TABLE:
    case Keyword::VALUES:
    case Keyword::WITH:
      return read_query(lexer, facts);
    case Keyword::SHOW:
      return read_show(lexer, facts);
    case Keyword::SET:
      return read_set(lexer, facts);
    case Keyword::USE:
      return read_use(lexer, facts);
    case Keyword::EXPLAIN:
    case Keyword::DESCRIBE:
    case Keyword::DESC:
      return read_explain(lexer, facts);
    case Keyword::ANALYZE:
      return read_analyze(lexer, facts);
    case Keyword::GET:
      return read_get_diagnostics(lexer, facts);
    case Keyword::NONE:
      return read_unknown(lexer, facts);
    default:
      break;
  }
  if (read_data_change(lexer, facts) || read_transaction_control(lexer, facts)) return;
  if (!read_administration(lexer, facts)) read_unknown(lexer, facts);
}

}  // namespace weir::sql
