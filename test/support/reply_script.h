// Replies replayed through protocol::ReplyTracker in reads of every size.
//
// The law: however a reply is cut into reads, what is forwarded is the reply itself, and the same
// events are seen with the same packets.

#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_tracker.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::test {

using ReplyEvent = protocol::ReplyTracker::Event;

// One or more replies that come one after the other.
struct ReplyScript {
  std::vector<protocol::ReplyShape> shapes;
  protocol::Capabilities capabilities = 0;
  std::string bytes;
  std::optional<std::uint8_t> renumber = {};  // the first number of each reply, for the tracker
  bool shows_all = false;                     // definitions and rows are events, too
};

struct SeenEvent {
  ReplyEvent kind = ReplyEvent::none;
  std::string packet;  // of an event; not of bytes that are merely passed on
  bool last = false;
  protocol::ServerStatus status = 0;
  std::uint8_t next_sequence = 0;
  bool operator==(const SeenEvent&) const = default;
};

struct Replay {
  std::string forwarded;
  std::vector<SeenEvent> events;  // and the ends of replies that have no event of their own
  std::size_t replies = 0;        // complete ones
  bool malformed = false;
  bool boundary = true;  // as the tracker says, at the end
  bool operator==(const Replay&) const = default;

  std::vector<ReplyEvent> kinds() const {
    std::vector<ReplyEvent> kinds;
    for (const SeenEvent& event : events) kinds.push_back(event.kind);
    return kinds;
  }
};

class Replayer {
 public:
  // The script outlives this.
  explicit Replayer(const ReplyScript& script) : script_(script) { begin(0); }
  explicit Replayer(ReplyScript&&) = delete;

  void read(std::string_view chunk) {
    ExactBytes bytes(chunk);
    std::span<std::uint8_t> in = bytes.writable();
    while (!in.empty() && !seen_.malformed && seen_.replies < script_.shapes.size()) {
      const auto step = tracker_.step(in);
      take(step, in);
      in = in.subspan(step.consumed);
    }
    left_ += in.size();
  }
  // Bytes that came after the end of the last reply, or from the malformed packet on.
  std::size_t left() const { return left_; }
  Replay seen() const {
    Replay seen = seen_;
    seen.boundary = tracker_.at_packet_boundary();
    return seen;
  }

 private:
  void begin(std::size_t reply) {
    if (reply < script_.shapes.size()) {
      tracker_ = protocol::ReplyTracker(script_.shapes[reply], script_.capabilities);
      if (script_.renumber) tracker_.renumber(*script_.renumber);
      if (script_.shows_all) {
        tracker_.show_definitions();
        tracker_.show_rows();
      }
    }
  }
  void take(const protocol::ReplyTracker::Step& step, protocol::Bytes in) {
    const bool stuck = step.consumed == 0 && !step.last && step.event == ReplyEvent::none;
    if (stuck || step.pass > step.consumed || step.consumed > in.size()) {
      FAIL("a step that leads nowhere");
    }
    seen_.forwarded += protocol::as_text(in.first(step.pass));
    seen_.forwarded += protocol::as_text(step.packet);
    if (step.event != ReplyEvent::none || step.last) {
      const bool shown = step.event != ReplyEvent::none;
      seen_.events.push_back({step.event, shown ? std::string(protocol::as_text(step.packet)) : "",
                              step.last, tracker_.status(), tracker_.next_sequence()});
    }
    seen_.malformed = step.event == ReplyEvent::malformed;
    if (step.last && !seen_.malformed) begin(++seen_.replies);
  }

  const ReplyScript& script_;
  protocol::ReplyTracker tracker_;
  Replay seen_;
  std::size_t left_ = 0;
};

// The replay in reads that end at the given positions, which are sorted.
inline Replay replay_cut_at(const ReplyScript& script, const std::vector<std::size_t>& cuts) {
  Replayer replayer(script);
  std::size_t at = 0;
  for (const std::size_t cut : cuts) {
    replayer.read(std::string_view(script.bytes).substr(at, cut - at));
    at = cut;
  }
  replayer.read(std::string_view(script.bytes).substr(at));
  return replayer.seen();
}

inline Replay replay_whole(const ReplyScript& script) {
  return replay_cut_at(script, {});
}

inline std::vector<std::size_t> every(std::size_t step, std::size_t size) {
  std::vector<std::size_t> cuts;
  for (std::size_t at = step; at < size; at += step) cuts.push_back(at);
  return cuts;
}

inline std::vector<std::size_t> random_cuts(std::mt19937& random, std::size_t size) {
  std::vector<std::size_t> cuts;
  for (std::size_t at = 1 + random() % 40; at < size; at += 1 + random() % 40) cuts.push_back(at);
  return cuts;
}

// Replays a script in every way and requires the law. Returns what is seen when it comes whole.
inline Replay replay_every_way(const ReplyScript& script) {
  const Replay whole = replay_whole(script);
  const std::size_t size = script.bytes.size();
  if (!whole.malformed && !script.renumber)
    REQUIRE(to_hex(whole.forwarded) == to_hex(script.bytes));
  const auto require_same = [&](const std::vector<std::size_t>& cuts) {
    if (replay_cut_at(script, cuts) == whole) return;
    INFO("first cut at " << (cuts.empty() ? 0 : cuts.front()) << " of " << cuts.size() << ", reply "
                         << to_hex(script.bytes));
    FAIL("what is seen depends on how the reply is cut");
  };
  for (std::size_t cut = 1; cut < size; ++cut) require_same({cut});
  for (std::size_t step = 1; step <= 5; ++step) require_same(every(step, size));
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) require_same(random_cuts(random, size));
  return whole;
}

}  // namespace weir::test
