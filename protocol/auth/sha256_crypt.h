// The slow hash under which servers store passwords for caching_sha2_password: SHA-crypt with
// SHA-256, as Ulrich Drepper has specified it ("Unix crypt using SHA-256 and SHA-512"). Not by
// crypt(3): MySQL's salts have 20 bytes, of any value, where that takes 16 letters.

#pragma once

#include <array>
#include <string_view>

#include "protocol/byte_reader.h"

namespace weir::protocol {

// The text behind the last "$" of a crypted password.
using Sha256CryptText = std::array<char, 43>;

// Takes milliseconds for 5000 rounds, and longer for longer passwords. Throws std::bad_alloc when
// OpenSSL has no memory.
Sha256CryptText sha256_crypt(std::string_view password, Bytes salt, unsigned rounds);

}  // namespace weir::protocol
