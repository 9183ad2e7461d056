// What one read of a server's reply becomes for the client: the same bytes, written once, with the few
// packets replaced that speak of weir's own arrangements.

#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "protocol/capabilities.h"
#include "proxy/net/stream.h"

namespace weir {

// One per worker is enough, because one read is worked off at a time.
class ReplyRelay {
 public:
  ReplyRelay() { scratch_.reserve(kScratch); }

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
  std::string scratch_;   // never grows while slices point into it
};

// The OK packet `packet` (frame header included) as the client is to see it: without what only weir
// asked the server to report, and within the client's capabilities. `everything` keeps all reports, for
// a client that has asked for session trackers itself. Empty when the packet can go as it is.
std::string translate_ok(Bytes packet, protocol::Capabilities server, protocol::Capabilities client,
                         bool everything);

}  // namespace weir
