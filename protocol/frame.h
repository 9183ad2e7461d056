// Packets on the wire: a header of four bytes (payload length, sequence number), then the payload.
// A payload of 0xffffff bytes is continued by the next packet, which may be empty. Protocol
// documentation: "MySQL Packets".

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/byte_writer.h"

namespace weir::protocol {

inline constexpr std::size_t kFrameHeaderSize = 4;
inline constexpr std::size_t kMaxFramePayload = 0xffffff;

struct FrameHeader {
  std::uint32_t length = 0;  // of the payload that follows
  std::uint8_t sequence = 0;

  bool continues() const { return length == kMaxFramePayload; }
};

// Reads a header. `bytes` holds at least kFrameHeaderSize bytes.
inline FrameHeader read_frame_header(Bytes bytes) {
  ByteReader in(bytes);
  FrameHeader header;
  header.length = in.int3();
  header.sequence = in.int1();
  return header;
}

// Appends `payload` as one or more frames; `sequence` is the first one's number and is left at the
// number after the last one's.
void append_frames(std::string& out, std::string_view payload, std::uint8_t& sequence);

// A packet with `payload` in place of what it has behind its header, from the same number on.
std::string with_payload(Bytes packet, std::string_view payload);

// Appends one command, whose first frame has the sequence number 0.
void append_command(std::string& out, std::uint8_t command, std::string_view arguments);

}  // namespace weir::protocol
