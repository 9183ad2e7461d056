#include "protocol/auth/stored_password.h"

#include <algorithm>

#include "protocol/auth/secret.h"

namespace weir::protocol {
namespace {

constexpr std::string_view kCryptedPrefix = "$A$";
constexpr unsigned kRoundsUnit = 1000;
constexpr unsigned kLeastRounds = 5000;  // what servers accept themselves

std::optional<unsigned> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// The bytes that hexadecimal digits stand for.
std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const auto high = digit(digits[i]);
    const auto low = digit(digits[i + 1]);
    if (!high || !low) return std::nullopt;
    bytes += static_cast<char>(*high * 16 + *low);
  }
  return bytes;
}

std::optional<StoredPassword> parse_native(std::string_view digits) {
  const auto bytes = from_hex(digits);
  NativeVerifier verifier;
  if (!bytes || bytes->size() != verifier.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), verifier.begin());
  return verifier;
}

bool is_crypt_letter(char c) {
  return (c >= '.' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Behind the prefix.
std::optional<StoredPassword> parse_crypted(std::string_view fields) {
  CryptedPassword crypted;
  ByteReader in(as_bytes(fields));
  for (int i = 0; i < 3; ++i) {
    const auto value = digit(static_cast<char>(in.int1()));
    if (!value) return std::nullopt;
    crypted.rounds = crypted.rounds * 16 + *value;
  }
  crypted.rounds *= kRoundsUnit;
  const bool separated = in.int1() == '$';
  const Bytes salt = in.bytes(crypted.salt.size());
  const std::string_view text = as_text(in.bytes(crypted.text.size()));
  if (!in.complete() || !separated || crypted.rounds < kLeastRounds ||
      !std::all_of(text.begin(), text.end(), is_crypt_letter)) {
    return std::nullopt;
  }
  std::copy(salt.begin(), salt.end(), crypted.salt.begin());
  std::copy(text.begin(), text.end(), crypted.text.begin());
  return crypted;
}

}  // namespace

bool CryptedPassword::is(std::string_view password) const {
  if (password.size() > kLongest) return false;
  const Sha256CryptText made = sha256_crypt(password, salt, rounds);
  return equal_in_constant_time(as_bytes({made.data(), made.size()}),
                                as_bytes({text.data(), text.size()}));
}

std::optional<StoredPassword> parse_stored_password(std::string_view text) {
  std::string bytes;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    const auto decoded = from_hex(text.substr(2));
    if (!decoded) return std::nullopt;
    bytes = *decoded;
    text = bytes;
  }
  if (text.starts_with('*')) return parse_native(text.substr(1));
  if (text.starts_with(kCryptedPrefix)) return parse_crypted(text.substr(kCryptedPrefix.size()));
  return std::nullopt;
}

std::string what_is_wrong_with_stored_password(std::string_view text) {
  if (parse_stored_password(text)) return "";
  return "it must be what a server stores of a password: \"*\" and 40 hexadecimal digits, or "
         "\"$A$005$\", 20 bytes of salt and 43 letters; both also as 0x and hexadecimal digits, as "
         "SHOW CREATE USER prints them with print_identified_with_as_hex";
}

}  // namespace weir::protocol
