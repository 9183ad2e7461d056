// Variables and tables of the server itself: which of them a replica may show in the primary's
// place.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "sql_classifier/classification.h"
#include "sql_classifier/lexer.h"

namespace weir::sql {

enum class VariableScope : std::uint8_t { none, session, global };

// A system variable as a statement names it: scope.name
struct SystemVariable {
  VariableScope scope = VariableScope::none;
  bool structured = false;  // instance.name: a named cache or a component's variable, always global
  std::string_view name;
};

// Reads @@[scope.]name from the current token on.
SystemVariable read_system_variable(Lexer& lexer) noexcept;

// The scope that a word stands for (GLOBAL, SESSION, LOCAL, PERSIST, PERSIST_ONLY), if it is one.
std::optional<VariableScope> scope_of(std::string_view word) noexcept;

// Why a replica cannot answer for the variable; nothing when it can.
std::optional<Reason> reason_against(const SystemVariable& variable) noexcept;

// What reading the variable asks the session.
Effect asked_by(const SystemVariable& variable) noexcept;

// Whether it is the variable that holds the last generated key, under either of its names.
bool is_last_insert_id(std::string_view name) noexcept;

// A schema whose list of tables depends on the server's version and build.
bool is_server_schema(std::string_view schema) noexcept;

// A table whose rows describe the server that is asked, not the replicated data.
bool is_server_table(std::string_view schema, std::string_view table) noexcept;

// The same in a hurry, and with the names that read a sequence: false only where schema.name is
// none of these.
constexpr bool may_be_server_name(std::string_view schema, std::string_view name) noexcept;

namespace detail {

constexpr WordFilter make_filter(std::initializer_list<std::string_view> words) {
  WordFilter filter;
  for (std::string_view word : words) filter.add(word);
  return filter;
}

inline constexpr WordFilter kServerSchemas =
    make_filter({"sys", "mysql", "performance_schema", "information_schema"});
inline constexpr WordFilter kSequenceNames = make_filter({"nextval", "currval"});

}  // namespace detail

constexpr bool may_be_server_name(std::string_view schema, std::string_view name) noexcept {
  return schema.empty() || name.empty() || detail::kServerSchemas.may_hold(schema) ||
         detail::kSequenceNames.may_hold(name);
}

}  // namespace weir::sql
