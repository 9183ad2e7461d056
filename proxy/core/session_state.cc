#include "proxy/core/session_state.h"

#include <algorithm>
#include <array>
#include <optional>

#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/query_attributes.h"
#include "proxy/core/keyed_hash.h"
#include "sql_classifier/tracked_variables.h"

namespace weir {
namespace {

std::size_t id_of(std::string_view name) {
  return sql::find_tracked_variable(name).value_or(SIZE_MAX);
}

struct KnownIds {
  std::size_t sql_mode = id_of("sql_mode");
  std::size_t charset_client = id_of("character_set_client");
  std::size_t charset_connection = id_of("character_set_connection");
  std::size_t charset_results = id_of("character_set_results");
  std::size_t isolation_mysql = id_of("transaction_isolation");
  std::size_t auto_is_null = id_of("sql_auto_is_null");
  std::size_t isolation_mariadb = id_of("tx_isolation");
  std::size_t collation_connection = id_of("collation_connection");
  std::size_t completion_type = id_of("completion_type");
};

const KnownIds& known() {
  static const KnownIds ids;
  return ids;
}

bool lists(std::string_view set, std::string_view word) {
  while (!set.empty()) {
    const std::size_t comma = set.find(',');
    if (set.substr(0, comma) == word) return true;
    if (comma == std::string_view::npos) return false;
    set.remove_prefix(comma + 1);
  }
  return false;
}

void append_value(std::string& sql, std::size_t id, std::string_view value) {
  if (sql::tracked_variables()[id].style == sql::ValueStyle::bare) {
    sql.append(value.empty() ? "NULL" : value);
    return;
  }
  if (value.empty() && sql::tracked_variables()[id].name.starts_with("character_set_")) {
    sql.append("NULL");  // character_set_results = NULL is reported as an empty text
    return;
  }
  sql.push_back('\'');
  for (const char c : value) {
    if (c == '\'') sql.push_back('\'');
    sql.push_back(c);
  }
  sql.push_back('\'');
}

void append_assignment(std::string& sql, std::size_t id) {
  sql.append(sql.empty() ? "SET " : ", ");
  sql.append(sql::tracked_variables()[id].name);
  sql.append(" = ");
}

const std::string* find(const std::vector<SessionState::Variable>& variables, std::size_t id) {
  const auto at = std::find_if(variables.begin(), variables.end(),
                               [id](const SessionState::Variable& v) { return v.id == id; });
  return at != variables.end() ? &at->value : nullptr;
}

bool same(const std::string* left, const std::string* right) {
  return left == right || (left != nullptr && right != nullptr && *left == *right);
}

// In this order they can be assigned one after the other: a character set brings its collation.
std::array<std::size_t, 4> ids_of_prepare() {
  return {known().sql_mode, known().charset_client, known().charset_connection,
          known().collation_connection};
}

bool is_of_connection(std::size_t id) {
  return id == known().charset_connection || id == known().collation_connection;
}

// character_set_connection and collation_connection are one setting: to assign the one changes the
// other. So they are assigned together or not at all, the collation last.
void append_connection_charset(std::string& sql, const std::vector<SessionState::Variable>& from,
                               const std::vector<SessionState::Variable>& to) {
  const std::string* charset = find(to, known().charset_connection);
  const std::string* collation = find(to, known().collation_connection);
  if (same(charset, find(from, known().charset_connection)) &&
      same(collation, find(from, known().collation_connection))) {
    return;
  }
  if (charset != nullptr) {
    append_assignment(sql, known().charset_connection);
    append_value(sql, known().charset_connection, *charset);
  }
  if (collation != nullptr) {
    append_assignment(sql, known().collation_connection);
    append_value(sql, known().collation_connection, *collation);
  }
  if (charset == nullptr && collation == nullptr) {
    append_assignment(sql, known().collation_connection);
    sql.append("DEFAULT");
  }
}

// What decides how texts travel. Null: as at login, whatever that was.
struct Charsets {
  const std::string* client;
  const std::string* connection;
  const std::string* results;
  const std::string* collation;  // of the connection; null: the character set's own
  const std::string& names;

