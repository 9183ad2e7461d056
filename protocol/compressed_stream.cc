#include "protocol/compressed_stream.h"

#include <algorithm>

namespace weir::protocol {

// Answers to commands that were sent ahead begin anew each, so as a client there is nothing to
// compare with.
bool CompressedStream::take_sequence(std::uint8_t sequence) {
  const auto next = static_cast<std::uint8_t>(sequence + 1);
  if (options_.side == Side::client || (!ahead_ && sequence == sequence_)) {
    sequence_ = next;
  } else if (sequence == 0 || (ahead_ && sequence == *ahead_)) {
    ahead_ = next;
  } else {
    return false;
  }
  return true;
}

void CompressedStream::next_command() {
  if (ahead_) sequence_ = *ahead_;
  ahead_.reset();
}

CompressedStream::Step CompressedStream::step(std::span<std::uint8_t> in, Compressor& compressor) {
  std::string().swap(shown_);
  std::span<std::uint8_t> packet = in;
  std::size_t used = 0;
  const auto fill = [&](std::size_t want) {
    if (kept_.size() < want) {
      const std::size_t taken = std::min(want - kept_.size(), in.size() - used);
      kept_.append(as_text(in.subspan(used, taken)));
      used += taken;
    }
    return kept_.size() >= want;
  };
  const bool in_place = kept_.empty() && in.size() >= kCompressedHeaderSize;
  if (!in_place && !fill(kCompressedHeaderSize)) return {Event::none, used, {}};
  const CompressedHeader header = read_compressed_header(in_place ? Bytes(in) : as_bytes(kept_));
  const std::size_t size = kCompressedHeaderSize + header.length;
  if (in_place && in.size() >= size) {
    used = size;
  } else {
    if (!fill(size)) return {Event::none, used, {}};
    shown_.swap(kept_);
    packet = {reinterpret_cast<std::uint8_t*>(shown_.data()), size};
  }
  if (!take_sequence(header.sequence)) return {Event::out_of_order, used, {}};
  const auto body = packet.subspan(kCompressedHeaderSize, header.length);
  const auto plain = compressor.unpack(header, body, options_.method);
  if (!plain) return {Event::malformed, used, {}};
  return {Event::bytes, used, *plain};
}

void CompressedStream::append(std::string& out, Bytes plain, Compressor& compressor) {
  if (options_.side == Side::server) return pack(out, plain, compressor);
  if (held_.empty()) return append_commands(out, plain, compressor);
  held_.append(as_text(plain));
  const std::string joined = std::move(held_);
  held_.clear();
  append_commands(out, as_bytes(joined), compressor);
}

void CompressedStream::append_commands(std::string& out, Bytes plain, Compressor& compressor) {
  std::size_t begun = 0;  // of what is not packed yet
  std::size_t at = 0;
  for (;;) {
    const std::size_t taken = std::min(frame_left_, plain.size() - at);
    frame_left_ -= taken;
    at += taken;
    if (plain.size() - at < kFrameHeaderSize) break;
    const FrameHeader header = read_frame_header(plain.subspan(at));
    if (begins_command(header)) {
      pack(out, plain.subspan(begun, at - begun), compressor);
      begun = at;
      sequence_ = 0;
      continued_ = false;
    } else {
      continued_ = true;
    }
    last_ = header;
    sent_any_ = true;
    frame_left_ = header.length;
    at += kFrameHeaderSize;
  }
  pack(out, plain.subspan(begun, at - begun), compressor);
  held_ = as_text(plain.subspan(at));
}

// Numbers go round: behind 255 comes 0. A command of so many packets could only be a file, and that
// ends with an empty one.
bool CompressedStream::begins_command(const FrameHeader& header) const {
  const bool goes_round = sent_any_ && last_.sequence == 0xff && last_.length > 0;
  return header.sequence == 0 && !goes_round;
}

void CompressedStream::pack(std::string& out, Bytes plain, Compressor& compressor) {
  while (!plain.empty()) {
    const Bytes piece = plain.first(std::min(plain.size(), kMaxPackable));
    compressor.pack(out, piece, options_.method, options_.level, sequence_++);
    plain = plain.subspan(piece.size());
  }
}

std::optional<std::uint8_t> CompressedStream::continued_answer() const {
  if (!continued_) return std::nullopt;
  return static_cast<std::uint8_t>(last_.sequence + 1);
}

}  // namespace weir::protocol
