#include "protocol/auth/rsa_key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <vector>

namespace weir::protocol {
namespace {

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_PKEY_CTX, FreeContext>;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

// Drops what OpenSSL notes about failures in its scope: the notes are per thread, and a TLS
// connection on the same thread would take them for its own.
struct ErrorScope {
  ErrorScope() { ERR_set_mark(); }
  ~ErrorScope() { ERR_pop_to_mark(); }
};

// Without it, OpenSSL asks at the terminal for the pass phrase of an encrypted PEM.
int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

constexpr std::size_t kMaxPemSize = 4096;  // a key of kMaxRsaBits takes about 1,500
constexpr std::size_t kMaxPrivatePemSize = 64u << 10;

bool use_oaep(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1;
}

void xor_with_nonce(std::string& text, const Nonce& nonce) {
  for (std::size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>(static_cast<std::uint8_t>(text[i]) ^ nonce[i % nonce.size()]);
}

std::string write_public_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key) != 1) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

EVP_PKEY* read_public_pem(std::string_view pem) {
  if (pem.empty() || pem.size() > kMaxPemSize) return nullptr;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return bio == nullptr ? nullptr
                        : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_pass_phrase, nullptr);
}

EVP_PKEY* read_private_pem(std::string_view pem) {
  if (pem.empty() || pem.size() > kMaxPrivatePemSize) return nullptr;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return bio == nullptr ? nullptr
                        : PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr);
}

bool is_usable(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return false;
  const int bits = EVP_PKEY_get_bits(key);
  return bits >= kMinRsaBits && bits <= kMaxRsaBits;
}

}  // namespace

void RsaKey::Free::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

RsaKey::RsaKey(evp_pkey_st* key)
    : key_(key),
      public_pem_(write_public_pem(key)),
      message_size_(static_cast<std::size_t>(EVP_PKEY_get_size(key))) {}

RsaKey::RsaKey(RsaKey&&) noexcept = default;
RsaKey& RsaKey::operator=(RsaKey&&) noexcept = default;
RsaKey::~RsaKey() = default;

std::optional<RsaKey> RsaKey::generate(int bits) {
  if (bits < kMinRsaBits || bits > kMaxRsaBits) return std::nullopt;
  const ErrorScope errors;
  EVP_PKEY* made = EVP_RSA_gen(static_cast<unsigned>(bits));
  if (made == nullptr) return std::nullopt;
  RsaKey key(made);
  if (key.public_pem_.empty()) return std::nullopt;
  return key;
}

std::optional<RsaKey> RsaKey::from_pem(std::string_view pem) {
  const ErrorScope errors;
  EVP_PKEY* read = read_private_pem(pem);
  if (read == nullptr) return std::nullopt;
  RsaKey key(read);
  if (!is_usable(read) || key.public_pem_.empty()) return std::nullopt;
  return key;
}

std::string what_is_wrong_with_rsa_key(std::string_view pem) {
  const ErrorScope errors;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(read_private_pem(pem),
                                                                &EVP_PKEY_free);
  if (key == nullptr) return "it holds no private key in PEM form, or one with a pass phrase";
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return "its key is not an RSA key";
  if (is_usable(key.get())) return "";
  return "its key has " + std::to_string(EVP_PKEY_get_bits(key.get())) +
         " bits; 2048 to 8192 are usable";
}

std::optional<Secret> RsaKey::decrypt_password(Bytes message, const Nonce& nonce) const {
  if (message.size() != message_size_) return std::nullopt;
  const ErrorScope errors;
  const Context context(EVP_PKEY_CTX_new(key_.get(), nullptr));
  if (context == nullptr || EVP_PKEY_decrypt_init(context.get()) != 1 || !use_oaep(context.get()))
    return std::nullopt;
  std::string plain(message_size_, '\0');
  std::size_t size = plain.size();
  const bool decrypted =
      EVP_PKEY_decrypt(context.get(), reinterpret_cast<unsigned char*>(plain.data()), &size,
                       message.data(), message.size()) == 1;
  std::optional<Secret> password;
  if (decrypted && size > 0) {
    plain.resize(size);
    xor_with_nonce(plain, nonce);
    if (plain.find('\0') == size - 1)
      password = Secret(std::string_view(plain).substr(0, size - 1));
  }
  wipe(plain);
  return password;
}

std::optional<std::string> encrypt_password(std::string_view pem, std::string_view password,
                                            const Nonce& nonce) {
  const ErrorScope errors;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(read_public_pem(pem),
                                                                &EVP_PKEY_free);
  if (key == nullptr || !is_usable(key.get())) return std::nullopt;
  const Context context(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (context == nullptr || EVP_PKEY_encrypt_init(context.get()) != 1 || !use_oaep(context.get()))
    return std::nullopt;
  std::string plain;
  plain.reserve(password.size() + 1);
  plain.append(password).push_back('\0');
  xor_with_nonce(plain, nonce);
  std::string message(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())), '\0');
  std::size_t size = message.size();
  const bool encrypted =
      EVP_PKEY_encrypt(context.get(), reinterpret_cast<unsigned char*>(message.data()), &size,
                       reinterpret_cast<const unsigned char*>(plain.data()), plain.size()) == 1;
  wipe(plain);
  if (!encrypted) return std::nullopt;
  message.resize(size);
  return message;
}

}  // namespace weir::protocol
