// One connection's stream of compressed packets, both ways. Protocol documentation: "Compression"
// (page_protocol_basic_compression).
//
// Compressed packets have sequence numbers of their own. They begin at 0 with each command and go
// on through its answer. Where one command ends and the next begins, a new compressed packet
// begins: servers lose count when it does not. They do not look at the numbers of the ordinary
// packets inside, and in their answers set those to the number of the compressed packet now and
// then; see ReplyTracker::renumber().

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "protocol/compression.h"
#include "protocol/frame.h"

namespace weir::protocol {

class CompressedStream {
 public:
  enum class Side : std::uint8_t {
    server,  // we take commands and answer them
    client,  // we send commands
  };
  struct Options {
    Side side = Side::server;
    Compression method = Compression::zlib;
    int level = 3;  // zstd only
  };

  explicit CompressedStream(const Options& options) : options_(options) {}

  enum class Event : std::uint8_t {
    none,          // everything was consumed; more is needed
    bytes,         // `bytes` are the next of the stream
    malformed,     // a body that is not what its header says
    out_of_order,  // a wrong sequence number, from a client
  };
  struct Step {
    Event event = Event::none;
    std::size_t consumed = 0;
    // Valid until the next use of the compressor, the next call here, and while the input is.
    std::span<std::uint8_t> bytes;
  };
  // Takes at most one packet from what was received. One that is cut by the end of a read is kept,
  // which is all that the connection keeps.
  Step step(std::span<std::uint8_t> in, Compressor& compressor);

  // Appends `plain` in compressed packets. As a client: of the header of a packet that is cut by
  // the end of `plain`, the bytes are held back until the rest comes.
  void append(std::string& out, Bytes plain, Compressor& compressor);

  // As a server: the next command is being taken up, and what is sent from here on answers it. The
  // client may have sent it long before, while another was answered.
  void next_command();
  // As a client: when what was sent last continued a command, the number that the ordinary packets
  // of the answer begin with; those of a new command begin with 1.
  std::optional<std::uint8_t> continued_answer() const;

 private:
  bool take_sequence(std::uint8_t sequence);
  void pack(std::string& out, Bytes plain, Compressor& compressor);
  void append_commands(std::string& out, Bytes plain, Compressor& compressor);
  bool begins_command(const FrameHeader& header) const;

  Options options_;
  std::uint8_t sequence_ = 0;          // of the next packet, either way
  std::optional<std::uint8_t> ahead_;  // the same for commands sent ahead
  std::string kept_;                   // a packet cut by the end of a read
  std::string shown_;                  // the same, when it is whole
  // As a client: where in a command we are.
  std::string held_;  // the beginning of a header
  FrameHeader last_;
  bool sent_any_ = false;
  bool continued_ = false;
  std::size_t frame_left_ = 0;
};

}  // namespace weir::protocol
