// Certificates, keys and whom to trust, ready for connections; and where the current ones are.

#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>

#include "proxy/config/config.h"

namespace weir {

// Who connects to servers, and may do so again with less work: OpenSSL's application data of the
// connections of TlsContext::for_servers().
class TlsTicketTaker {
 public:
  // Takes the session over. Called in the middle of a handshake, or behind it.
  virtual void take_ticket(SSL_SESSION* session) = 0;

 protected:
  ~TlsTicketTaker() = default;
};

// Immutable; safe from any thread.
class TlsContext {
 public:
  // What clients are shown. Throws std::runtime_error, naming the key of the configuration and the
  // file, when one of the files is no good.
  static std::shared_ptr<const TlsContext> for_clients(const ClientTlsConfig& config);
  // What servers are shown, and asked for. Throws likewise.
  static std::shared_ptr<const TlsContext> for_servers(const ServerTlsConfig& config);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* get() const { return context_; }
  // The peer's certificate must be for the host that it is reached by.
  bool checks_identity() const { return checks_identity_; }

 private:
  explicit TlsContext(const SSL_METHOD* method);

  SSL_CTX* context_;
  bool checks_identity_ = false;
};
using TlsContextPtr = std::shared_ptr<const TlsContext>;

// The contexts in use. Every call is safe from any thread; connections keep the one they began
// with.
class TlsContexts {
 public:
  // Reads all files, also again; all or nothing. Throws std::runtime_error.
  void load(const TlsConfig& config);

  TlsContextPtr clients() const;  // null: clients are offered no TLS
  TlsContextPtr servers() const;  // null: servers are asked for no TLS

 private:
  mutable std::mutex mutex_;
  TlsContextPtr clients_;  // guarded by mutex_
  TlsContextPtr servers_;  // guarded by mutex_
};

}  // namespace weir
