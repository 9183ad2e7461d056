// Commands that a hostile client chooses. However they are cut into reads, the same commands are
// seen, and what is shown is what was sent. And back: a command that weir frames is read as one.
//
// Input: a byte that chooses the reads, a byte that chooses the limit and whether frames of 16 MiB
// may be long, which takes its time, then runs: a header as it lies, and how often the byte after
// it is repeated, so that long frames need no long input.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "protocol/command_reader.h"

namespace weir::protocol {
namespace {

using Event = CommandReader::Event;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Seen {
  std::size_t shown = 0;          // bytes, each of which was compared with what was sent
  std::vector<std::size_t> ends;  // of each command, in bytes shown
  Event ended = Event::none;
  std::uint8_t next_sequence = 0;
  bool between_commands = true;
};

// Reads of `size` bytes, or of changing sizes when it is 0.
Seen replay(std::string& bytes, std::size_t limit, std::size_t size) {
  const std::string_view sent = bytes;
  CommandReader reader(limit);
  Seen seen;
  std::size_t at = 0;
  std::size_t varied = 1;
  bool inside = false;
  while (at < bytes.size() && seen.ended == Event::none) {
    const std::size_t count = std::min(size > 0 ? size : varied, bytes.size() - at);
    varied = varied * 7 % 70001 + 1;
    std::span<std::uint8_t> in(reinterpret_cast<std::uint8_t*>(bytes.data()) + at, count);
    at += count;
    while (!in.empty() && seen.ended == Event::none) {
      const auto step = reader.step(in);
      require(step.consumed <= in.size());
      require(step.consumed > 0 || step.event != Event::none);
      const bool bad = step.event == Event::out_of_order || step.event == Event::too_large;
      require((step.event == Event::part) == inside || step.event == Event::none || bad);
      require((step.event != Event::none && !bad) || step.bytes.empty());
      require(sent.substr(seen.shown, step.bytes.size()) == as_text(step.bytes));
      seen.shown += step.bytes.size();
      if (bad) seen.ended = step.event;
      if (step.last) seen.ends.push_back(seen.shown);
      inside = (inside || step.event == Event::begin) && !step.last;
      in = in.subspan(step.consumed);
    }
  }
  seen.next_sequence = reader.next_sequence();
  seen.between_commands = reader.between_commands();
  return seen;
}

// What a client sends, from its short form: no more than about `most` bytes.
std::string expand(ByteReader in, std::size_t most) {
  std::string out;
  while (in.remaining() > 0 && out.size() < most) {
    const Bytes header = in.bytes(std::min(kFrameHeaderSize, in.remaining()));
    out += as_text(header);
    if (in.empty()) break;
    const std::uint8_t how = in.int1();
    if (how == 0xff && header.size() == kFrameHeaderSize) {  // as much as the header says
      out.append(std::min<std::size_t>(read_frame_header(header).length, most), 'x');
    } else {
      out += in.text(std::min<std::size_t>(how, in.remaining()));
    }
  }
  return out;
}

// Whatever the command: not a byte more or less, and nothing behind it.
void round_trip(Bytes input) {
  std::string framed;
  append_command(framed, input[0], as_text(input.subspan(1)));
  const std::size_t size = framed.size();
  const Seen seen = replay(framed, input.size(), size);
  require(seen.ended == Event::none && seen.between_commands);
  require(seen.ends == std::vector<std::size_t>{size} && seen.next_sequence == 1);
  require(as_text(as_bytes(framed).subspan(kFrameHeaderSize)) == as_text(input));
}

}  // namespace
}  // namespace weir::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::protocol;
  if (size < 2) return 0;
  constexpr std::size_t kLimits[] = {16, 1000, 2u << 20, kMaxFramePayload + 3, 64u << 20};
  round_trip({data, size});
  const std::size_t limit = kLimits[(data[1] & 0x7f) % std::size(kLimits)];
  const std::size_t most = (data[1] & 0x80) != 0 ? 17u << 20 : 8u << 10;
  std::string bytes = expand(ByteReader({data + 2, size - 2}), most);
  const Seen whole = replay(bytes, limit, bytes.size());
  const std::size_t small = bytes.size() > 100000 ? 4099 : 1;
  for (const std::size_t step : {small, small * (1u + data[0]), std::size_t{0}}) {
    const Seen other = replay(bytes, limit, step);
    require(other.ended == whole.ended && other.ends == whole.ends);
    require(other.next_sequence == whole.next_sequence);
    if (whole.ended == Event::none) require(other.between_commands == whole.between_commands);
  }
  return 0;
}
