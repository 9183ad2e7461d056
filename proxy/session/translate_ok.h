// What of a server's OK packet is for the client. Pure.

#pragma once

#include <string>

#include "protocol/byte_reader.h"
#include "protocol/capabilities.h"

namespace weir {

// The OK packet `packet` (frame header included) as the client is to see it: without what only weir
// asked the server to report, and within the client's capabilities. `everything` keeps all reports,
// for a client that has asked for session trackers itself. Empty when the packet can go as it is.
std::string translate_ok(protocol::Bytes packet, protocol::Capabilities server,
                         protocol::Capabilities client, bool everything);

// An OK or EOF packet, frame header included, that says that a transaction is open: for a read of
// one that ran elsewhere. `server` as above.
std::string as_in_transaction(protocol::Bytes packet, bool is_ok, protocol::Capabilities server);

}  // namespace weir
