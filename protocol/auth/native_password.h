// The method mysql_native_password. Protocol documentation: "Native Authentication".

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/auth/nonce.h"
#include "protocol/auth/secret.h"

namespace weir::protocol {

inline constexpr std::string_view kNativePassword = "mysql_native_password";
inline constexpr std::size_t kNativeScrambleSize = 20;

// SHA1(SHA1(password)), which servers store as "*HEX".
using NativeVerifier = std::array<std::uint8_t, 20>;

NativeVerifier native_verifier(std::string_view password);

// What the client answers: SHA1(password) XOR SHA1(nonce + SHA1(SHA1(password))). Empty for an
// empty password.
std::string native_scramble(std::string_view password, const Nonce& nonce);

// True when `response` was made from `nonce` and the password behind `verifier`. A response of
// another length than 20 never is; what an empty one means is for the caller to decide.
bool native_verify(Bytes response, const Nonce& nonce, const NativeVerifier& verifier);

// SHA1(password), out of a response that native_verify() takes: as good as the password for logins
// by this method.
Secret native_key(Bytes response, const Nonce& nonce, const NativeVerifier& verifier);
// native_scramble() by whoever has only that.
std::string native_scramble_of_key(std::string_view key, const Nonce& nonce);

}  // namespace weir::protocol
