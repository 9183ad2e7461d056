// The file that a client sends after LOAD DATA LOCAL INFILE: packets of raw bytes, the last one
// empty. Protocol documentation: "LOCAL INFILE Request".

#pragma once

#include <algorithm>
#include <cstddef>

#include "protocol/frame.h"

namespace weir::protocol {

// Finds the end of the file in reads of any size, without looking at what is in it. Gives the
// packets the numbers that a server expects: a client that compresses may count otherwise, see
// CompressedStream.
class InfileReader {
 public:
  // `first` follows the number of the server's request.
  explicit InfileReader(std::uint8_t first = 2) : next_sequence_(first) {}

  // How many of the bytes belong to the file. done() tells whether they end it.
  std::size_t step(std::span<std::uint8_t> in) {
    std::size_t at = 0;
    while (at < in.size() && !done_) {
      if (frame_left_ > 0) {
        const std::size_t taken = std::min(frame_left_, in.size() - at);
        frame_left_ -= taken;
        at += taken;
        continue;
      }
      header_[header_size_++] = in[at++];
      if (header_size_ < kFrameHeaderSize) continue;
      header_size_ = 0;
      in[at - 1] = next_sequence_++;
      const FrameHeader header = read_frame_header(header_);
      // The empty packet behind a full one only says that the full one is complete.
      done_ = header.length == 0 && !continued_;
      continued_ = header.continues();
      frame_left_ = header.length;
    }
    return at;
  }
  bool done() const { return done_; }

 private:
  std::uint8_t header_[kFrameHeaderSize] = {};
  std::size_t header_size_ = 0;
  std::size_t frame_left_ = 0;
  std::uint8_t next_sequence_;
  bool continued_ = false;
  bool done_ = false;
};

}  // namespace weir::protocol
