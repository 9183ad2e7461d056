#include "sql_classifier/classification.h"

namespace weir::sql {

// No default in these switches: the compiler then names an enumerator that was forgotten.

std::string_view reason_name(Reason reason) {
  switch (reason) {
    case Reason::plain_read: return "plain_read";
    case Reason::empty_statement: return "empty_statement";
    case Reason::locking_read: return "locking_read";
    case Reason::select_into: return "select_into";
    case Reason::user_variable: return "user_variable";
    case Reason::sequence: return "sequence";
    case Reason::locking_function: return "locking_function";
    case Reason::stored_function: return "stored_function";
    case Reason::unsafe_function: return "unsafe_function";
    case Reason::last_insert_id: return "last_insert_id";
    case Reason::previous_statement: return "previous_statement";
    case Reason::server_variable: return "server_variable";
    case Reason::transaction_control: return "transaction_control";
    case Reason::write_statement: return "write_statement";
    case Reason::ddl_statement: return "ddl_statement";
    case Reason::call_statement: return "call_statement";
    case Reason::session_variable: return "session_variable";
    case Reason::schema_change: return "schema_change";
    case Reason::lock_statement: return "lock_statement";
    case Reason::prepared_text: return "prepared_text";
    case Reason::admin_statement: return "admin_statement";
    case Reason::several_statements: return "several_statements";
    case Reason::unknown_statement: return "unknown_statement";
    case Reason::truncated_text: return "truncated_text";
    case Reason::ambiguous_text: return "ambiguous_text";
    case Reason::hint: return "hint";
  }
  return "invalid";
}

std::string_view reason_text(Reason reason) {
  switch (reason) {
    case Reason::plain_read: return "It only reads replicated data: any server that is fresh enough answers alike.";
    case Reason::empty_statement: return "There is no statement in the text: every server answers alike.";
    case Reason::locking_read: return "It locks the rows it reads, and locks count on the primary only.";
    case Reason::select_into: return "It writes its result into a file or a variable of the primary's connection.";
    case Reason::user_variable: return "It uses a user variable, which lives on one connection of the primary.";
    case Reason::sequence: return "It uses a sequence, and drawing from a sequence writes.";
    case Reason::locking_function: return "It uses named locks, which exist on the primary only.";
    case Reason::stored_function: return "It calls a function that is not built in and might write: the primary runs it.";
    case Reason::unsafe_function: return "It calls a function whose effect or answer belongs to the server that runs it.";
    case Reason::last_insert_id: return "It asks for the last generated key, which the primary's connection knows.";
    case Reason::previous_statement:
      return "It asks about the statement before it: the connection that ran that one answers.";
    case Reason::server_variable: return "It asks about the server itself, and the primary is the server in question.";
    case Reason::transaction_control: return "It begins, ends or divides a transaction, and the session's server follows it.";
    case Reason::write_statement: return "It changes data, which only the primary may do.";
    case Reason::ddl_statement: return "It changes definitions, which only the primary may do, and commits.";
    case Reason::call_statement: return "It calls a procedure, which may do anything: the primary runs it.";
    case Reason::session_variable: return "It sets variables: the primary executes it, other connections are told when used.";
    case Reason::schema_change: return "It selects the default schema: the primary executes it, others are told when used.";
    case Reason::lock_statement: return "It locks or unlocks tables or the instance, which counts on the primary only.";
    case Reason::prepared_text: return "It prepares or runs a statement by name on one connection of the primary.";
    case Reason::admin_statement: return "It administers accounts or the server: the primary is meant.";
    case Reason::several_statements: return "The text has several statements, not all plain reads: they stay together.";
    case Reason::unknown_statement: return "The statement is not known, so nothing but the primary is safe.";
    case Reason::truncated_text: return "Only the beginning of the text is known, so nothing but the primary is safe.";
    case Reason::ambiguous_text: return "The text can be read in more than one way, so nothing but the primary is safe.";
    case Reason::hint: return "A routing hint in front of the statement decided.";
  }
  return "invalid";
}

std::string_view kind_name(StatementKind kind) {
  switch (kind) {
    case StatementKind::empty: return "empty";
    case StatementKind::read: return "read";
    case StatementKind::write: return "write";
    case StatementKind::ddl: return "ddl";
    case StatementKind::begin: return "begin";
    case StatementKind::commit: return "commit";
    case StatementKind::rollback: return "rollback";
    case StatementKind::savepoint: return "savepoint";
    case StatementKind::xa: return "xa";
    case StatementKind::set: return "set";
    case StatementKind::use: return "use";
    case StatementKind::lock: return "lock";
    case StatementKind::prepare: return "prepare";
    case StatementKind::admin: return "admin";
    case StatementKind::explain_route: return "explain_route";
    case StatementKind::unknown: return "unknown";
  }
  return "invalid";
}

}  // namespace weir::sql
