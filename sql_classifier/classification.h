// What the classifier says about one command text. Facts about SQL only: where a statement is sent
// is the router's decision.

#pragma once

#include <cstdint>
#include <string_view>

namespace weir::sql {

// What the statement is, coarsely. The order is not significant.
enum class StatementKind : std::uint8_t {
  empty,          // nothing but white space and comments
  read,           // SELECT, TABLE, VALUES, WITH ... SELECT, EXPLAIN of those, DESC, SHOW
  write,          // INSERT, UPDATE, DELETE, REPLACE, LOAD DATA, CALL, DO, HANDLER ...
  ddl,            // anything that commits implicitly and changes the catalogue
  begin,          // BEGIN, START TRANSACTION
  commit,         // COMMIT
  rollback,       // ROLLBACK (not to a savepoint)
  savepoint,      // SAVEPOINT, ROLLBACK TO, RELEASE SAVEPOINT
  xa,             // XA ...
  set,            // SET of anything
  use,            // USE schema
  lock,           // LOCK TABLES, LOCK INSTANCE, UNLOCK ...
  prepare,        // PREPARE, EXECUTE, DEALLOCATE PREPARE
  admin,          // account, server and replication administration; KILL, FLUSH, RESET ...
  explain_route,  // EXPLAIN ROUTE <sql>: answered by weir itself
  unknown,        // not recognised
};

// Which servers may run the statement and still give the primary's answer.
enum class Placement : std::uint8_t {
  any,              // a replica that is fresh enough may answer
  primary,          // only the primary
  last_connection,  // asks about the statement before it: the connection which ran that one
};

// Why the placement is what it is. Each value is also the label of a metric and the text of
// EXPLAIN ROUTE, see reason_text().
enum class Reason : std::uint8_t {
  plain_read,
  empty_statement,
  locking_read,        // FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE
  select_into,         // INTO OUTFILE, DUMPFILE or a variable
  user_variable,       // @v read or assigned
  sequence,            // NEXTVAL, LASTVAL, SETVAL, NEXT VALUE FOR
  locking_function,    // GET_LOCK and kin
  stored_function,     // a function that is not built in
  unsafe_function,     // built in, but with an effect or an answer of its own server
                       // (e.g. MASTER_POS_WAIT, BENCHMARK, SLEEP is safe, UUID_SHORT ...)
  last_insert_id,      // LAST_INSERT_ID(), @@identity, @@last_insert_id
  previous_statement,  // FOUND_ROWS(), ROW_COUNT(), SHOW WARNINGS, GET DIAGNOSTICS ...
  server_variable,     // @@global.x and SHOW of what differs from server to server
  transaction_control,
  write_statement,
  ddl_statement,
  call_statement,
  session_variable,  // SET
  schema_change,     // USE
  lock_statement,
  prepared_text,  // PREPARE, EXECUTE, DEALLOCATE
  admin_statement,
  several_statements,  // more than one statement, not all plain reads
  unknown_statement,
  truncated_text,  // the text given is not the whole text
  ambiguous_text,  // an encoding or quoting that cannot be read for certain
  hint,            // a routing hint decided
};

// What the statement may do to the session. Bits; a statement (or several in one text) may have
// many.
enum class Effect : std::uint64_t {
  none = 0,
  begins_transaction = 1u << 0,
  begins_read_only_transaction = 1u << 1,  // START TRANSACTION READ ONLY (begins_transaction too)
  ends_transaction = 1u << 2,              // COMMIT, ROLLBACK, or an implicit commit
  sets_tracked_variable = 1u << 3,         // every variable set is in tracked_variables.h
  sets_untracked_variable = 1u << 4,       // a session variable that cannot be replayed elsewhere
  sets_global_variable = 1u << 5,          // SET GLOBAL / PERSIST / PERSIST_ONLY
  sets_user_variable = 1u << 6,            // SET @v, @v :=, INTO @v
  sets_autocommit = 1u << 7,
  sets_next_transaction = 1u << 8,  // SET TRANSACTION ... for the next one only
  sets_session_tracking = 1u << 9,  // SET session_track_*
  sets_names = 1u << 10,            // SET NAMES, SET CHARACTER SET (sets_tracked_variable too)
  changes_schema = 1u << 11,        // USE
  creates_temporary_table = 1u << 12,
  drops_temporary_table = 1u << 13,
  locks_tables =
      1u << 14,  // LOCK TABLES, LOCK INSTANCE, FLUSH TABLES ... WITH READ LOCK / FOR EXPORT
  unlocks_tables = 1u << 15,
  takes_user_lock = 1u << 16,     // GET_LOCK
  releases_user_lock = 1u << 17,  // RELEASE_LOCK, RELEASE_ALL_LOCKS
  prepares_text = 1u << 18,
  deallocates_text = 1u << 19,
  opens_handler = 1u << 20,
  closes_handler = 1u << 21,
  calc_found_rows = 1u << 22,     // SQL_CALC_FOUND_ROWS
  local_infile = 1u << 23,        // LOAD DATA LOCAL / LOAD XML LOCAL
  changes_role = 1u << 24,        // SET ROLE
  uses_user_variable = 1u << 25,  // reads @v without assigning it
  xa_statement = 1u << 26,
  calls_routine = 1u << 27,          // CALL, or a stored function: may do any of the above
  profiling = 1u << 28,              // SHOW PROFILE(S)
  ends_session = 1u << 29,           // COMMIT RELEASE, ROLLBACK RELEASE
  asks_connection_id = 1u << 30,     // CONNECTION_ID(), @@pseudo_thread_id
  uses_last_insert_id = 1u << 31,    // LAST_INSERT_ID(), @@last_insert_id, @@identity
  sets_last_insert_id = 1ull << 32,  // LAST_INSERT_ID(x), SET last_insert_id, SET identity
  asks_row_count = 1ull << 33,       // ROW_COUNT()
  asks_found_rows = 1ull << 34,      // FOUND_ROWS()
  asks_diagnostics = 1ull << 35,   // SHOW WARNINGS, SHOW ERRORS, GET DIAGNOSTICS, @@error_count ...
  kills = 1ull << 36,              // KILL
  shows_processlist = 1ull << 37,  // SHOW [FULL] PROCESSLIST
  drops_table = 1ull << 38,        // DROP TABLE: of two tables the temporary one
  renames_table = 1ull << 39,      // RENAME TABLE, ALTER TABLE ... RENAME: temporary or not
  sets_for_statement = 1ull << 40,  // SET STATEMENT ... FOR: variables that last as long as it
  changes_routines = 1ull << 41,    // CREATE, ALTER or DROP of a routine, package or database; and
                                    // whatever may be one of these: EXECUTE, blocks, the unknown
  asks_sequence = 1ull << 42,       // LASTVAL(), PREVIOUS VALUE FOR, sequence.currval
};

constexpr Effect operator|(Effect a, Effect b) {
  return static_cast<Effect>(static_cast<std::uint64_t>(a) | static_cast<std::uint64_t>(b));
}
constexpr Effect operator&(Effect a, Effect b) {
  return static_cast<Effect>(static_cast<std::uint64_t>(a) & static_cast<std::uint64_t>(b));
}
constexpr Effect operator~(Effect e) {
  return static_cast<Effect>(~static_cast<std::uint64_t>(e));
}
constexpr Effect& operator|=(Effect& a, Effect b) {
  return a = a | b;
}
constexpr bool any(Effect e) {
  return e != Effect::none;
}

// A routing wish found in a leading comment.
enum class Hint : std::uint8_t { none, primary, replica };

// How fresh the answer has to be, as a hint asks for it.
enum class Freshness : std::uint8_t { unsaid, eventual, session, global };

// How the text must be read. Comes from the session.
struct TextOptions {
  bool ansi_quotes = false;           // sql_mode ANSI_QUOTES: "x" is an identifier
  bool no_backslash_escapes = false;  // sql_mode NO_BACKSLASH_ESCAPES
  bool sql_mode_known = true;         // false: both readings are possible; disagreement is doubt
  bool ascii_safe_charset = true;  // false for gbk, sjis, big5, cp932, gb18030: a byte below 0x80
                                   // may be the second half of a letter
  bool truncated = false;          // text is only the beginning of the statement
  bool hints = true;               // obey routing hints
};

// The verdict. A value; the views point into the text that was classified.
struct Classification {
  StatementKind kind = StatementKind::unknown;
  Placement placement = Placement::primary;
  Reason reason = Reason::unknown_statement;
  Hint hint = Hint::none;
  // Placement::any but for stored functions: whoever knows that all of them only read (see
  // visit_objects() for their names) may choose a replica. Nothing else speaks against it, neither
  // doubt nor a hint.
  bool only_stored_functions = false;
  // The same, but what keeps it from the replicas may also be that a part of it was not understood.
  bool only_doubts = false;
  bool doubtful = false;         // not read for certain: it may hold more than was seen
  std::uint16_t statements = 0;  // non-empty statements in the text; 65535 means "or more"
  Effect effects = Effect::none;
  std::int32_t hint_max_lag_ms = -1;  // from a max_lag hint; -1: none
  Freshness hint_consistency = Freshness::unsaid;
  std::string_view names_collation;  // the collation of the last SET NAMES ... COLLATE, unquoted

  bool has(Effect e) const { return any(effects & e); }
};

// The stable lower-case name of a reason, for logs, metrics and EXPLAIN ROUTE ("locking_read").
std::string_view reason_name(Reason reason);
// One sentence for people: what was seen in the text and what follows.
std::string_view reason_text(Reason reason);
// The stable lower-case name of a kind ("read").
std::string_view kind_name(StatementKind kind);

}  // namespace weir::sql
