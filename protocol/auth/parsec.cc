#include "protocol/auth/parsec.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sodium.h>

#include <algorithm>

namespace weir::protocol {
namespace {

constexpr std::uint8_t kPbkdf2 = 'P';
constexpr int kFewestRounds = 1024;
constexpr std::size_t kLongestSalt = 255;

// Both halves of the pair that belongs to a password, wiped with it.
struct KeyPair {
  KeyPair(std::string_view password, const ParsecRecipe& recipe) {
    std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{};
    // It fails for want of memory only; then the signature is one that no server takes.
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), recipe.salt.data(),
                      static_cast<int>(recipe.salt.size()), kFewestRounds << recipe.doublings,
                      EVP_sha512(), static_cast<int>(seed.size()), seed.data());
    crypto_sign_seed_keypair(public_key.data(), secret_key.data(), seed.data());
    OPENSSL_cleanse(seed.data(), seed.size());
  }
  ~KeyPair() { OPENSSL_cleanse(secret_key.data(), secret_key.size()); }
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;

  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_key{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret_key{};
};

}  // namespace

std::optional<ParsecRecipe> decode_parsec_recipe(Bytes payload) {
  ByteReader in(payload);
  const std::uint8_t kind = in.int1();
  ParsecRecipe recipe;
  recipe.doublings = in.int1();
  recipe.salt = in.rest();
  if (!in.ok() || kind != kPbkdf2 || recipe.doublings > ParsecRecipe::kMostDoublings ||
      recipe.salt.empty() || recipe.salt.size() > kLongestSalt) {
    return std::nullopt;
  }
  return recipe;
}

std::array<std::uint8_t, 32> parsec_public_key(std::string_view password,
                                               const ParsecRecipe& recipe) {
  return KeyPair(password, recipe).public_key;
}

std::optional<ParsecNonce> read_parsec_nonce(Bytes data) {
  ParsecNonce nonce{};
  if (data.size() != nonce.size()) return std::nullopt;
  std::copy(data.begin(), data.end(), nonce.begin());
  return nonce;
}

std::optional<std::string> parsec_answer(std::string_view password, const ParsecRecipe& recipe,
                                         const ParsecNonce& server) {
  ParsecNonce own{};
  if (RAND_bytes(own.data(), static_cast<int>(own.size())) != 1) return std::nullopt;
  const KeyPair keys(password, recipe);
  std::string nonces(as_text(server));
  nonces += as_text(own);
  std::array<std::uint8_t, crypto_sign_BYTES> signature{};
  crypto_sign_detached(signature.data(), nullptr, as_bytes(nonces).data(), nonces.size(),
                       keys.secret_key.data());
  std::string answer(as_text(own));
  answer += as_text(signature);
  return answer;
}

}  // namespace weir::protocol
