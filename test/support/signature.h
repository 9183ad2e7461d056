// OpenSSL as the judge of Ed25519 signatures: verification is the same for every way to make a key.

#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <string>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::test {

inline bool verifies(const std::array<std::uint8_t, 32>& key, const std::string& signature,
                     const std::string& message) {
  EVP_PKEY* const pkey =
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size());
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  REQUIRE(pkey != nullptr);
  REQUIRE(EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, pkey) == 1);
  const ExactBytes sig(signature);
  const ExactBytes text(message);
  const protocol::Bytes s = sig;
  const protocol::Bytes t = text;
  const bool right = EVP_DigestVerify(context, s.data(), s.size(), t.data(), t.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(pkey);
  return right;
}

}  // namespace weir::test
