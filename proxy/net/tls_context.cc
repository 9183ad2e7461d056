#include "proxy/net/tls_context.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include "proxy/config/secret_source.h"

namespace weir {
namespace {

constexpr long kOneDay = 24 * 60 * 60;
constexpr long kSelfSignedFor = 10 * 365 * kOneDay;

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free>>;

// A setting and the file that it names.
struct File {
  std::string_view key;
  const std::string& path;
};

[[noreturn]] void refuse(const File& file, std::string_view why) {
  throw std::runtime_error(fmt::format("{} = \"{}\": {}", file.key, file.path, why));
}

// OpenSSL's own reason for what has just failed.
std::string reason() {
  const char* const text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text != nullptr ? text : "OpenSSL refuses it";
}

// Nobody sits at a terminal to be asked.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

KeyPtr read_key(const File& file) {
  const int descriptor = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) refuse(file, std::generic_category().message(errno));
  const std::string why = why_not_private(descriptor);
  if (!why.empty()) {
    ::close(descriptor);
    refuse(file, why);
  }
  const BioPtr bio(BIO_new_fd(descriptor, BIO_CLOSE));
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    refuse(file, fmt::format("it holds no private key in PEM that can be read without a passphrase "
                             "({})",
                             reason()));
  }
  return key;
}

void check_readable(const File& file) {
  if (::access(file.path.c_str(), R_OK) != 0) {
    refuse(file, std::generic_category().message(errno));
  }
}

void use_files(SSL_CTX* context, const File& cert, const File& key) {
  check_readable(cert);
  if (SSL_CTX_use_certificate_chain_file(context, cert.path.c_str()) != 1) {
    refuse(cert, fmt::format("it holds no certificates in PEM ({})", reason()));
  }
  const KeyPtr read = read_key(key);
  if (SSL_CTX_use_PrivateKey(context, read.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    refuse(key,
           fmt::format("it is not the key of the certificate in {} ({})", cert.path, reason()));
  }
}

void trust(SSL_CTX* context, const File& ca) {
  check_readable(ca);
  if (SSL_CTX_load_verify_locations(context, ca.path.c_str(), nullptr) != 1) {
    refuse(ca, fmt::format("it holds no certificates in PEM ({})", reason()));
  }
}

bool fill_certificate(X509* certificate, EVP_PKEY* key) {
  std::uint8_t serial[8];
  if (RAND_bytes(serial, sizeof serial) != 1) return false;
  serial[0] &= 0x7f;  // positive
  BIGNUM* const number = BN_bin2bn(serial, sizeof serial, nullptr);
  const bool numbered = number != nullptr &&
                        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  X509_NAME* const name = X509_get_subject_name(certificate);
  const auto* const text = reinterpret_cast<const unsigned char*>("weir, signed by itself");
  return numbered && X509_set_version(certificate, X509_VERSION_3) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kOneDay) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kSelfSignedFor) != nullptr &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

// Against listeners only: nobody can verify it.
void use_self_signed(SSL_CTX* context) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate(X509_new());
  if (key == nullptr || certificate == nullptr || !fill_certificate(certificate.get(), key.get()) ||
      SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    throw std::runtime_error("cannot make a certificate for clients: " + reason());
  }
}

}  // namespace

TlsContext::TlsContext(const SSL_METHOD* method) : context_(SSL_CTX_new(method)) {
  if (context_ == nullptr) throw std::runtime_error("cannot begin with TLS: " + reason());
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection keeps no buffers.
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

TlsContextPtr TlsContext::for_clients(const ClientTlsConfig& config) {
  std::shared_ptr<TlsContext> made(new TlsContext(TLS_server_method()));
  SSL_CTX* const context = made->get();
  static constexpr unsigned char kName[] = "weir";
  SSL_CTX_set_session_id_context(context, kName, sizeof kName - 1);
  if (config.cert.empty()) {
    use_self_signed(context);
  } else {
    use_files(context, {"tls.client.cert", config.cert}, {"tls.client.key", config.key});
  }
  if (config.ca.empty()) return made;
  trust(context, {"tls.client.ca", config.ca});
  // The names tell clients with several certificates which one to show.
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(config.ca.c_str()));
  const bool required = config.client_certificates == ClientCertificates::required;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return made;
}

TlsContextPtr TlsContext::for_servers(const ServerTlsConfig& config) {
  std::shared_ptr<TlsContext> made(new TlsContext(TLS_client_method()));
  SSL_CTX* const context = made->get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
    static_cast<TlsTicketTaker*>(SSL_get_app_data(ssl))->take_ticket(session);
    return 1;  // it is the taker's now
  });
  if (!config.cert.empty()) {
    use_files(context, {"tls.server.cert", config.cert}, {"tls.server.key", config.key});
  }
  made->checks_identity_ = config.mode == ServerTlsMode::verify_identity;
  if (config.mode != ServerTlsMode::verify_ca && !made->checks_identity_) return made;
  if (!config.ca.empty()) {
    trust(context, {"tls.server.ca", config.ca});
  } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
    throw std::runtime_error("cannot find out whom the system trusts: " + reason() +
                             "; set tls.server.ca");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return made;
}

void TlsContexts::load(const TlsConfig& config) {
  TlsContextPtr clients;
  TlsContextPtr servers;
  if (config.client.mode != ClientTlsMode::disabled) {
    clients = TlsContext::for_clients(config.client);
  }
  if (config.server.mode != ServerTlsMode::disabled) {
    servers = TlsContext::for_servers(config.server);
  }
  const std::lock_guard lock(mutex_);
  clients_ = std::move(clients);
  servers_ = std::move(servers);
}

TlsContextPtr TlsContexts::clients() const {
  const std::lock_guard lock(mutex_);
  return clients_;
}

TlsContextPtr TlsContexts::servers() const {
  const std::lock_guard lock(mutex_);
  return servers_;
}

}  // namespace weir
