// The words that rules look at. Each row: the word, and what it means when "(" follows it.

#pragma once

#include <cstdint>

namespace weir::sql {

// What NAME( means.
enum class Call : std::uint8_t {
  unknown,   // no built-in function: may be a stored function
  plain,     // a keyword that takes parentheses, or a built-in that every server answers alike
  reserved,  // a keyword that takes parentheses and has no rule
  plain_if_adjacent,  // plain with "(" right behind it; with white space between, a stored function
  after_comparison,   // ANY, SOME: keywords after = < >, otherwise a name
  column_type,        // DATETIME and kin: a type behind a column's name, otherwise a name
  after_literal,      // COLUMNS of JSON_TABLE: a keyword after a path, otherwise a name
  takes_lock,
  releases_lock,
  asks_lock,
  connection_id,
  unsafe,  // has an effect, or an answer that belongs to one server or connection
  sequence,
  asks_sequence,
  last_insert_id,
  row_count,
  found_rows,
};

// The words down to LAST_SCANNED are those that a query's scan stops at (see query_scan.cc).
// clang-format off
#define WEIR_SQL_KEYWORDS(K)                                                                      \
  K(SELECT, plain) K(WITH, plain) K(TABLE, plain) K(VALUES, plain) K(FOR, plain) K(INTO, plain)   \
  K(LOCK, plain) K(UPDATE, plain) K(DELETE, plain) K(SHARE, unknown) K(PROCEDURE, plain)          \
  K(SQL_CALC_FOUND_ROWS, unknown)                                                                 \
  K(LAST_SCANNED, unknown)                                                                        \
  K(ALTER, plain) K(ANALYZE, plain) K(AS, plain) K(AUTHORS, unknown) K(BACKUP, unknown)           \
  K(BEGIN, unknown) K(BINLOG, unknown) K(BODY, unknown) K(CACHE, unknown) K(CALL, plain)          \
  K(CASE, plain) K(CHAIN, unknown) K(CHANGE, plain) K(CHARACTER, plain) K(CHARSET, plain)         \
  K(CHECK, plain) K(CHECKSUM, unknown) K(CLONE, unknown) K(CLOSE, unknown) K(COLLATE, plain)      \
  K(COLLATION, plain) K(COLUMNS, after_literal) K(COMMIT, unknown) K(CONCURRENT, unknown)         \
  K(CONSISTENT, unknown) K(CONTRIBUTORS, unknown) K(COUNT, plain_if_adjacent) K(CREATE, plain)    \
  K(CURRENT, unknown) K(DATA, unknown) K(DATABASE, plain) K(DATABASES, plain)                     \
  K(DEALLOCATE, unknown) K(DECLARE, plain) K(DEFAULT, plain) K(DEFINER, unknown)                  \
  K(DELAYED, plain) K(DESC, plain) K(DESCRIBE, plain) K(DIAGNOSTICS, unknown) K(DO, unknown)      \
  K(DROP, plain) K(ERRORS, unknown) K(EVENT, unknown) K(EXECUTE, unknown) K(EXPLAIN, plain)       \
  K(EXPORT, unknown) K(EXTENDED, unknown) K(FIELDS, unknown) K(FLUSH, unknown) K(FORMAT, plain)   \
  K(FULL, unknown) K(FUNCTION, plain) K(GET, unknown) K(GRANT, plain) K(HANDLER, unknown)         \
  K(HELP, unknown) K(HIGH_PRIORITY, plain) K(IF, plain) K(IGNORE, plain) K(IMPORT, unknown)       \
  K(INDEX, plain) K(INDEXES, unknown) K(INSERT, plain) K(INSTALL, unknown) K(INSTANCE, unknown)   \
  K(KEYS, plain) K(KILL, plain) K(LIBRARY, unknown) K(LIKE, plain) K(LOAD, plain)                 \
  K(LOCAL, unknown) K(LOOP, plain) K(LOW_PRIORITY, plain) K(NAMES, unknown) K(NEXT, unknown)      \
  K(NO, unknown) K(NO_WRITE_TO_BINLOG, plain) K(ONLY, unknown) K(OPEN, unknown)                   \
  K(OPTIMIZE, plain) K(PACKAGE, unknown) K(PARTITIONS, unknown) K(PASSWORD, plain)                \
  K(PREPARE, unknown) K(PREVIOUS, unknown) K(PROCESSLIST, unknown) K(PROFILE, unknown)            \
  K(PROFILES, unknown) K(PURGE, plain) K(READ, plain) K(RECURSIVE, plain) K(RELEASE, plain)       \
  K(RENAME, plain)                                                                                \
  K(REPAIR, unknown) K(REPEAT, plain) K(REPLACE, plain) K(RESET, unknown) K(RESIGNAL, plain)      \
  K(RESOURCE, unknown) K(RESTART, unknown) K(REVOKE, plain) K(ROLE, unknown)                      \
  K(ROLLBACK, unknown) K(ROUTE, unknown) K(SAVEPOINT, unknown) K(SCHEMA, plain)                   \
  K(SCHEMAS, plain) K(SEQUENCE, unknown) K(SERVER, unknown) K(SET, plain) K(SHOW, plain)          \
  K(SHUTDOWN, unknown) K(SIGNAL, plain) K(SNAPSHOT, unknown) K(STACKED, unknown)                  \
  K(START, unknown) K(STATEMENT, unknown) K(STATUS, unknown) K(STOP, unknown) K(TABLES, unknown)  \
  K(TEMPORARY, unknown) K(TO, plain) K(TRANSACTION, unknown) K(TRIGGER, plain)                    \
  K(TRIGGERS, unknown) K(TRUNCATE, plain) K(UNINSTALL, unknown) K(UNLOCK, plain) K(USE, plain)    \
  K(USER, plain) K(VALUE, plain) K(VIEW, unknown) K(WARNINGS, unknown) K(WHERE, plain)            \
  K(WHILE, plain) K(WORK, unknown) K(XA, unknown) K(XML, unknown)
// clang-format on

enum class Keyword : std::uint8_t {
  NONE,
#define WEIR_SQL_ENUMERATOR(word, call) word,
  WEIR_SQL_KEYWORDS(WEIR_SQL_ENUMERATOR)
#undef WEIR_SQL_ENUMERATOR
};

}  // namespace weir::sql
