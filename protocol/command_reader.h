// Cuts what a client sends into commands.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "protocol/frame.h"

namespace weir::protocol {

// Fed the bytes of one client in reads of any size. A command that arrives whole in one read is
// shown where it lies; one that is cut is kept until it is whole; one longer than kMaxKept is
// handed on in parts.
//
// How to drive it:
//   while (!in.empty() && the next command may be taken) {
//     step = reader.step(in);
//     in = in.subspan(step.consumed);
//     act on step.event;
//   }
class CommandReader {
 public:
  enum class Event : std::uint8_t {
    none,          // everything was consumed; more is needed
    command,       // `bytes` is one whole command
    begin,         // `bytes` is the beginning of a command that goes on in `part` events
    part,          // `bytes` is the next part of it; `last` tells whether it is complete now
    out_of_order,  // a wrong sequence number: the stream can no longer be understood
    too_large,     // the command is longer than the limit; seen at the header, before it is read
  };

  struct Step {
    Event event = Event::none;
    bool last = false;
    std::size_t consumed = 0;
    // Frame headers included. Valid until the next call, and while the input is.
    std::span<std::uint8_t> bytes;
  };

  static constexpr std::size_t kMaxKept = 1u << 20;
  static constexpr std::size_t kMaxIdle = 1u << 10;

  // `limit` is the largest command, in bytes of payload over all its frames.
  explicit CommandReader(std::size_t limit) : limit_(limit) {}

  Step step(std::span<std::uint8_t> in);

  // The client compresses. Then servers look at no numbers but those of the compressed packets, and
  // some clients give 0 to every frame of a long command; from now on further frames get the right
  // ones.
  void renumber() { renumbers_ = true; }

  // The sequence number that an answer to what was read last must begin with; after `out_of_order`,
  // the one that was expected, which is what servers answer with.
  std::uint8_t next_sequence() const { return next_sequence_; }
  // Gives back memory that a long command needed. What was shown is gone then.
  void trim() {
    if (shown_.capacity() > kMaxIdle) std::string().swap(shown_);
    if (kept_.empty() && kept_.capacity() > kMaxIdle) std::string().swap(kept_);
  }
  // Nothing of a command has been read yet.
  bool between_commands() const { return kept_.empty() && !streaming_; }

 private:
  Step step_streaming(std::span<std::uint8_t> in);
  Step begin_frame(std::span<std::uint8_t> header_bytes, std::size_t consumed);
  Event check(std::span<std::uint8_t> frame, bool first);

  std::size_t limit_;
  std::uint64_t total_ = 0;  // payload bytes of the command so far, by the headers
  std::uint8_t next_sequence_ = 0;
  bool renumbers_ = false;
  bool streaming_ = false;
  bool continues_ = false;      // streaming: another frame follows the current one
  std::size_t frame_left_ = 0;  // streaming: bytes of the current frame still to come
  std::string kept_;
  std::string shown_;  // what the last event showed, when it had been kept
};

}  // namespace weir::protocol
