// The method caching_sha2_password, its fast half; the full one is in rsa_key.h. Protocol
// documentation: "Caching_sha2_password information".

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/auth/nonce.h"

namespace weir::protocol {

inline constexpr std::string_view kCachingSha2 = "caching_sha2_password";
inline constexpr std::size_t kCachingSha2ScrambleSize = 32;

// The bytes that tell the course of the exchange.
inline constexpr std::uint8_t kRequestPublicKey = 0x02;  // client: a packet of its own
inline constexpr std::uint8_t kFastAuthOk = 0x03;        // server: as AuthMoreData
inline constexpr std::uint8_t kFullAuthNeeded = 0x04;    // server: as AuthMoreData

// SHA256(SHA256(password)), which servers keep in memory after a full authentication.
using CachingSha2Verifier = std::array<std::uint8_t, 32>;

CachingSha2Verifier caching_sha2_verifier(std::string_view password);

// What the client answers: SHA256(password) XOR SHA256(SHA256(SHA256(password)) + nonce). Empty for
// an empty password.
std::string caching_sha2_scramble(std::string_view password, const Nonce& nonce);

// True when `response` was made from `nonce` and the password behind `verifier`. A response of
// another length than 32 never is; what an empty one means is for the caller to decide.
bool caching_sha2_verify(Bytes response, const Nonce& nonce, const CachingSha2Verifier& verifier);

}  // namespace weir::protocol
