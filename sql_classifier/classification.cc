#include "sql_classifier/classification.h"

#include <cstddef>
#include <iterator>

namespace weir::sql {
namespace {

struct ReasonRow {
  Reason reason;
  std::string_view name;
  std::string_view text;
};

// In the order of the enumeration.
constexpr ReasonRow kReasons[] = {
    {Reason::plain_read, "plain_read",
     "It only reads replicated data: any server that is fresh enough answers alike."},
    {Reason::empty_statement, "empty_statement",
     "There is no statement in the text: every server answers alike."},
    {Reason::locking_read, "locking_read",
     "It locks the rows it reads, and locks count on the primary only."},
    {Reason::select_into, "select_into",
     "It writes its result into a file or a variable of the primary's connection."},
    {Reason::user_variable, "user_variable",
     "It uses a user variable, which lives on one connection of the primary."},
    {Reason::sequence, "sequence", "It uses a sequence, and drawing from a sequence writes."},
    {Reason::locking_function, "locking_function",
     "It uses named locks, which exist on the primary only."},
    {Reason::stored_function, "stored_function",
     "It calls a function that is not built in and might write: the primary runs it."},
    {Reason::unsafe_function, "unsafe_function",
     "It calls a function whose effect or answer belongs to the server that runs it."},
    {Reason::last_insert_id, "last_insert_id",
     "It asks for the last generated key, which the primary's connection knows."},
    {Reason::previous_statement, "previous_statement",
     "It asks about the statement before it: the connection that ran that one answers."},
    {Reason::server_variable, "server_variable",
     "It asks about the server itself, and the primary is the server in question."},
    {Reason::transaction_control, "transaction_control",
     "It begins, ends or divides a transaction, and the session's server follows it."},
    {Reason::write_statement, "write_statement", "It changes data, which only the primary may do."},
    {Reason::ddl_statement, "ddl_statement",
     "It changes definitions, which only the primary may do, and commits."},
    {Reason::call_statement, "call_statement",
     "It calls a procedure, which may do anything: the primary runs it."},
    {Reason::session_variable, "session_variable",
     "It sets variables: the primary executes it, other connections are told when used."},
    {Reason::schema_change, "schema_change",
     "It selects the default schema: the primary executes it, others are told when used."},
    {Reason::lock_statement, "lock_statement",
     "It locks or unlocks tables or the instance, which counts on the primary only."},
    {Reason::prepared_text, "prepared_text",
     "It prepares or runs a statement by name on one connection of the primary."},
    {Reason::admin_statement, "admin_statement",
     "It administers accounts or the server: the primary is meant."},
    {Reason::several_statements, "several_statements",
     "The text has several statements, not all plain reads: they stay together."},
    {Reason::unknown_statement, "unknown_statement",
     "The statement is not known, so nothing but the primary is safe."},
    {Reason::truncated_text, "truncated_text",
     "Only the beginning of the text is known, so nothing but the primary is safe."},
    {Reason::ambiguous_text, "ambiguous_text",
     "The text can be read in more than one way, so nothing but the primary is safe."},
    {Reason::hint, "hint", "A routing hint in front of the statement decided."},
};

struct KindRow {
  StatementKind kind;
  std::string_view name;
};

constexpr KindRow kKinds[] = {
    {StatementKind::empty, "empty"},
    {StatementKind::read, "read"},
    {StatementKind::write, "write"},
    {StatementKind::ddl, "ddl"},
    {StatementKind::begin, "begin"},
    {StatementKind::commit, "commit"},
    {StatementKind::rollback, "rollback"},
    {StatementKind::savepoint, "savepoint"},
    {StatementKind::xa, "xa"},
    {StatementKind::set, "set"},
    {StatementKind::use, "use"},
    {StatementKind::lock, "lock"},
    {StatementKind::prepare, "prepare"},
    {StatementKind::admin, "admin"},
    {StatementKind::explain_route, "explain_route"},
    {StatementKind::unknown, "unknown"},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < std::size(kReasons); ++i) {
    if (static_cast<std::size_t>(kReasons[i].reason) != i) return false;
  }
  for (std::size_t i = 0; i < std::size(kKinds); ++i) {
    if (static_cast<std::size_t>(kKinds[i].kind) != i) return false;
  }
  return true;
}
static_assert(in_order(), "rows are found by the value of the enumerator");
static_assert(std::size(kReasons) == static_cast<std::size_t>(Reason::hint) + 1);
static_assert(std::size(kKinds) == static_cast<std::size_t>(StatementKind::unknown) + 1);

}  // namespace

std::string_view reason_name(Reason reason) {
  const auto i = static_cast<std::size_t>(reason);
  return i < std::size(kReasons) ? kReasons[i].name : "invalid";
}

std::string_view reason_text(Reason reason) {
  const auto i = static_cast<std::size_t>(reason);
  return i < std::size(kReasons) ? kReasons[i].text : "invalid";
}

std::string_view kind_name(StatementKind kind) {
  const auto i = static_cast<std::size_t>(kind);
  return i < std::size(kKinds) ? kKinds[i].name : "invalid";
}

}  // namespace weir::sql
