#include "protocol/auth/native_password.h"

#include <numeric>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::ExactBytes;
using test::to_hex;

Nonce counting_nonce() {
  Nonce nonce;
  std::iota(nonce.begin(), nonce.end(), std::uint8_t{1});
  return nonce;
}

constexpr const char* kLongPassword90 =
    "p\xc3\xa4ssw\xc3\xb6rd with spaces, and more than one block of the hash function in its "
    "length";

// Computed from the formulas by another implementation of the hash functions.
TEST_CASE("native_password: known answers") {
  struct Case {
    const char* password;
    const char* verifier;
    const char* scramble;
  };
  const Case cases[] = {
      {"secret", "14e65567abdb5135d0cfd9a70b3032c179a49ee7",
       "b32bb3a583e1340c0a1108d58b1be49781ad8c2f"},
      {kLongPassword90, "ec3d903c3657cf843e1e77e0ab4f0d4e7ca94685",
       "53c7d4af34d4e235ed7716e466d3c8e9bd9434ea"},
  };
  for (const Case& c : cases) {
    CHECK(to_hex(native_verifier(c.password)) == c.verifier);
    const std::string scramble = native_scramble(c.password, counting_nonce());
    CHECK(to_hex(scramble) == c.scramble);
    CHECK(native_verify(ExactBytes(scramble), counting_nonce(), native_verifier(c.password)));
  }
}

TEST_CASE("native_password: an empty password has an empty answer") {
  CHECK(native_scramble("", counting_nonce()).empty());
  CHECK_FALSE(native_verify({}, counting_nonce(), native_verifier("")));
}

TEST_CASE("native_password: nothing but the right answer verifies") {
  const Nonce nonce = counting_nonce();
  const NativeVerifier verifier = native_verifier("secret");
  const std::string right = native_scramble("secret", nonce);

  for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
    std::string wrong = right;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(native_verify(ExactBytes(wrong), nonce, verifier));
  }
  for (std::size_t length = 0; length < right.size(); ++length)
    CHECK_FALSE(native_verify(ExactBytes(right.substr(0, length)), nonce, verifier));
  CHECK_FALSE(native_verify(ExactBytes(right + '\0'), nonce, verifier));
  CHECK_FALSE(native_verify(ExactBytes(native_scramble("Secret", nonce)), nonce, verifier));

  Nonce other = nonce;
  other[19] ^= 1;
  CHECK_FALSE(native_verify(ExactBytes(right), other, verifier));
}

}  // namespace
}  // namespace weir::protocol
