#include "protocol/auth/parsec.h"

#include <openssl/evp.h>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"
#include "test/support/signature.h"

namespace weir::protocol {
namespace {

using test::ExactBytes;
using test::verifies;

// Without the zeros that stand for padding.
std::string from_base64(const std::string& text, std::size_t size) {
  std::string bytes(text.size() / 4 * 3, '\0');
  EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                  reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  return bytes.substr(0, size);
}

TEST_CASE("parsec: the public key is what MariaDB stores") {
  // MariaDB 11.8.9, IDENTIFIED VIA parsec USING PASSWORD('secret'):
  // P0:1k7f6fIYi0vVvGapseXo6dvJ:0ym3apHGBx6RRoqGv/H6y6VwUVRqxK60gav5ZBz25Ds
  const std::string salt = from_base64("1k7f6fIYi0vVvGapseXo6dvJ", 18);
  const auto key = parsec_public_key("secret", {0, as_bytes(salt)});
  CHECK(std::string(as_text(key)) ==
        from_base64("0ym3apHGBx6RRoqGv/H6y6VwUVRqxK60gav5ZBz25Ds=", 32));
}

TEST_CASE("parsec: answers are right, and of this password, recipe and nonce only") {
  ParsecNonce server{};
  server.fill('s');
  const std::string salt = "salt";
  for (const std::string& password :
       {std::string(), std::string("secret"), std::string(300, 'x')}) {
    CAPTURE(password);
    const ParsecRecipe recipe{1, as_bytes(salt)};
    const std::string answer = parsec_answer(password, recipe, server).value();
    REQUIRE(answer.size() == 96);
    const std::string own = answer.substr(0, 32);
    CHECK(own != parsec_answer(password, recipe, server).value().substr(0, 32));
    const std::string both = std::string(as_text(server)) + own;
    const std::string signature = answer.substr(32);
    CHECK(verifies(parsec_public_key(password, recipe), signature, both));
    CHECK_FALSE(verifies(parsec_public_key("other", recipe), signature, both));
    CHECK_FALSE(verifies(parsec_public_key(password, {0, as_bytes(salt)}), signature, both));
    CHECK_FALSE(verifies(parsec_public_key(password, recipe), signature, both + "more"));
  }
}

TEST_CASE("parsec: nonces") {
  CHECK(as_text(read_parsec_nonce(ExactBytes(std::string(32, 'n'))).value()) ==
        std::string(32, 'n'));
  for (const std::size_t size : {0u, 20u, 31u, 33u}) {
    CHECK_FALSE(read_parsec_nonce(ExactBytes(std::string(size, 'n'))));
  }
}

TEST_CASE("parsec: recipes") {
  const ExactBytes usual("P\3salt");
  const auto recipe = decode_parsec_recipe(usual);
  REQUIRE(recipe);
  CHECK(recipe->doublings == 3);
  CHECK(as_text(recipe->salt) == "salt");
  CHECK(decode_parsec_recipe(ExactBytes("P\1" + std::string(255, 's'))));
  for (const std::string& payload :
       {std::string(), std::string("P"), std::string("P\1"), std::string("P\4salt"),
        std::string("P\xffsalt"), std::string("Q\1salt"), "P\1" + std::string(256, 's')}) {
    CAPTURE(payload);
    CHECK_FALSE(decode_parsec_recipe(ExactBytes(payload)));
  }
}

}  // namespace
}  // namespace weir::protocol
