#include "proxy/monitor/routine_query.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace weir {
namespace {

std::string quoted(std::string_view name) {
  std::string text = "`";
  for (const char c : name) {
    if (c == '`') text.push_back('`');
    text.push_back(c);
  }
  text.push_back('`');
  return text;
}

// Empty for NULL and for a column that is not there.
std::string value(const ResultSet& result, std::size_t row, std::string_view column) {
  const auto& values = result.rows[row];
  for (std::size_t i = 0; i < result.columns.size() && i < values.size(); ++i) {
    if (result.columns[i] == column) return values[i].value_or("");
  }
  return {};
}

// CONTAINS SQL is what servers assume where nothing is declared, so it says nothing.
bool declares_to_read(const std::string& body, const std::string& access) {
  return body == "SQL" && (access == "READS SQL DATA" || access == "NO SQL");
}

}  // namespace

std::string routine_list_query() {
  return fmt::format(
      "SELECT ROUTINE_SCHEMA AS `schema`, ROUTINE_NAME AS `name`, ROUTINE_TYPE AS `type`,"
      " ROUTINE_BODY AS `body`, SQL_DATA_ACCESS AS `access` FROM information_schema.ROUTINES"
      " WHERE ROUTINE_TYPE <> 'PROCEDURE' LIMIT {}",
      kMostRoutines + 1);
}

RoutineList decode_routine_list(const ServerReply& reply) {
  RoutineList list;
  for (const ResultSet& result : reply.results) {
    for (std::size_t row = 0; row < result.rows.size(); ++row) {
      if (value(result, row, "type") != "FUNCTION") {
        list.packages.push_back(value(result, row, "name"));
        continue;
      }
      StoredFunction& function = list.functions.emplace_back();
      function.schema = value(result, row, "schema");
      function.name = value(result, row, "name");
      function.declared_reader =
          declares_to_read(value(result, row, "body"), value(result, row, "access"));
    }
  }
  return list;
}

std::string definition_query(std::span<const StoredFunction* const> functions) {
  std::string text;
  for (const StoredFunction* function : functions) {
    if (!text.empty()) text += "; ";
    text +=
        fmt::format("SHOW CREATE FUNCTION {}.{}", quoted(function->schema), quoted(function->name));
  }
  return text;
}

void decode_definition(const ResultSet& result, StoredFunction& function) {
  if (result.rows.size() != 1) return;
  function.definition = value(result, 0, "Create Function");
  function.sql_mode = value(result, 0, "sql_mode");
  function.charset = value(result, 0, "character_set_client");
}

std::string describe_routines(const Routines& routines, const RoutineList& list,
                              const std::string& server, bool mariadb) {
  std::string text = fmt::format("{} of {} stored functions on {} are known to only read",
                                 routines.readers(), routines.functions(), server);
  const auto hidden = std::count_if(
      list.functions.begin(), list.functions.end(), [](const StoredFunction& function) {
        return function.declared_reader && function.definition.empty();
      });
  if (hidden == 0) return text;
  return text + fmt::format(
                    "; {} more declare it, but their definitions cannot be seen: GRANT {}"
                    " to the monitor's account",
                    hidden, mariadb ? "SELECT ON mysql.proc" : "SHOW_ROUTINE ON *.*");
}

}  // namespace weir
