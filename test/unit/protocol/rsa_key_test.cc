#include "protocol/auth/rsa_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <numeric>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::ExactBytes;

Nonce counting_nonce() {
  Nonce nonce;
  std::iota(nonce.begin(), nonce.end(), std::uint8_t{1});
  return nonce;
}

const RsaKey& shared_key() {
  static const std::optional<RsaKey> key = RsaKey::generate();
  REQUIRE(key);
  return *key;
}

std::string public_pem_of(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

// Any plain text under the key, so that it can be one that no client makes.
std::string encrypted_raw(const RsaKey& key, std::string plain, const Nonce& nonce) {
  BIO* bio = BIO_new_mem_buf(key.public_pem().data(), -1);
  EVP_PKEY* pkey = PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr);
  for (std::size_t i = 0; i < plain.size(); ++i)
    plain[i] = static_cast<char>(static_cast<std::uint8_t>(plain[i]) ^ nonce[i % nonce.size()]);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(pkey, nullptr);
  EVP_PKEY_encrypt_init(context);
  EVP_PKEY_CTX_set_rsa_padding(context, 4);  // OAEP
  std::string message(key.message_size(), '\0');
  std::size_t size = message.size();
  EVP_PKEY_encrypt(context, reinterpret_cast<unsigned char*>(message.data()), &size,
                   reinterpret_cast<const unsigned char*>(plain.data()), plain.size());
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(pkey);
  BIO_free(bio);
  return message;
}

