// The rules for one statement each. Every function begins at the statement's first token and stops
// at its end: at the semicolon behind it or at the end of the text.

#pragma once

#include "sql_classifier/facts.h"
#include "sql_classifier/lexer.h"

namespace weir::sql {

// Any statement: looks at the first token and calls one of the rules below.
void read_statement(Lexer& lexer, Facts& facts) noexcept;

// select_rules.cc
void read_query(Lexer& lexer, Facts& facts) noexcept;    // SELECT, TABLE, VALUES, WITH, (
void read_explain(Lexer& lexer, Facts& facts) noexcept;  // EXPLAIN, DESCRIBE, DESC
void read_analyze(Lexer& lexer, Facts& facts) noexcept;  // ANALYZE of a statement or a table
void read_get_diagnostics(Lexer& lexer, Facts& facts) noexcept;

// show_rules.cc
void read_show(Lexer& lexer, Facts& facts) noexcept;

// set_rules.cc
void read_set(Lexer& lexer, Facts& facts) noexcept;

// transaction_rules.cc
void read_begin(Lexer& lexer, Facts& facts) noexcept;
void read_start(Lexer& lexer, Facts& facts) noexcept;  // TRANSACTION, REPLICA ...
void read_commit(Lexer& lexer, Facts& facts) noexcept;
void read_rollback(Lexer& lexer, Facts& facts) noexcept;
void read_xa(Lexer& lexer, Facts& facts) noexcept;
void read_compound(Lexer& lexer, Facts& facts) noexcept;  // a block of statements outside a routine

// write_rules.cc
void read_insert(Lexer& lexer, Facts& facts) noexcept;  // INSERT, REPLACE
void read_change(Lexer& lexer, Facts& facts) noexcept;  // UPDATE, DELETE, DO
void read_load(Lexer& lexer, Facts& facts) noexcept;
void read_call(Lexer& lexer, Facts& facts) noexcept;
void read_handler(Lexer& lexer, Facts& facts) noexcept;

// ddl_rules.cc
void read_create(Lexer& lexer, Facts& facts) noexcept;
void read_drop(Lexer& lexer, Facts& facts) noexcept;
void read_ddl(Lexer& lexer, Facts& facts) noexcept;  // ALTER, RENAME, TRUNCATE ...

// admin_rules.cc
void read_lock(Lexer& lexer, Facts& facts) noexcept;
void read_unlock(Lexer& lexer, Facts& facts) noexcept;
void read_flush(Lexer& lexer, Facts& facts) noexcept;
void read_backup(Lexer& lexer, Facts& facts) noexcept;
void read_prepare(Lexer& lexer, Facts& facts) noexcept;  // PREPARE, EXECUTE, DEALLOCATE
void read_kill(Lexer& lexer, Facts& facts) noexcept;
void read_admin(Lexer& lexer, Facts& facts, Effect effects) noexcept;

}  // namespace weir::sql
