// Hash functions over one or two pieces, for the authentication methods only.

#pragma once

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "protocol/byte_reader.h"

namespace weir::protocol {

using Sha1Digest = std::array<std::uint8_t, SHA_DIGEST_LENGTH>;
using Sha256Digest = std::array<std::uint8_t, SHA256_DIGEST_LENGTH>;

inline Sha1Digest sha1(Bytes input) {
  Sha1Digest digest;
  SHA1(input.data(), input.size(), digest.data());
  return digest;
}

inline Sha256Digest sha256(Bytes input) {
  Sha256Digest digest;
  SHA256(input.data(), input.size(), digest.data());
  return digest;
}

template <std::size_t N, std::size_t M>
std::array<std::uint8_t, N + M> joined(const std::array<std::uint8_t, N>& first,
                                       const std::array<std::uint8_t, M>& second) {
  std::array<std::uint8_t, N + M> both;
  std::copy(first.begin(), first.end(), both.begin());
  std::copy(second.begin(), second.end(), both.begin() + N);
  return both;
}

// `left` becomes left XOR right. `right` is at least as long.
template <std::size_t N>
void xor_with(std::array<std::uint8_t, N>& left, Bytes right) {
  for (std::size_t i = 0; i < N; ++i) left[i] = static_cast<std::uint8_t>(left[i] ^ right[i]);
}

}  // namespace weir::protocol
