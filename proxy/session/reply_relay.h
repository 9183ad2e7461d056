// What one read of a server's reply becomes for the client: the same bytes, written once, with the
// few packets replaced that speak of weir's own arrangements.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "proxy/net/stream.h"

namespace weir {

// One per worker is enough, because one read is worked off at a time.
class ReplyRelay {
 public:
  ReplyRelay() { scratch_.reserve(kScratch); }

  bool empty() const { return count_ == 0; }
  // How often anything was written so far.
  std::uint64_t writes() const { return writes_; }
  // Bytes to forward; they must stay valid until flush().
  void add(Stream& to, Bytes bytes);
  // Bytes that are copied, because they will not.
  void add_copy(Stream& to, Bytes bytes);
  // Writes everything in one go.
  void flush(Stream& to);
  // Forgets what was not flushed.
  void clear();

 private:
  static constexpr std::size_t kSlices = 16;
  static constexpr std::size_t kScratch = 4096;

  std::array<Bytes, kSlices> slices_;
  std::size_t count_ = 0;
  std::uint64_t writes_ = 0;
  std::string scratch_;  // never grows while slices point into it
};

}  // namespace weir
