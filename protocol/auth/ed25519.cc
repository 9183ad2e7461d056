#include "protocol/auth/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <algorithm>

namespace weir::protocol {
namespace {

using Scalar = std::array<std::uint8_t, crypto_core_ed25519_SCALARBYTES>;
using Point = std::array<std::uint8_t, crypto_core_ed25519_BYTES>;
using Wide = std::array<std::uint8_t, SHA512_DIGEST_LENGTH>;

// The two halves of SHA512(password), wiped with it.
struct Key {
  explicit Key(std::string_view password) {
    const Bytes bytes = as_bytes(password);
    SHA512(bytes.data(), bytes.size(), hash.data());
    hash[0] &= 248;
    hash[31] &= 127;
    hash[31] |= 64;
  }
  ~Key() { OPENSSL_cleanse(hash.data(), hash.size()); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  Bytes scalar() const { return Bytes(hash).first(32); }
  Bytes prefix() const { return Bytes(hash).subspan(32); }

  Wide hash;
};

Scalar reduced(const Wide& wide) {
  Scalar scalar;
  crypto_core_ed25519_scalar_reduce(scalar.data(), wide.data());
  return scalar;
}

// SHA512 of the pieces, as a number below the order of the group.
Scalar hashed(std::initializer_list<Bytes> pieces) {
  std::string all;
  for (const Bytes piece : pieces) all += as_text(piece);
  Wide digest;
  SHA512(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data());
  OPENSSL_cleanse(all.data(), all.size());
  return reduced(digest);
}

Point times_base(const std::uint8_t* scalar) {
  Point point{};
  // It fails for zero only, which no hash is.
  if (crypto_scalarmult_ed25519_base_noclamp(point.data(), scalar) != 0) point.fill(0);
  return point;
}

}  // namespace

std::array<std::uint8_t, 32> ed25519_public_key(std::string_view password) {
  const Key key(password);
  return times_base(key.scalar().data());
}

std::string ed25519_sign(std::string_view password, Bytes nonce) {
  const Key key(password);
  const Point public_key = times_base(key.scalar().data());
  Scalar once = hashed({key.prefix(), nonce});
  const Point commitment = times_base(once.data());
  const Scalar challenge = hashed({commitment, public_key, nonce});

  Wide wide{};
  std::copy(key.scalar().begin(), key.scalar().end(), wide.begin());
  Scalar secret = reduced(wide);
  Scalar product;
  crypto_core_ed25519_scalar_mul(product.data(), challenge.data(), secret.data());
  Scalar proof;
  crypto_core_ed25519_scalar_add(proof.data(), once.data(), product.data());
  for (Scalar* each : {&once, &secret, &product}) OPENSSL_cleanse(each->data(), each->size());
  OPENSSL_cleanse(wide.data(), wide.size());

  std::string signature(as_text(commitment));
  signature += as_text(proof);
  return signature;
}

}  // namespace weir::protocol
