// The random challenge of a login ("scramble", "auth plugin data" in the protocol documentation).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocol/byte_reader.h"

namespace weir::protocol {

inline constexpr std::size_t kNonceSize = 20;
using Nonce = std::array<std::uint8_t, kNonceSize>;

// A fresh nonce from the system's random source: seven-bit bytes without NUL, because it travels as
// NUL-terminated text, and without '$', which separates the fields of a stored verifier. Empty when
// the random source fails: nobody may be let in then.
std::optional<Nonce> make_nonce();

// The nonce in `data` as greetings and switch requests carry it: 20 bytes, then one NUL that some
// servers leave out. Anything else is empty.
std::optional<Nonce> read_nonce(Bytes data);

}  // namespace weir::protocol
