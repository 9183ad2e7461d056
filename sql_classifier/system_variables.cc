#include "sql_classifier/system_variables.h"

#include "sql_classifier/char_class.h"
#include "sql_classifier/tracked_variables.h"

namespace weir::sql {
namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> names) noexcept {
  for (std::string_view name : names) {
    if (equals_lower(text, name)) return true;
  }
  return false;
}

bool begins_with(std::string_view text, std::string_view lower_text) noexcept {
  return equals_lower(text.substr(0, lower_text.size()), lower_text);
}

bool ends_with(std::string_view text, std::string_view lower_text) noexcept {
  return text.size() >= lower_text.size() &&
         equals_lower(text.substr(text.size() - lower_text.size()), lower_text);
}

// People ask these to see which server answers, so whichever is chosen for a read answers them.
bool names_the_server(std::string_view name) noexcept {
  return is_one_of(name, {"server_id", "hostname", "port", "server_uuid"}) ||
         begins_with(name, "version");
}

// The tables of information_schema that tell of the server, its files, its accounts or its threads;
// and the events, which are switched off on a replica.
bool is_server_view(std::string_view table) noexcept {
  for (std::string_view beginning :
       {"innodb_", "wsrep_", "query_", "thread_pool_", "tp_", "optimizer_trace"}) {
    if (begins_with(table, beginning)) return true;
  }
  for (std::string_view ending :
       {"_status", "_variables", "_statistics", "_privileges", "_roles"}) {
    if (ends_with(table, ending)) return true;
  }
  return is_one_of(table,
                   {"all_plugins", "disks", "engines", "events", "feedback", "files", "key_caches",
                    "locales", "metadata_lock_info", "plugins", "processlist", "profiling"});
}

bool is_diagnostic_count(std::string_view name) noexcept {
  return is_one_of(name, {"warning_count", "error_count"});
}

}  // namespace

std::optional<VariableScope> scope_of(std::string_view word) noexcept {
  if (is_one_of(word, {"session", "local"})) return VariableScope::session;
  if (is_one_of(word, {"global", "persist", "persist_only"})) return VariableScope::global;
  return std::nullopt;
}

SystemVariable read_system_variable(Lexer& lexer) noexcept {
  SystemVariable variable;
  variable.name = lexer.token().text;
  lexer.next();
  while (lexer.token().type == TokenType::dot) {
    lexer.next();
    if (!lexer.token().is_name()) break;
    const auto scope = scope_of(variable.name);
    if (scope && variable.scope == VariableScope::none) {
      variable.scope = *scope;
    } else {
      variable.structured = true;
    }
    variable.name = lexer.token().text;
    lexer.next();
  }
  return variable;
}

std::optional<Reason> reason_against(const SystemVariable& variable) noexcept {
  if (variable.structured) return Reason::server_variable;
  if (is_last_insert_id(variable.name)) return Reason::last_insert_id;
  if (is_diagnostic_count(variable.name)) return Reason::previous_statement;
  if (names_the_server(variable.name)) return std::nullopt;
  if (variable.scope == VariableScope::global) return Reason::server_variable;
  if (find_tracked_variable(variable.name)) return std::nullopt;
  return Reason::server_variable;
}

Effect asked_by(const SystemVariable& variable) noexcept {
  if (variable.structured) return Effect::none;
  if (is_last_insert_id(variable.name)) return Effect::uses_last_insert_id;
  if (is_diagnostic_count(variable.name)) return Effect::asks_diagnostics;
  if (equals_lower(variable.name, "pseudo_thread_id")) return Effect::asks_connection_id;
  return Effect::none;
}

bool is_last_insert_id(std::string_view name) noexcept {
  return is_one_of(name, {"identity", "last_insert_id"});
}

bool is_server_schema(std::string_view schema) noexcept {
  return is_one_of(schema, {"performance_schema", "sys", "mysql"});
}

bool is_server_table(std::string_view schema, std::string_view table) noexcept {
  switch (schema.size()) {
    case 3:
      return equals_lower(schema, "sys");
    case 5:
      return equals_lower(schema, "mysql");
    case 18:
      if (equals_lower(schema, "performance_schema")) return true;
      return equals_lower(schema, "information_schema") && is_server_view(table);
    default:
      return false;
  }
}

}  // namespace weir::sql
