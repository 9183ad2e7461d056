#include "protocol/auth/nonce.h"

#include <openssl/rand.h>

#include <algorithm>

namespace weir::protocol {

std::optional<Nonce> make_nonce() {
  Nonce nonce;
  std::size_t filled = 0;
  while (filled < nonce.size()) {
    std::array<std::uint8_t, 32> random;
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return std::nullopt;
    // Bytes that may not occur are drawn again rather than mapped, so that all others are equally
    // likely.
    for (const std::uint8_t byte : random) {
      const auto seven_bits = static_cast<std::uint8_t>(byte & 0x7f);
      if (seven_bits == 0 || seven_bits == '$' || filled == nonce.size()) continue;
      nonce[filled++] = seven_bits;
    }
  }
  return nonce;
}

std::optional<Nonce> read_nonce(Bytes data) {
  if (data.size() == kNonceSize + 1 && data.back() == 0) data = data.first(kNonceSize);
  if (data.size() != kNonceSize) return std::nullopt;
  Nonce nonce;
  std::copy(data.begin(), data.end(), nonce.begin());
  return nonce;
}

}  // namespace weir::protocol
