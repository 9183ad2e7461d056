#include "protocol/auth/sha256_crypt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>

#include "protocol/auth/digest.h"
#include "protocol/auth/secret.h"

namespace weir::protocol {
namespace {

// SHA-256 over pieces; may be used again after each end().
class Hash {
 public:
  Hash() : context_(EVP_MD_CTX_new()) { begin(); }

  Hash& add(Bytes bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
    return *this;
  }
  Sha256Digest end() {
    Sha256Digest digest;
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
    begin();
    return digest;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  void begin() {
    check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  static void check(int done) {
    if (done != 1) throw std::bad_alloc();
  }

  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

// The digest over and over, `size` bytes of it.
std::string stretched(const Sha256Digest& digest, std::size_t size) {
  std::string text;
  text.reserve(size);
  while (text.size() < size)
    text += as_text(Bytes(digest).first(std::min(digest.size(), size - text.size())));
  return text;
}

Sha256Digest first_digest(Hash& hash, Bytes password, Bytes salt) {
  const Sha256Digest other = hash.add(password).add(salt).add(password).end();
  hash.add(password).add(salt);
  hash.add(as_bytes(stretched(other, password.size())));
  for (std::size_t bits = password.size(); bits > 0; bits >>= 1)
    hash.add((bits & 1) != 0 ? Bytes(other) : password);
  return hash.end();
}

// Three bytes become four letters, of six bits each, the lowest first.
Sha256CryptText to_text(const Sha256Digest& digest) {
  constexpr char kLetters[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::uint8_t kOrder[] = {0,  10, 20, 21, 1,  11, 12, 22, 2,  3,  13, 23, 24, 4,  14,
                                     15, 25, 5,  6,  16, 26, 27, 7,  17, 18, 28, 8,  9,  19, 29};
  Sha256CryptText text;
  std::size_t at = 0;
  const auto append = [&](unsigned bits, int letters) {
    for (; letters > 0; --letters, bits >>= 6) text[at++] = kLetters[bits & 0x3f];
  };
  for (std::size_t i = 0; i < std::size(kOrder); i += 3) {
    append(unsigned{digest[kOrder[i]]} << 16 | unsigned{digest[kOrder[i + 1]]} << 8 |
               digest[kOrder[i + 2]],
           4);
  }
  append(unsigned{digest[31]} << 8 | digest[30], 3);
  return text;
}

}  // namespace

Sha256CryptText sha256_crypt(std::string_view password, Bytes salt, unsigned rounds) {
  const Bytes secret = as_bytes(password);
  Hash hash;
  Sha256Digest digest = first_digest(hash, secret, salt);

  for (std::size_t i = 0; i < secret.size(); ++i) hash.add(secret);
  std::string password_text = stretched(hash.end(), secret.size());
  const std::size_t salts = std::size_t{16} + digest[0];
  for (std::size_t i = 0; i < salts; ++i) hash.add(salt);
  const std::string salt_text = stretched(hash.end(), salt.size());

  for (unsigned round = 0; round < rounds; ++round) {
    const bool odd = round % 2 != 0;
    hash.add(odd ? as_bytes(password_text) : Bytes(digest));
    if (round % 3 != 0) hash.add(as_bytes(salt_text));
    if (round % 7 != 0) hash.add(as_bytes(password_text));
    hash.add(odd ? Bytes(digest) : as_bytes(password_text));
    digest = hash.end();
  }
  wipe(password_text);
  return to_text(digest);
}

}  // namespace weir::protocol
