// Result sets of our own making, in the text protocol. Protocol documentation: "Text Resultset",
// "Protocol::ColumnDefinition41", "Text Resultset Row".

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/capabilities.h"
#include "protocol/server_status.h"

namespace weir::protocol {

// The types that we answer with, by their numbers in the protocol.
enum class ColumnType : std::uint8_t {
  real = 0x05,     // DOUBLE
  integer = 0x08,  // BIGINT, signed
  text = 0xfd,     // VARCHAR in utf8mb4
};

struct ResultColumn {
  std::string name;
  ColumnType type = ColumnType::text;
};

// Each row has a value for each column; nothing is NULL.
struct ResultSet {
  using Value = std::optional<std::string>;
  using Row = std::vector<Value>;

  std::vector<ResultColumn> columns;  // at least one
  std::vector<Row> rows;
};

// Appends the whole reply, framed. `sequence` is the number of its first packet and is left at the
// number after its last one. `capabilities` are those agreed with the receiver, whose client asked
// in the text protocol.
void append_result_set(std::string& out, const ResultSet& set, ServerStatus status,
                       Capabilities capabilities, std::uint8_t& sequence);

}  // namespace weir::protocol
