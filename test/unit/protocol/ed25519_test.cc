#include "protocol/auth/ed25519.h"

#include <openssl/evp.h>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"
#include "test/support/signature.h"

namespace weir::protocol {
namespace {

using test::ExactBytes;
using test::verifies;

TEST_CASE("ed25519: the public key is what MariaDB stores") {
  // ed25519_password('secret') is "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY".
  const auto key = ed25519_public_key("secret");
  unsigned char text[64] = {};
  EVP_EncodeBlock(text, key.data(), static_cast<int>(key.size()));
  CHECK(std::string(reinterpret_cast<char*>(text)) ==
        "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY=");
}

TEST_CASE("ed25519: signatures are right, and of this password and nonce only") {
  const std::string nonce(kEd25519NonceSize, 'n');
  for (const std::string& password :
       {std::string(), std::string("secret"), std::string(32, 'p'), std::string(200, 'x')}) {
    CAPTURE(password);
    const std::string signature = ed25519_sign(password, ExactBytes(nonce));
    CHECK(signature.size() == 64);
    CHECK(verifies(ed25519_public_key(password), signature, nonce));
    CHECK_FALSE(verifies(ed25519_public_key("other"), signature, nonce));
    CHECK_FALSE(
        verifies(ed25519_public_key(password), signature, std::string(kEd25519NonceSize, 'm')));
  }
}

}  // namespace
}  // namespace weir::protocol
