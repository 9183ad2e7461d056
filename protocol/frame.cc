#include "protocol/frame.h"

namespace weir::protocol {

void append_frames(std::string& out, std::string_view payload, std::uint8_t& sequence) {
  for (;;) {
    const std::string_view part = payload.substr(0, kMaxFramePayload);
    ByteWriter(out).int3(part.size()).int1(sequence++).text(part);
    if (part.size() < kMaxFramePayload) return;
    payload.remove_prefix(part.size());
  }
}

std::string with_payload(Bytes packet, std::string_view payload) {
  std::string out;
  std::uint8_t sequence = read_frame_header(packet).sequence;
  append_frames(out, payload, sequence);
  return out;
}

void append_command(std::string& out, std::uint8_t command, std::string_view arguments) {
  std::uint8_t sequence = 0;
  if (arguments.size() + 1 < kMaxFramePayload) {  // the ordinary case, without a copy
    ByteWriter(out).int3(arguments.size() + 1).int1(sequence).int1(command).text(arguments);
    return;
  }
  std::string payload;
  payload.reserve(arguments.size() + 1);
  ByteWriter(payload).int1(command).text(arguments);
  append_frames(out, payload, sequence);
}

}  // namespace weir::protocol
