// A greeting is decoded within its bounds, and what was decoded survives being encoded again.

#include <cstdlib>
#include <string>

#include "protocol/handshake.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::protocol;
  const auto greeting = decode_greeting({data, size});
  if (!greeting) return 0;
  std::string encoded;
  encode_greeting(encoded, *greeting);
  const auto again = decode_greeting(as_bytes(encoded));
  if (!again || again->version != greeting->version || again->nonce != greeting->nonce ||
      again->connection_id != greeting->connection_id ||
      again->capabilities != greeting->capabilities || again->collation != greeting->collation ||
      again->status != greeting->status || again->plugin != greeting->plugin)
    std::abort();
  return 0;
}
