// Replies that a hostile server chooses. However they are cut into reads, the same bytes are
// forwarded and the same events seen; and nothing is forwarded that the server did not send.
//
// Input: shape, options, a byte that chooses the reads, then the reply.

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "protocol/reply_tracker.h"

namespace weir::protocol {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Seen {
  std::string forwarded;
  std::string events;  // kind, last, status and number of each, with the packet
  bool boundary = true;
  bool operator==(const Seen&) const = default;
};

void record(Seen& seen, const ReplyTracker::Step& step, const ReplyTracker& tracker) {
  if (step.event == ReplyTracker::Event::none && !step.last) return;
  ByteWriter(seen.events)
      .int1(static_cast<std::uint8_t>(step.event))
      .int1(step.last ? 1 : 0)
      .int2(tracker.status())
      .int1(tracker.next_sequence());
  if (step.event != ReplyTracker::Event::none) {
    ByteWriter(seen.events).lenenc_text(as_text(step.packet));
  }
}

// Reads of `size` bytes, or of changing sizes when it is 0. A copy of each read in a block of its
// own, so that a view that outlives it is found.
Seen replay(ReplyShape shape, Capabilities capabilities, bool renumber, Bytes reply,
            std::size_t size) {
  ReplyTracker tracker(shape, capabilities);
  if (renumber) tracker.renumber(7);
  Seen seen;
  bool over = false;
  std::size_t varied = 1;
  while (!reply.empty() && !over) {
    const std::size_t count = std::min(size > 0 ? size : varied, reply.size());
    varied = varied * 5 % 23 + 1;
    const auto copy = std::make_unique<std::uint8_t[]>(count);
    std::copy_n(reply.begin(), count, copy.get());
    reply = reply.subspan(count);
    std::span<std::uint8_t> in(copy.get(), count);
    while (!in.empty() && !over) {
      const auto step = tracker.step(in);
      require(step.pass <= step.consumed && step.consumed <= in.size());
      require(step.consumed > 0 || step.last || step.event != ReplyTracker::Event::none);
      seen.forwarded += as_text(in.first(step.pass));
      seen.forwarded += as_text(step.packet);
      record(seen, step, tracker);
      over = step.last;
      in = in.subspan(step.consumed);
    }
  }
  seen.boundary = tracker.at_packet_boundary();
  return seen;
}

}  // namespace
}  // namespace weir::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::protocol;
  if (size < 3) return 0;
  constexpr ReplyShape kShapes[] = {
      ReplyShape::none,        ReplyShape::ok,   ReplyShape::result, ReplyShape::prepare,
      ReplyShape::definitions, ReplyShape::rows, ReplyShape::text};
  const ReplyShape shape = kShapes[data[0] % std::size(kShapes)];
  if (shape == ReplyShape::none) return 0;
  Capabilities capabilities = kProtocol41;
  if (data[1] & 1) capabilities |= kDeprecateEof;
  if (data[1] & 2) capabilities |= kSessionTrack;
  const bool renumber = (data[1] & 4) != 0;
  const Bytes reply(data + 3, size - 3);
  const Seen whole = replay(shape, capabilities, renumber, reply, reply.size());
  require(whole.forwarded.size() <= reply.size());
  if (!renumber) require(as_text(reply).starts_with(whole.forwarded));
  for (const std::size_t step : {std::size_t{1}, std::size_t{data[2]}, std::size_t{0}}) {
    require(replay(shape, capabilities, renumber, reply, step) == whole);
  }
  return 0;
}
