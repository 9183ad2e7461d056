// MariaDB's method ed25519, the client's half. MariaDB Knowledge Base: "Authentication Plugin -
// ed25519".
//
// The client signs the server's nonce with Ed25519, but the key is not made from a seed of 32
// bytes: the secret scalar and the prefix of RFC 8032, section 5.1.6, are the halves of
// SHA512(password), whatever the password's length. Signing functions take seeds only, so the
// formula is put together here from libsodium's arithmetic, which takes the same time for every
// secret.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/byte_reader.h"

namespace weir::protocol {

inline constexpr std::string_view kEd25519 = "client_ed25519";
inline constexpr std::size_t kEd25519NonceSize = 32;

// What servers store of the password.
std::array<std::uint8_t, 32> ed25519_public_key(std::string_view password);

// What the client answers: 64 bytes.
std::string ed25519_sign(std::string_view password, Bytes nonce);

}  // namespace weir::protocol
