// The prepared statements of one session, by the ids that its client knows. Which server connection
// has which of them prepared, and under what id, is the connection's knowledge.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/byte_reader.h"
#include "sql_classifier/classification.h"

namespace weir {

struct PreparedStatement {
  std::uint32_t id = 0;
  std::string text;
  sql::Classification facts;  // of the text; its views are empty
  std::uint16_t parameters = 0;
  // The types of the parameters, as the last COM_STMT_EXECUTE that carried them had them. An
  // execute may leave them out when the server has seen them before: another server has not.
  std::string types;
  std::uint32_t types_version = 0;  // 0: no execute has carried any
  // COM_STMT_SEND_LONG_DATA, framed as they came, to be sent before the next execute.
  std::vector<std::string> long_data;
  std::size_t long_data_size = 0;
  const void* executed_on = nullptr;  // the connection that ran it last; only to be compared
  bool long_data_too_large = false;   // told to the client in answer to its next execute

  void drop_long_data();
};

class PreparedStatements {
 public:
  // A new statement with an id that is free.
  PreparedStatement& add(std::string_view text, const sql::Classification& facts,
                         std::uint16_t parameters);
  PreparedStatement* find(std::uint32_t id);
  void erase(std::uint32_t id);
  void clear();
  std::size_t size() const { return statements_.size(); }
  // Bytes of all their texts together.
  std::size_t text_size() const { return text_size_; }

 private:
  std::unordered_map<std::uint32_t, PreparedStatement> statements_;
  std::uint32_t last_id_ = 0;
  std::size_t text_size_ = 0;
};

// Writes a statement id over the one in a command that has one: it lies behind the frame header and
// the command byte. `command` is at least as long.
void write_statement_id(std::span<std::uint8_t> command, std::uint32_t id);

// COM_STMT_EXECUTE, as far as a proxy needs to understand it. Protocol documentation:
// "COM_STMT_EXECUTE".
//
//   head | statement id | flags | iterations | null bitmap | types follow? | types       | values
//   1    | 4            | 1     | 4          | (n+7)/8     | 1             | 2 per param | ...
struct ExecuteLayout {
  std::uint8_t flags = 0;  // cursor type
  bool has_types = false;
  std::string_view types;         // when has_types
  std::size_t types_flag_at = 0;  // offset of "types follow?"; 0 when there are no parameters
};

// `payload` may be only the beginning of the command, as long as it reaches past the types. Nothing
// when it is malformed or too short.
std::optional<ExecuteLayout> parse_execute(protocol::Bytes payload, std::uint16_t parameters);

// The same command with the types put in. `payload` is whole and has none.
std::string insert_types(protocol::Bytes payload, const ExecuteLayout& layout,
                         std::string_view types);

}  // namespace weir
