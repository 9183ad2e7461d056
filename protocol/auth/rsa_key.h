// Passwords under RSA, for full authentication over a channel that is not secure by itself.
// Protocol documentation: "Caching_sha2_password information", "sha256_password".
//
// The plain text is the password with its NUL, XORed with the nonce repeated; the padding is OAEP
// with SHA-1, which clients have built in.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/auth/nonce.h"
#include "protocol/auth/secret.h"

struct evp_pkey_st;

namespace weir::protocol {

inline constexpr int kMinRsaBits = 2048;
inline constexpr int kMaxRsaBits = 8192;  // a stranger's key must not cost us seconds

// A private key, made at start or given. Immutable: threads may share it.
class RsaKey {
 public:
  // Takes tens to hundreds of milliseconds. Empty when `bits` is out of bounds or OpenSSL fails.
  static std::optional<RsaKey> generate(int bits = kMinRsaBits);

  // A key from PEM text, without a pass phrase. Empty when what_is_wrong_with_rsa_key() says why.
  static std::optional<RsaKey> from_pem(std::string_view pem);

  RsaKey(RsaKey&&) noexcept;
  RsaKey& operator=(RsaKey&&) noexcept;
  ~RsaKey();

  // What a client that asks for the key is sent. Lives as long as the key.
  const std::string& public_pem() const { return public_pem_; }
  // The length of every message under this key, in bytes.
  std::size_t message_size() const { return message_size_; }

  // The password in `message`, without its NUL. Empty when the message has the wrong size, was not
  // made for this key, or has no NUL at its end or another one before. About a millisecond.
  std::optional<Secret> decrypt_password(Bytes message, const Nonce& nonce) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  explicit RsaKey(evp_pkey_st* key);

  std::unique_ptr<evp_pkey_st, Free> key_;
  std::string public_pem_;
  std::size_t message_size_ = 0;
};

// Why RsaKey::from_pem() does not take it, in words; empty: it does.
std::string what_is_wrong_with_rsa_key(std::string_view pem);

// The message that carries `password` to the owner of the public key `pem`. Empty when `pem` is no
// RSA public key within the bounds above, or the password is too long for it (213 bytes fit 2048
// bits).
std::optional<std::string> encrypt_password(std::string_view pem, std::string_view password,
                                            const Nonce& nonce);

}  // namespace weir::protocol