  bool known_whole() const {
    return client != nullptr && connection != nullptr && results != nullptr;
  }
  bool operator==(const Charsets& other) const {
    return same(client, other.client) && same(connection, other.connection) &&
           same(results, other.results) && same(collation, other.collation) && names == other.names;
  }
};

void append_assignment(std::string& sql, std::size_t id, const std::string& value) {
  append_assignment(sql, id);
  append_value(sql, id, value);
}

// SET NAMES is the only way to the collation of character_set_results; the rest is assigned behind
// it.
void append_charsets(std::string& sql, const Charsets& to) {
  const bool has_results = !to.results->empty();  // NULL is reported as an empty text
  if (has_results) {
    sql.append(sql.empty() ? "SET NAMES '" : ", NAMES '").append(*to.results).append("'");
    if (!to.names.empty()) sql.append(" COLLATE '").append(to.names).append("'");
  }
  if (!has_results || *to.client != *to.results) {
    append_assignment(sql, known().charset_client, *to.client);
  }
  const std::string named = to.collation != nullptr ? *to.collation : std::string();
  if (!has_results || *to.connection != *to.results || named != to.names) {
    append_assignment(sql, known().charset_connection, *to.connection);
    if (to.collation != nullptr) append_assignment(sql, known().collation_connection, named);
  }
  if (!has_results) append_assignment(sql, known().charset_results, {});
}

bool is_of_charsets(std::size_t id) {
  return is_of_connection(id) || id == known().charset_client || id == known().charset_results;
}

// The SET statement that turns the variables of `from` into those of `to`; empty when none differs.
// With `whole`, the character sets are not among them.
std::string variable_repair(const std::vector<SessionState::Variable>& from,
                            const std::vector<SessionState::Variable>& to, bool whole) {
  const auto elsewhere = [whole](std::size_t id) {
    return whole ? is_of_charsets(id) : is_of_connection(id);
  };
  std::string sql;
  for (const SessionState::Variable& have : from) {
    if (elsewhere(have.id) || find(to, have.id) != nullptr) continue;
    append_assignment(sql, have.id);
    sql.append("DEFAULT");
  }
  for (const SessionState::Variable& want : to) {
    if (elsewhere(want.id) || same(&want.value, find(from, want.id))) continue;
    append_assignment(sql, want.id, want.value);
  }
  if (!whole) append_connection_charset(sql, from, to);
  return sql;
}

Charsets charsets_of(const SessionState& state, const std::string& names) {
  const auto& variables = state.variables();
  return {find(variables, known().charset_client), find(variables, known().charset_connection),
          find(variables, known().charset_results), find(variables, known().collation_connection),
          names};
}

}  // namespace

void SessionState::set_schema(std::string_view schema) {
  schema_ = schema;
}

void SessionState::set_variable(std::size_t id, std::string_view value) {
  const auto at =
      std::lower_bound(variables_.begin(), variables_.end(), id,
                       [](const Variable& v, std::size_t wanted) { return v.id < wanted; });
  if (at != variables_.end() && at->id == id) {
    // Assigned again, a character set still brings its default collation back.
    const bool resets = (id == known().charset_connection &&
                         find(variables_, known().collation_connection) != nullptr) ||
                        (id == known().charset_results && !names_.empty());
    if (at->value == value && !resets) return;
    at->value = value;
  } else {
    variables_.insert(at, Variable{static_cast<std::uint8_t>(id), std::string(value)});
  }
  on_variable_changed(id, value);
}

void SessionState::erase_variable(std::size_t id) {
  std::erase_if(variables_, [id](const Variable& v) { return v.id == id; });
}

void SessionState::on_variable_changed(std::size_t id, std::string_view value) {
  if (id == known().sql_mode) {
    ansi_quotes_ = lists(value, "ANSI_QUOTES");
    no_backslash_escapes_ = lists(value, "NO_BACKSLASH_ESCAPES");
  } else if (id == known().isolation_mysql || id == known().isolation_mariadb) {
    serializable_ = value == "SERIALIZABLE";
    reads_committed_ = value == "READ-COMMITTED" || value == "READ-UNCOMMITTED";
  } else if (id == known().auto_is_null) {
    auto_is_null_ = value == "ON" || value == "1";
  } else if (id == known().charset_connection) {
    // Brings its own default collation with it; an explicit one is reported or set after it.
    erase_variable(known().collation_connection);
  } else if (id == known().charset_results) {
    names_.clear();
  }
}

void SessionState::set_names(std::string_view collation) {
  if (collation.empty()) {
    erase_variable(known().collation_connection);
  } else {
    set_variable(known().collation_connection, collation);
  }
  names_ = collation;
}

void SessionState::reset_variables() {
  variables_.clear();
  names_.clear();
  ansi_quotes_ = false;
  no_backslash_escapes_ = false;
  serializable_ = false;
  reads_committed_ = false;
  auto_is_null_ = false;
}

void SessionState::apply(protocol::Bytes session_changes) {
  std::optional<std::string_view> collation;
  protocol::SessionChangeReader reader(session_changes);
  while (const auto change = reader.next()) {
    if (change->type == static_cast<std::uint8_t>(protocol::SessionChangeType::schema)) {
      set_schema(change->value);
    } else if (change->type ==
               static_cast<std::uint8_t>(protocol::SessionChangeType::system_variables)) {
      const auto id = sql::find_tracked_variable(change->name);
      if (!id) continue;
      set_variable(*id, change->value);
      if (*id == known().collation_connection) collation = change->value;
    }
  }
  // Servers report in no certain order: the character set may have come behind its collation.
  if (collation) set_variable(known().collation_connection, *collation);
}

bool SessionState::sql_mode_known() const {
  return std::any_of(variables_.begin(), variables_.end(),
                     [](const Variable& v) { return v.id == known().sql_mode; });
}

bool SessionState::releases_on_commit() const {
  const std::string* value = find(variables_, known().completion_type);
  return value != nullptr && (*value == "RELEASE" || *value == "2");
}

std::string_view SessionState::client_charset() const {
  for (const Variable& variable : variables_) {
    if (variable.id == known().charset_client) return variable.value;
  }
  return {};
}

bool SessionState::prepares_like(const SessionState& other) const {
  if (schema_ != other.schema_) return false;
  const auto ids = ids_of_prepare();
  return std::all_of(ids.begin(), ids.end(), [&](std::size_t id) {
    return same(find(variables_, id), find(other.variables_, id));
  });
}

SessionState SessionState::prepared_as(const SessionState& other) const {
  SessionState state = *this;
  // A statement that was prepared without a schema names it everywhere.
  if (!other.schema_.empty()) state.schema_ = other.schema_;
  for (const std::size_t id : ids_of_prepare()) {
    const std::string* value = find(other.variables_, id);
    if (value != nullptr) {
      state.set_variable(id, *value);
    } else {
      state.erase_variable(id);
    }
  }
  return state;
}

std::size_t SessionState::hash() const {
  std::size_t seed = keyed_hash(schema_) * 31 + keyed_hash(names_);
  for (const Variable& variable : variables_) {
    seed = (seed ^ variable.id) * 0x9e3779b97f4a7c15 + keyed_hash(variable.value);
  }
  return seed;
}

int append_repair(std::string& out, const SessionState& from, const SessionState& to,
                  protocol::Capabilities capabilities) {
  int commands = 0;
  if (from.schema() != to.schema() && !to.schema().empty()) {
    protocol::append_command(out, static_cast<std::uint8_t>(protocol::Command::init_db),
                             to.schema());
    ++commands;
  }
  const Charsets wanted = charsets_of(to, to.names());
  const bool whole = wanted.known_whole();
  std::string set = variable_repair(from.variables(), to.variables(), whole);
  if (whole && !(charsets_of(from, from.names()) == wanted)) append_charsets(set, wanted);
  if (!set.empty()) {
    protocol::append_query(out, set, capabilities);
    ++commands;
  }
  return commands;
}

bool reports_state(protocol::Bytes session_changes) {
  protocol::SessionChangeReader reader(session_changes);
  while (const auto change = reader.next()) {
    if (change->type == static_cast<std::uint8_t>(protocol::SessionChangeType::schema)) return true;
    if (change->type == static_cast<std::uint8_t>(protocol::SessionChangeType::system_variables) &&
        sql::find_tracked_variable(change->name)) {
      return true;
    }
  }
  return false;
}

bool is_ascii_unsafe(std::string_view charset) {
  constexpr std::array<std::string_view, 5> kUnsafe = {"gbk", "sjis", "big5", "cp932", "gb18030"};
  return std::find(kUnsafe.begin(), kUnsafe.end(), charset) != kUnsafe.end();
}

}  // namespace weir
