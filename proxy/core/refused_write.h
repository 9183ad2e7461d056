// A write in a READ ONLY transaction that runs on a replica: some servers refuse it because they
// are read-only themselves, where the primary would have named the transaction. Pure.

#pragma once

#include <cstdint>
#include <string>

#include "protocol/byte_reader.h"

namespace weir {

// An error code with which a server refuses every write.
bool is_read_only_server(std::uint16_t code);

// A row packet of SHOW WARNINGS or SHOW ERRORS, frame header included, with the transaction named
// in place of the server. Empty when it can stay as it is, as the row of any other question can.
// `binary` is the protocol of prepared statements.
std::string as_refused_by_transaction(protocol::Bytes packet, bool binary);

}  // namespace weir
