// What servers store of a password instead of the password: mysql.user.authentication_string, and
// SHOW CREATE USER.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/auth/native_password.h"
#include "protocol/auth/sha256_crypt.h"

namespace weir::protocol {

// caching_sha2_password: "$A$", the thousands of rounds as three hexadecimal digits, "$", the salt,
// the text.
struct CryptedPassword {
  // In bytes: MySQL takes no longer one, and the work grows with the square of the length, which
  // strangers choose.
  static constexpr std::size_t kLongest = 256;

  unsigned rounds = 0;
  std::array<std::uint8_t, 20> salt{};
  Sha256CryptText text{};

  // Takes as long as sha256_crypt(); false at once for what is too long.
  bool is(std::string_view password) const;
};

// mysql_native_password: "*" and 40 hexadecimal digits.
using StoredPassword = std::variant<NativeVerifier, CryptedPassword>;

// From either form, as it is or as "0x" and its bytes in hexadecimal digits, which is how SHOW
// CREATE USER shows salts that are no text.
std::optional<StoredPassword> parse_stored_password(std::string_view text);

// Why parse_stored_password() does not take it, in words that do not repeat it; empty: it does.
std::string what_is_wrong_with_stored_password(std::string_view text);

}  // namespace weir::protocol