TEST_CASE("rsa_key: a password comes back") {
  const RsaKey& key = shared_key();
  CHECK(key.message_size() == 256);
  CHECK(key.public_pem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
  for (const std::string& password :
       {std::string(), std::string("x"), std::string("secret"), std::string(19, 'a'),
        std::string(20, 'b'), std::string(100, '\xff'), std::string(213, 'c')}) {
    const auto message = encrypt_password(key.public_pem(), password, counting_nonce());
    REQUIRE(message);
    CHECK(message->size() == 256);
    const auto back = key.decrypt_password(ExactBytes(*message), counting_nonce());
    REQUIRE(back);
    CHECK(back->view() == password);
  }
}

TEST_CASE("rsa_key: a password too long for the key is not encrypted") {
  CHECK_FALSE(encrypt_password(shared_key().public_pem(), std::string(214, 'x'), counting_nonce()));
}

TEST_CASE("rsa_key: messages that no client makes") {
  const RsaKey& key = shared_key();
  const Nonce nonce = counting_nonce();
  const std::string good = *encrypt_password(key.public_pem(), "secret", nonce);

  Nonce other = nonce;
  other[6] ^= 0x20;  // over the NUL
  CHECK_FALSE(key.decrypt_password(ExactBytes(good), other));
  CHECK_FALSE(key.decrypt_password({}, nonce));
  CHECK_FALSE(key.decrypt_password(ExactBytes(good.substr(1)), nonce));
  CHECK_FALSE(key.decrypt_password(ExactBytes(good + 'x'), nonce));
  CHECK_FALSE(key.decrypt_password(ExactBytes(std::string(256, '\0')), nonce));
  CHECK_FALSE(key.decrypt_password(ExactBytes(std::string(256, '\xff')), nonce));
  std::string changed = good;
  changed[200] = static_cast<char>(changed[200] ^ 1);
  CHECK_FALSE(key.decrypt_password(ExactBytes(changed), nonce));

  using namespace std::string_literals;
  CHECK(key.decrypt_password(ExactBytes(encrypted_raw(key, "a\0"s, nonce)), nonce));
  CHECK_FALSE(key.decrypt_password(ExactBytes(encrypted_raw(key, "a"s, nonce)), nonce));
  CHECK_FALSE(key.decrypt_password(ExactBytes(encrypted_raw(key, "a\0b\0"s, nonce)), nonce));
  CHECK_FALSE(key.decrypt_password(ExactBytes(encrypted_raw(key, ""s, nonce)), nonce));
}

TEST_CASE("rsa_key: a message for another key") {
  const auto other = RsaKey::generate();
  REQUIRE(other);
  const auto message = encrypt_password(other->public_pem(), "secret", counting_nonce());
  REQUIRE(message);
  CHECK_FALSE(shared_key().decrypt_password(ExactBytes(*message), counting_nonce()));
}

TEST_CASE("rsa_key: keys that are not used") {
  CHECK_FALSE(RsaKey::generate(1024));
  CHECK_FALSE(RsaKey::generate(kMaxRsaBits + 1));

  const std::string& good = shared_key().public_pem();
  const struct {
    const char* name;
    std::string pem;
  } cases[] = {
      {"nothing", ""},
      {"no PEM", "secret"},
      {"cut short", good.substr(0, good.size() / 2)},
      {"only the head", "-----BEGIN PUBLIC KEY-----\n"},
      {"not base64", "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n"},
      {"too much text", std::string(5000, '\n') + good},
      {"encrypted, would ask for a pass phrase",
       "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
       "0123456789ABCDEF0123456789ABCDEF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END PUBLIC KEY-----\n"},
      {"too short a key", public_pem_of(EVP_RSA_gen(1024))},
      {"another kind of key", public_pem_of(EVP_EC_gen("P-256"))},
  };
  for (const auto& c : cases) {
    INFO(c.name);
    CHECK_FALSE(encrypt_password(c.pem, "secret", counting_nonce()));
  }
}

std::string private_pem_of(EVP_PKEY* key, const char* pass_phrase = nullptr) {
  BIO* bio = BIO_new(BIO_s_mem());
  std::string phrase = pass_phrase != nullptr ? pass_phrase : "";
  REQUIRE(PEM_write_bio_PrivateKey(bio, key, pass_phrase != nullptr ? EVP_aes_128_cbc() : nullptr,
                                   reinterpret_cast<unsigned char*>(phrase.data()),
                                   static_cast<int>(phrase.size()), nullptr, nullptr) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

TEST_CASE("rsa_key: a key that is given") {
  const std::string pem = private_pem_of(EVP_RSA_gen(2048));
  CHECK(what_is_wrong_with_rsa_key(pem).empty());
  const auto key = RsaKey::from_pem(pem);
  const auto again = RsaKey::from_pem(pem);
  REQUIRE(key);
  REQUIRE(again);
  CHECK(key->public_pem() == again->public_pem());
  const auto message = encrypt_password(key->public_pem(), "secret", counting_nonce());
  REQUIRE(message);
  const auto password = again->decrypt_password(ExactBytes(*message), counting_nonce());
  REQUIRE(password);
  CHECK(password->view() == "secret");
}

TEST_CASE("rsa_key: keys that are none") {
  const struct {
    std::string pem;
    const char* why;
  } cases[] = {
      {"", "no private key"},
      {"nonsense", "no private key"},
      {shared_key().public_pem(), "no private key"},
      {private_pem_of(EVP_RSA_gen(2048), "phrase"), "with a pass phrase"},
      {private_pem_of(EVP_RSA_gen(1024)), "1024 bits"},
      {private_pem_of(EVP_EC_gen("P-256")), "not an RSA key"},
  };
  for (const auto& c : cases) {
    INFO(c.why);
    CHECK_FALSE(RsaKey::from_pem(c.pem));
    CHECK(what_is_wrong_with_rsa_key(c.pem).find(c.why) != std::string::npos);
  }
}

TEST_CASE("rsa_key: failures leave no notes for TLS to find") {
  ERR_clear_error();
  CHECK_FALSE(encrypt_password("nonsense", "secret", counting_nonce()));
  CHECK_FALSE(
      shared_key().decrypt_password(ExactBytes(std::string(256, '\xff')), counting_nonce()));
  CHECK(ERR_peek_error() == 0);
}

}  // namespace
}  // namespace weir::protocol
