// Where a reply ends, and what in it matters to a proxy, from packet heads alone.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "protocol/capabilities.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/server_status.h"

namespace weir::protocol {

// Follows one reply of a server through reads of any size. Rows and column definitions are passed
// over without being looked at; the few packets that carry meaning are shown whole.
//
// How to drive it:
//   while (!in.empty()) {
//     step = tracker.step(in);
//     forward in.first(step.pass);
//     forward step.packet (or something in its place);
//     in = in.subspan(step.consumed);
//     if (step.last) break;           // `in` now begins the next reply
//   }
//
// A packet of interest that is cut by the end of a read is kept inside the tracker until the rest
// has come, so whoever drives it can still replace a packet after having seen only half of it. At
// most kMaxKept bytes are kept.
class ReplyTracker {
 public:
  enum class Event : std::uint8_t {
    none,  // nothing but bytes to pass on; `packet` may still hold bytes that were kept back
    ok,    // an OK packet, also the one that ends rows under CLIENT_DEPRECATE_EOF
    eof,   // the EOF packet that ends rows or definitions
    err,   // an ERR packet
    local_infile,  // the server asks for a file of the client's; it answers again once it has it
    prepared,      // PREPARE_OK; definitions may follow
    definition,    // of a column or parameter; only after show_definitions()
    row,           // that is not too large; only after show_rows()
    malformed,     // no server answers like this: the connection is of no more use
  };

  struct Step {
    Event event = Event::none;
    std::size_t pass = 0;      // bytes at the front of the input to forward unchanged
    std::size_t consumed = 0;  // bytes of the input that are done with, `pass` included
    Bytes packet;              // the packet of the event, frame header included; follows the passed
                   // bytes on the wire. Valid until the next call, and while the input is
    bool last = false;  // the reply is complete
    bool kept = false;  // `packet` is the tracker's own copy, not part of the input
  };

  static constexpr std::size_t kMaxKept = 1u << 20;

  ReplyTracker() = default;
  // `capabilities` are those negotiated with the server.
  ReplyTracker(ReplyShape shape, Capabilities capabilities);

  // Writes to `in` only after renumber().
  Step step(std::span<std::uint8_t> in);

  // From here on the packets are given numbers that go on from `first`. Servers that compress count
  // otherwise, see CompressedStream, and clients that do not would lose their place. Called before
  // the reply begins, or when the server goes on after it has got the client's file.
  void renumber(std::uint8_t first) {
    renumbers_ = true;
    next_sequence_ = first;
  }

  // Before the first step: definitions, or rows, are shown one by one, for whoever wants to change
  // them.
  void show_definitions() { show_definitions_ = true; }
  void show_rows() { show_rows_ = true; }

  // Status flags of the newest OK or EOF packet; zero before the first.
  ServerStatus status() const { return status_; }
  // Its count of warnings.
  std::uint16_t warnings() const { return warnings_; }
  // What the newest OK packet says about rows and generated keys; zero before the first.
  std::uint64_t affected_rows() const { return affected_rows_; }
  std::uint64_t insert_id() const { return insert_id_; }
  // Rows of the newest result set.
  std::uint64_t rows() const { return rows_; }
  // True when the newest result was a set of rows.
  bool has_rows() const { return has_rows_; }
  // The sequence number that the next packet of the reply would have.
  std::uint8_t next_sequence() const { return next_sequence_; }
  // True when what has been passed on and shown ends at the end of a packet, so that another could
  // follow. A packet that is kept back is not counted.
  bool at_packet_boundary() const { return frame_left_ == 0 && !continued_; }
  // True once a byte of the reply has come.
  bool started() const { return started_; }

 private:
  enum class State : std::uint8_t { head, definitions, definitions_eof, rows, done };
  enum class Interest : std::uint8_t { pass, show, malformed };

  Interest interest(const FrameHeader& header, std::uint8_t first) const;
  Interest interest_in_head(std::uint8_t first) const;
  Interest interest_in_rows(const FrameHeader& header, std::uint8_t first) const;
  void begin_passed_frame(const FrameHeader& header);
  Step step_kept(Bytes in);
  FrameHeader take_header(std::span<std::uint8_t> frame) const;
  Step show(Bytes packet, std::size_t pass, std::size_t consumed);
  Event on_head(Bytes payload);
  Event on_prepared(Bytes payload);
  Event on_column_count(Bytes payload);
  Event on_end(Bytes payload);
  Event on_err();
  Event on_definition();
  void after_definitions();

  bool deprecate_eof() const { return (capabilities_ & kDeprecateEof) != 0; }

  ReplyShape shape_ = ReplyShape::ok;
  State state_ = State::head;
  bool started_ = false;
  bool renumbers_ = false;
  bool continued_ = false;  // the frame before was full, so the next one has no head
  bool show_definitions_ = false;
  bool show_rows_ = false;
  bool ends_with_frame_ = false;  // no packet of its own marks the end
  std::uint8_t next_sequence_ = 1;
  ServerStatus status_ = 0;
  std::uint16_t warnings_ = 0;
  std::uint64_t affected_rows_ = 0;
  std::uint64_t insert_id_ = 0;
  std::uint64_t rows_ = 0;
  bool has_rows_ = false;
  Capabilities capabilities_ = 0;
  std::uint64_t definitions_left_ = 0;  // in State::definitions
  std::uint64_t columns_after_ = 0;     // COM_STMT_PREPARE: columns that follow the parameters
  std::size_t frame_left_ = 0;          // bytes of the current frame that are still to pass
  std::string kept_;                    // a packet cut by the end of a read
  std::string shown_;                   // what step_kept() returned a view of
};

}  // namespace weir::protocol
