// TLS on one connection, without a socket: bytes in, bytes out. Loop thread only.

#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "protocol/byte_reader.h"
#include "proxy/net/tls_context.h"

namespace weir {

// What a server has given to shorten the next handshake with it.
class TlsTicket {
 public:
  TlsTicket() = default;
  ~TlsTicket() { SSL_SESSION_free(session_); }
  TlsTicket(const TlsTicket&) = delete;
  TlsTicket& operator=(const TlsTicket&) = delete;

  // Takes the session over.
  void put(SSL_SESSION* session, TlsContextPtr context);
  // Null: there is none that was made in this context.
  SSL_SESSION* get(const TlsContextPtr& context) const;

 private:
  SSL_SESSION* session_ = nullptr;
  TlsContextPtr context_;
};

class TlsSession final : private TlsTicketTaker {
 public:
  // Towards a client.
  static std::unique_ptr<TlsSession> accept(TlsContextPtr context);
  // Towards the server at `host`, a name or an address. `ticket` is used and filled, and outlives
  // the session.
  static std::unique_ptr<TlsSession> connect(TlsContextPtr context, const std::string& host,
                                             TlsTicket& ticket);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Begins the handshake. Like every call below, appends to `out` what has to be sent.
  void start(std::string& out);

  // Of what has come: `in` must be what the last call has left of it, if anything, and then new
  // bytes. Decrypts into `room`, as much as fits; returns how much that is, 0 when more has to
  // come.
  std::size_t receive(protocol::Bytes& in, std::span<std::uint8_t> room, std::string& out);
  // Once established.
  void send(protocol::Bytes plain, std::string& out);
  // Tells the other side that there is no more.
  void farewell(std::string& out);

  // The handshake is over, and the other side is who it has to be.
  bool established() const { return SSL_is_init_finished(ssl_) == 1; }
  bool resumed() const { return SSL_session_reused(ssl_) == 1; }
  // The other side has said its farewell.
  bool ended() const { return ended_; }
  // For people: why it went wrong; empty while it did not. Then there is only `out` left to send.
  const std::string& failure() const { return failure_; }

 private:
  explicit TlsSession(TlsContextPtr context);
  static int read_bytes(BIO* bio, char* to, int size);
  static int write_bytes(BIO* bio, const char* from, int size);
  static long control(BIO* bio, int command, long number, void* pointer);
  static const BIO_METHOD* method();
  void take_ticket(SSL_SESSION* session) override;
  void take_error(int result);

  TlsContextPtr context_;
  SSL* ssl_;
  TlsTicket* ticket_ = nullptr;
  protocol::Bytes* in_ = nullptr;  // of the call under way
  std::string* out_ = nullptr;     // likewise
  bool ended_ = false;
  std::string failure_;
};

}  // namespace weir
