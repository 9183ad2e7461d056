// Prepared statements: what they are, shared by the sessions of a worker, and what a session knows
// of them, by the ids that its client knows. Which server connection has which of them prepared,
// and under what id, is the connection's knowledge.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/byte_reader.h"
#include "protocol/capabilities.h"
#include "protocol/command.h"
#include "proxy/core/client_error.h"
#include "proxy/core/rules.h"
#include "proxy/core/state_table.h"
#include "proxy/core/substitution.h"
#include "sql_classifier/classification.h"

namespace weir {

inline constexpr std::uint32_t kLastPrepared = UINT32_MAX;

// A text as it is prepared. Two clients that prepare the same text under the same schema, sql_mode
// and character sets share it, so that they also share what servers have prepared for it.
struct SharedStatement {
  std::uint64_t id = 0;  // unique in its store, never used again
  std::string text;
  StatePtr state;             // what the text was read by, see SessionState::prepares_like()
  sql::Classification facts;  // of the text; its views are empty
  std::uint16_t parameters = 0;
  std::vector<Substitution> substitutions;  // what the text does not have from its client
};
using StatementPtr = std::shared_ptr<const SharedStatement>;

// The statements of one worker. Keeps some that no client holds any more, because the next client
// is likely to prepare the same.
class StatementStore {
 public:
  explicit StatementStore(StateTable& states) : states_(states) {}

  StatementPtr intern(std::string_view text, const SessionState& state,
                      const sql::Classification& facts, std::uint16_t parameters,
                      const std::vector<Substitution>& substitutions = {});
  std::size_t size() const { return statements_.size(); }

 private:
  void drop_unused();

  // By hash of the text.
  std::unordered_multimap<std::size_t, StatementPtr> statements_;
  StateTable& states_;
  std::uint64_t last_id_ = 0;
  std::size_t unused_limit_ = 1024;
};

// A statement of one client.
struct PreparedStatement {
  std::uint32_t id = 0;  // the client's
  StatementPtr shared;
  TextMatches rules;  // of the text as its client wrote it
  // The types of the parameters, as the last COM_STMT_EXECUTE that carried them had them. An
  // execute may leave them out when the server has seen them before: another server has not.
  std::string types;
  std::uint64_t types_version = 0;  // unique to these types of this statement; 0: none so far
  std::string bare_types;           // the same types without names, two bytes each
  std::string taken_for;            // what MySQL takes the parameters for, see take_types()
  // COM_STMT_SEND_LONG_DATA, framed as they came, to be sent before the next execute.
  std::vector<std::string> long_data;
  std::size_t long_data_size = 0;
  // Long data that is not taken: the answer to every execute until a COM_STMT_RESET.
  std::optional<ClientError> refusal;
  bool cursor_open = false;  // rows can be fetched, on the connection that executed it
  bool retired = false;      // the client has closed it, see PreparedStatements::retire()

  void drop_long_data();
};

class PreparedStatements {
 public:
  // A new statement with an id that is free.
  PreparedStatement& add(StatementPtr shared);
  PreparedStatement* find(std::uint32_t id);
  // The statement that was prepared last, while it exists and no other preparation has failed
  // since. MariaDB's clients call it kLastPrepared, because they send the execute along with the
  // prepare.
  PreparedStatement* last();
  void forget_last() { last_ = 0; }
  void erase(std::uint32_t id);
  // The client has closed it, but it may be needed once more until drop_retired().
  void retire(std::uint32_t id);
  void drop_retired();
  void clear();
  std::size_t size() const { return statements_.size(); }
  // Bytes of all that a client can make large, about.
  std::size_t memory() const;
  // Bytes of all their texts together.
  std::size_t text_size() const { return text_size_; }
  bool any_cursor() const;

 private:
  std::unordered_map<std::uint32_t, PreparedStatement> statements_;
  std::uint32_t last_id_ = 0;  // given out
  std::uint32_t last_ = 0;     // what last() is about; 0: none
  std::size_t text_size_ = 0;
  std::vector<std::uint32_t> retired_;
};

// Writes a statement id over the one in a command that has one: it lies behind the frame header and
// the command byte. `command` is at least as long.
void write_statement_id(std::span<std::uint8_t> command, std::uint32_t id);

// COM_STMT_EXECUTE and MariaDB's COM_STMT_BULK_EXECUTE, as far as a proxy needs to understand them.
// Protocol documentation: "COM_STMT_EXECUTE"; MariaDB documentation: "COM_STMT_BULK_EXECUTE".
//
//   0x17 | statement id | flags | iterations | [n] | null bitmap | types follow? | types | values
//   1    | 4            | 1     | 4          |     | (n+7)/8     | 1             |       |
//
//   0xfa | statement id | flags, among them "types follow?" | types | values of all rows
//   1    | 4            | 2                                 |       |
//
// A type has two bytes. Where the connection has query attributes, n is written, counts them, too,
// behind the statement's own parameters, and a name follows each type.
struct ExecuteLayout {
  std::uint8_t cursor = 0;  // its type; 0: none
  bool has_types = false;
  std::string_view types;         // of the statement's own parameters, when has_types
  protocol::Bytes nulls;          // a bit for each; none in MariaDB's bulk command
  std::size_t types_flag_at = 0;  // offset of "types follow?"; 0 when none can be missing
  std::uint8_t types_flag = 1;    // its bit there
  std::size_t types_at = 0;       // offset of the types, wanting or not
};

// The size of the part of an execute that does not depend on the statement; `command` is 0x17 or
// 0xfa. Servers call a shorter one malformed before they look for the statement.
std::size_t fixed_execute_size(protocol::Command command);

// `payload` may be only the beginning of the command, as long as it reaches past the types.
// `capabilities` are those of the connection. Nothing when it is malformed or too short: 1835,
// HY000.
std::optional<ExecuteLayout> parse_execute(protocol::Bytes payload, std::uint16_t parameters,
                                           protocol::Capabilities capabilities);

// The same command with the types put in. `payload` is whole and has none.
std::string insert_types(protocol::Bytes payload, const ExecuteLayout& layout,
                         std::string_view types);

}  // namespace weir
