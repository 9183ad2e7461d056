#include "protocol/command_reader.h"

#include <algorithm>

namespace weir::protocol {
namespace {

std::span<std::uint8_t> as_span(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

constexpr std::size_t kSequenceOffset = 3;

}  // namespace

CommandReader::Event CommandReader::check(std::span<std::uint8_t> frame, bool first) {
  if (first) next_sequence_ = 0;
  if (!first && renumbers_) frame[kSequenceOffset] = next_sequence_;
  const FrameHeader header = read_frame_header(frame);
  if (header.sequence != next_sequence_) return Event::out_of_order;
  next_sequence_ = static_cast<std::uint8_t>(header.sequence + 1);
  total_ = (first ? 0 : total_) + header.length;
  return total_ > limit_ ? Event::too_large : Event::none;
}

CommandReader::Step CommandReader::step(std::span<std::uint8_t> in) {
  if (streaming_) return step_streaming(in);
  std::size_t used = 0;
  if (kept_.empty() && in.size() >= kFrameHeaderSize) {
    const FrameHeader header = read_frame_header(in);
    const std::size_t size = kFrameHeaderSize + header.length;
    if (in.size() >= size && !header.continues()) {  // the ordinary case: whole, and where it lies
      if (const Event bad = check(in, true); bad != Event::none) return {bad, false, used, {}};
      return {Event::command, true, size, in.first(size)};
    }
  }
  // Cut by the end of the read: first the header, then as much of the command as is kept at all.
  const auto fill = [&](std::size_t want) {
    if (kept_.size() >= want) return true;
    const std::size_t taken = std::min(want - kept_.size(), in.size() - used);
    kept_.append(as_text(in.subspan(used, taken)));
    used += taken;
    return kept_.size() >= want;
  };
  const bool had_header = kept_.size() >= kFrameHeaderSize;
  if (!fill(kFrameHeaderSize)) return {Event::none, false, used, {}};
  const FrameHeader header = read_frame_header(as_bytes(kept_));
  if (!had_header) {
    if (const Event bad = check(as_span(kept_), true); bad != Event::none)
      return {bad, false, used, {}};
  }
  const std::size_t size = kFrameHeaderSize + header.length;
  const bool whole = size <= kMaxKept && !header.continues();
  if (!fill(whole ? size : kMaxKept)) return {Event::none, false, used, {}};

  shown_.swap(kept_);
  kept_.clear();
  if (whole) return {Event::command, true, used, as_span(shown_)};
  streaming_ = true;
  continues_ = header.continues();
  frame_left_ = size - shown_.size();
  return {Event::begin, false, used, as_span(shown_)};
}

CommandReader::Step CommandReader::step_streaming(std::span<std::uint8_t> in) {
  std::size_t used = 0;
  while (used < in.size()) {
    if (frame_left_ > 0) {
      const std::size_t taken = std::min(frame_left_, in.size() - used);
      used += taken;
      frame_left_ -= taken;
      if (frame_left_ == 0 && !continues_) {
        streaming_ = false;
        return {Event::part, true, used, in.first(used)};
      }
      continue;
    }
    // A further header. One that is cut is kept apart, and shown together with what follows it.
    if (used > 0 && in.size() - used < kFrameHeaderSize)
      return {Event::part, false, used, in.first(used)};
    if (!kept_.empty() || in.size() < kFrameHeaderSize) {
      const std::size_t taken = std::min(kFrameHeaderSize - kept_.size(), in.size());
      kept_.append(as_text(in.first(taken)));
      if (kept_.size() < kFrameHeaderSize) return {Event::none, false, taken, {}};
      shown_.swap(kept_);
      kept_.clear();
      return begin_frame(as_span(shown_), taken);
    }
    const auto frame = in.subspan(used);
    const FrameHeader header = read_frame_header(frame);
    if (const Event bad = check(frame, false); bad != Event::none) return {bad, false, used, {}};
    continues_ = header.continues();
    frame_left_ = kFrameHeaderSize + header.length;
  }
  return {Event::part, false, used, in.first(used)};
}

// A header that had been cut is whole now.
CommandReader::Step CommandReader::begin_frame(std::span<std::uint8_t> header_bytes,
                                               std::size_t consumed) {
  const FrameHeader header = read_frame_header(header_bytes);
  if (const Event bad = check(header_bytes, false); bad != Event::none) {
    return {bad, false, consumed, {}};
  }
  continues_ = header.continues();
  frame_left_ = header.length;
  const bool last = frame_left_ == 0 && !continues_;
  streaming_ = !last;
  return {Event::part, last, consumed, header_bytes};
}

}  // namespace weir::protocol
