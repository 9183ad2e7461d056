// Query attributes: named values that a client of MySQL 8.0.23 or later sends along with a
// statement. Protocol documentation: "COM_QUERY", "COM_STMT_EXECUTE"
// (page_protocol_com_query, page_protocol_com_stmt_execute).

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/byte_reader.h"
#include "protocol/capabilities.h"

namespace weir::protocol {

// In the flags of COM_STMT_EXECUTE: the number of parameters is written even if the statement has
// none, because attributes follow.
inline constexpr std::uint8_t kParameterCountAvailable = 0x08;

// Reads the parameters' types, and their names when there are attributes on the connection. The
// view of them all; fails in `in`.
Bytes read_parameter_types(ByteReader& in, std::uint64_t count, Capabilities capabilities);

// The statement in a COM_QUERY, whose payload may be only the beginning of the command. Nothing
// when it cannot be told for certain where the text begins: the command is malformed, has a value
// of a type that servers read in different ways, or is cut before the text. Servers answer a
// malformed one with 1835, HY000.
std::optional<Bytes> query_text(Bytes payload, Capabilities capabilities);

// Appends a COM_QUERY without attributes, framed, for a connection with these capabilities.
void append_query(std::string& out, std::string_view sql, Capabilities capabilities);

}  // namespace weir::protocol
