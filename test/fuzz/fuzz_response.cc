// Packets that end replies, from a hostile server: decoded within their bounds, the same when
// encoded and decoded again, and never telling a client what it is not to see.
//
// Input: options, then a payload.

#include <algorithm>
#include <cstdlib>
#include <string>

#include "protocol/frame.h"
#include "protocol/response.h"
#include "proxy/core/session_state.h"
#include "proxy/session/translate_ok.h"

namespace weir {
namespace {

using namespace protocol;

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_in(Bytes outer, std::string_view inner) {
  const std::string_view whole = as_text(outer);
  return inner.empty() || (inner.data() >= whole.data() &&
                           inner.data() + inner.size() <= whole.data() + whole.size());
}

void walk(Bytes changes) {
  SessionChangeReader reader(changes);
  std::size_t count = 0;
  while (const auto change = reader.next()) {
    require(is_in(changes, change->name) && is_in(changes, change->value));
    require(is_in(changes, as_text(change->raw)) && !change->raw.empty());
    require(change->type == change->raw[0]);
    require(++count <= changes.size());
  }
  SessionState state;
  state.apply(changes);
  require(reports_state(changes) || state == SessionState());
  std::string repair;
  require(append_repair(repair, state, state, 0) == 0 && repair.empty());
  const int commands = append_repair(repair, SessionState(), state, 0);
  require((commands == 0) == repair.empty());
  require(state.prepares_like(state) && SessionState().prepared_as(state).prepares_like(state));
}

void check_ok(Bytes payload, Capabilities server) {
  const auto ok = decode_ok(payload, server);
  if (!ok) return;
  require(is_in(payload, ok->info) && is_in(payload, as_text(ok->session_changes)));
  walk(ok->session_changes);
  std::string encoded;
  append_ok(encoded, *ok, server);
  const auto again = decode_ok(as_bytes(encoded), server);
  require(again && again->head == ok->head && again->affected_rows == ok->affected_rows &&
          again->last_insert_id == ok->last_insert_id && again->warnings == ok->warnings &&
          again->info == ok->info &&
          as_text(again->session_changes) == as_text(ok->session_changes));
}

void check_translated(Bytes payload, Capabilities server, Capabilities client, bool everything) {
  std::string packet;
  std::uint8_t sequence = 5;
  append_frames(packet, as_text(payload), sequence);
  const std::string out = translate_ok(as_bytes(packet), server, client, everything);
  if (out.empty()) return;
  const Bytes bytes = as_bytes(out);
  require(read_frame_header(bytes).sequence == 5);
  require(read_frame_header(bytes).length + kFrameHeaderSize == bytes.size());
  const auto ok = decode_ok(bytes.subspan(kFrameHeaderSize), client);
  require(ok.has_value());
  if ((client & kSessionTrack) == 0) require((ok->status & kStatusSessionStateChanged) == 0);
  SessionChangeReader reader(ok->session_changes);
  while (const auto change = reader.next()) {
    require(change->type != static_cast<std::uint8_t>(SessionChangeType::gtids));
  }
  require(reader.ok());
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  if (size == 0) return 0;
  const Bytes payload(data + 1, size - 1);
  const Capabilities server = (data[0] & 1) ? kProtocol41 | kSessionTrack : kProtocol41;
  const Capabilities client = (data[0] & 2) ? kProtocol41 | kSessionTrack : kProtocol41;
  check_ok(payload, server);
  check_translated(payload, server, client, (data[0] & 4) != 0);
  if (const auto err = decode_err(payload)) {
    std::string encoded;
    append_err(encoded, *err);
    require(as_text(payload) == encoded);
  }
  if (const auto eof = decode_eof(payload)) {
    std::string encoded;
    append_eof(encoded, *eof);
    require(as_text(payload) == encoded);
  }
  walk(payload);
  return 0;
}
