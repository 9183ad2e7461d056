// MariaDB's method parsec (from 11.6 on), the client's half. MariaDB documentation: "Authentication
// Plugin - PARSEC".
//
// The server sends a nonce; asked for it by an empty packet, it says how a key is made from the
// password; the client signs both sides' nonces with Ed25519 (RFC 8032) under that key.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/byte_reader.h"

namespace weir::protocol {

inline constexpr std::string_view kParsec = "parsec";
inline constexpr std::size_t kParsecNonceSize = 32;
using ParsecNonce = std::array<std::uint8_t, kParsecNonceSize>;

// How the key is made: PBKDF2 with HMAC-SHA-512, 2^10 rounds and more.
struct ParsecRecipe {
  // As MariaDB's own clients: more would keep the caller busy for longer than 10 ms.
  static constexpr unsigned kMostDoublings = 3;

  unsigned doublings = 0;  // of the rounds
  Bytes salt;              // 1 to 255 bytes
};

// std::nullopt: it is malformed, another way to make a key, or beyond the bounds above.
std::optional<ParsecRecipe> decode_parsec_recipe(Bytes payload);

// What servers store of the password beside the recipe.
std::array<std::uint8_t, 32> parsec_public_key(std::string_view password,
                                               const ParsecRecipe& recipe);

// The server's nonce as it comes: 32 bytes. Anything else is empty.
std::optional<ParsecNonce> read_parsec_nonce(Bytes data);

// What the client answers: a nonce of its own, and the signature. Empty when there is no randomness
// to be had from the system.
std::optional<std::string> parsec_answer(std::string_view password, const ParsecRecipe& recipe,
                                         const ParsecNonce& server);

}  // namespace weir::protocol
