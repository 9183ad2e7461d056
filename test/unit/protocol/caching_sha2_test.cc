#include "protocol/auth/caching_sha2.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "protocol/auth/secret.h"
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

// Computed from the formulas by another implementation of the hash functions; the first scramble is
// also what three client libraries answer to this nonce.
TEST_CASE("caching_sha2: known answers") {
  struct Case {
    const char* password;
    const char* verifier;
    const char* scramble;
  };
  const Case cases[] = {
      {"secret", "3881219d087dd9c634373fd33dfa33a2cb6bfc6c520b64b8bb60ef2ceb534ae7",
       "746ebe205d56a0707acb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c9"},
      {kLongPassword90, "689d67a729233098d7633c0e90fb96fc3c9cae941735ec8283596e8c0c4272b1",
       "3d55119e59f8dcc6b4ba22f3d39f701e64afc47371787f8b94e8c6315605cac6"},
  };
  for (const Case& c : cases) {
    CHECK(to_hex(caching_sha2_verifier(c.password)) == c.verifier);
    const std::string scramble = caching_sha2_scramble(c.password, counting_nonce());
    CHECK(to_hex(scramble) == c.scramble);
    CHECK(caching_sha2_verify(ExactBytes(scramble), counting_nonce(),
                              caching_sha2_verifier(c.password)));
  }
}

TEST_CASE("caching_sha2: an empty password has an empty answer") {
  CHECK(caching_sha2_scramble("", counting_nonce()).empty());
  CHECK_FALSE(caching_sha2_verify({}, counting_nonce(), caching_sha2_verifier("")));
}

TEST_CASE("caching_sha2: nothing but the right answer verifies") {
  const Nonce nonce = counting_nonce();
  const CachingSha2Verifier verifier = caching_sha2_verifier("secret");
  const std::string right = caching_sha2_scramble("secret", nonce);

  for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
    std::string wrong = right;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(caching_sha2_verify(ExactBytes(wrong), nonce, verifier));
  }
  for (std::size_t length = 0; length < right.size(); ++length)
    CHECK_FALSE(caching_sha2_verify(ExactBytes(right.substr(0, length)), nonce, verifier));
  CHECK_FALSE(caching_sha2_verify(ExactBytes(right + '\0'), nonce, verifier));

  Nonce other = nonce;
  other[0] ^= 1;
  CHECK_FALSE(caching_sha2_verify(ExactBytes(right), other, verifier));
}

TEST_CASE("nonce: fresh, and fit to travel as text") {
  std::set<Nonce> seen;
  for (int i = 0; i < 500; ++i) {
    const std::optional<Nonce> nonce = make_nonce();
    REQUIRE(nonce);
    CHECK(std::none_of(nonce->begin(), nonce->end(),
                       [](std::uint8_t c) { return c == 0 || c == '$' || c > 0x7f; }));
    CHECK(seen.insert(*nonce).second);
  }
}

TEST_CASE("nonce: read with and without its NUL") {
  const Nonce nonce = counting_nonce();
  const std::string text(as_text(nonce));
  CHECK(read_nonce(ExactBytes(text)) == nonce);
  CHECK(read_nonce(ExactBytes(text + '\0')) == nonce);
  CHECK_FALSE(read_nonce(ExactBytes(text + 'x')));
  CHECK_FALSE(read_nonce(ExactBytes(text + std::string(2, '\0'))));
  CHECK_FALSE(read_nonce(ExactBytes(text.substr(1))));
  CHECK_FALSE(read_nonce(ExactBytes(std::string(32, 'x'))));
  CHECK_FALSE(read_nonce({}));
}

TEST_CASE("secret: moves, and copies only when told to") {
  Secret first("one");
  Secret second = first.clone();
  CHECK(second.view() == "one");
  CHECK(second.view().data() != first.view().data());

  const char* block = first.view().data();
  Secret third(std::move(first));
  CHECK(third.view().data() == block);
  second = std::move(third);
  CHECK(second.view().data() == block);
  Secret& itself = second;
  second = std::move(itself);
  CHECK(second.view() == "one");
  second = Secret();
  CHECK(second.empty());
  CHECK(Secret("").empty());
}

TEST_CASE("secret: wiping and comparing") {
  std::string text = "something";
  wipe(text);
  CHECK(text.empty());
  CHECK(std::all_of(text.data(), text.data() + 9, [](char c) { return c == 0; }));

  CHECK(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  CHECK(equal_in_constant_time({}, {}));
  CHECK_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
  CHECK_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
}

}  // namespace
}  // namespace weir::protocol
