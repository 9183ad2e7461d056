#include "proxy/session/translate_ok.h"

#include <algorithm>
#include <array>

#include "protocol/frame.h"
#include "protocol/response.h"

namespace weir {
namespace {

using protocol::Bytes;
using protocol::SessionChangeType;

// What a server reports to every client that can read it, unless the client says otherwise.
bool is_reported_by_default(std::string_view variable) {
  constexpr std::array<std::string_view, 5> kDefaults = {"autocommit", "character_set_client",
                                                         "character_set_connection",
                                                         "character_set_results", "time_zone"};
  return std::find(kDefaults.begin(), kDefaults.end(), variable) != kDefaults.end();
}

void append_variable(std::string& out, const protocol::SessionChange& change) {
  std::string entry;
  protocol::ByteWriter(entry).lenenc_text(change.name).lenenc_text(change.value);
  protocol::ByteWriter(out)
      .int1(static_cast<std::uint8_t>(SessionChangeType::system_variables))
      .lenenc_text(entry);
}

std::string filter_changes(Bytes session_changes) {
  std::string kept;
  protocol::SessionChangeReader reader(session_changes);
  while (const auto change = reader.next()) {
    switch (static_cast<SessionChangeType>(change->type)) {
      case SessionChangeType::gtids:
        break;
      case SessionChangeType::system_variables:
        if (is_reported_by_default(change->name)) append_variable(kept, *change);
        break;
      default:
        kept.append(protocol::as_text(change->raw));
        break;
    }
  }
  return kept;
}

}  // namespace

std::string as_in_transaction(Bytes packet, bool is_ok, protocol::Capabilities server) {
  const Bytes payload = packet.subspan(protocol::kFrameHeaderSize);
  std::string changed;
  if (is_ok) {
    auto ok = protocol::decode_ok(payload, server);
    if (!ok) return std::string(protocol::as_text(packet));
    ok->status |= protocol::kStatusInTransaction;
    protocol::append_ok(changed, *ok, server);
  } else {
    auto eof = protocol::decode_eof(payload);
    if (!eof) return std::string(protocol::as_text(packet));
    eof->status |= protocol::kStatusInTransaction;
    protocol::append_eof(changed, *eof);
  }
  return protocol::with_payload(packet, changed);
}

std::string translate_ok(Bytes packet, protocol::Capabilities server, protocol::Capabilities client,
                         bool everything) {
  auto ok = protocol::decode_ok(packet.subspan(protocol::kFrameHeaderSize), server);
  if (!ok || (ok->status & protocol::kStatusSessionStateChanged) == 0) return {};
  std::string changes;
  if ((client & protocol::kSessionTrack) != 0) {
    if (everything) return {};
    changes = filter_changes(ok->session_changes);
  }
  ok->session_changes = protocol::as_bytes(changes);
  std::string payload;
  protocol::append_ok(payload, *ok, client);
  return protocol::with_payload(packet, payload);
}

}  // namespace weir
