// The state of a session that can be carried from one connection to another, as values; and what a
// connection must be told before it may serve a session.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/response.h"
#include "sql_classifier/classification.h"

namespace weir {

// A value. What is not in it has the server's default. Sessions and connections hold it by pointer,
// see state_table.h.
class SessionState {
 public:
  struct Variable {
    std::uint8_t id = 0;  // index into sql::tracked_variables()
    std::string value;    // as the server reported it
    bool operator==(const Variable&) const = default;
  };

  const std::string& schema() const { return schema_; }
  const std::vector<Variable>& variables() const { return variables_; }

  void set_schema(std::string_view schema);
  void set_variable(std::size_t id, std::string_view value);
  // After SET NAMES, or a login: the collation that was named, empty for the character set's own.
  // Servers do not report it, and it shows in the definitions of columns.
  void set_names(std::string_view collation);
  // Forgets every variable, as COM_RESET_CONNECTION does; the schema stays.
  void reset_variables();

  // Takes over what an OK packet reports.
  void apply(protocol::Bytes session_changes);

  const std::string& names() const { return names_; }

  // How statements are to be read in this state.
  bool sql_mode_known() const;
  bool ansi_quotes() const { return ansi_quotes_; }
  bool no_backslash_escapes() const { return no_backslash_escapes_; }
  // The isolation level is SERIALIZABLE.
  bool is_serializable() const { return serializable_; }
  // The isolation level is known to be READ COMMITTED, or READ UNCOMMITTED: each statement sees
  // what is committed when it begins.
  bool reads_committed() const { return reads_committed_; }
  // sql_auto_is_null: a comparison of a key with NULL finds LAST_INSERT_ID().
  bool auto_is_null() const { return auto_is_null_; }
  // completion_type is RELEASE: COMMIT and ROLLBACK end the session.
  bool releases_on_commit() const;
  // In which statements come; empty as long as no server has said so.
  std::string_view client_charset() const;

  // What COM_STMT_PREPARE reads a text by: schema, sql_mode, character sets. True when they are the
  // same in both.
  bool prepares_like(const SessionState& other) const;
  // This state with what COM_STMT_PREPARE reads a text by taken from `other`.
  SessionState prepared_as(const SessionState& other) const;

  bool operator==(const SessionState&) const = default;
  std::size_t hash() const;

 private:
  void erase_variable(std::size_t id);
  void on_variable_changed(std::size_t id, std::string_view value);

  std::string schema_;
  std::vector<Variable> variables_;  // by id
  std::string names_;                // the collation of character_set_results; empty: its own
  bool ansi_quotes_ = false;
  bool no_backslash_escapes_ = false;
  bool serializable_ = false;
  bool reads_committed_ = false;
  bool auto_is_null_ = false;
};

// The commands, framed and ready to send, that turn a connection in state `from` into one in state
// `to`; appended to `out`. Returns how many commands there are (0: the states are equal), each of
// which the server answers with one OK or ERR. `capabilities` are the connection's.
//
// A variable that only `from` has is set back to the server's default. A schema cannot be unset:
// when only `from` has one, the connection cannot serve the session, see can_repair().
int append_repair(std::string& out, const SessionState& from, const SessionState& to,
                  protocol::Capabilities capabilities);
inline bool can_repair(const SessionState& from, const SessionState& to) {
  return from.schema().empty() || !to.schema().empty();
}

// True when some of what an OK packet reports is part of a SessionState. Most reports are of GTIDs.
bool reports_state(protocol::Bytes session_changes);

// True for character sets in which a byte below 0x80 can be the second half of a letter, so that a
// lexer of bytes can be fooled: gbk, sjis, big5, cp932, gb18030.
bool is_ascii_unsafe(std::string_view charset);

}  // namespace weir
