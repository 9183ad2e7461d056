#include "proxy/net/tls_session.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace weir {
namespace {

bool is_address(const std::string& host) {
  std::uint8_t binary[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), binary) == 1 ||
         inet_pton(AF_INET6, host.c_str(), binary) == 1;
}

std::string explain(SSL* ssl) {
  const unsigned long code = ERR_peek_error();
  const char* const text = ERR_reason_error_string(code);
  std::string why = text != nullptr ? text : "the other side does not keep to the protocol";
  const long verdict = SSL_get_verify_result(ssl);
  if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK) {
    why += fmt::format(" ({})", X509_verify_cert_error_string(verdict));
  }
  return why;
}

}  // namespace

void TlsTicket::put(SSL_SESSION* session, TlsContextPtr context) {
  SSL_SESSION_free(session_);
  session_ = session;
  context_ = std::move(context);
}

SSL_SESSION* TlsTicket::get(const TlsContextPtr& context) const {
  return context_ == context ? session_ : nullptr;
}

// OpenSSL's way to bytes that are in memory already, and to a string that is sent later.
const BIO_METHOD* TlsSession::method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* const bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir");
    BIO_meth_set_read(bio, read_bytes);
    BIO_meth_set_write(bio, write_bytes);
    BIO_meth_set_ctrl(bio, control);
    return bio;
  }();
  return made;
}

TlsSession::TlsSession(TlsContextPtr context)
    : context_(std::move(context)), ssl_(SSL_new(context_->get())) {
  BIO* const bio = ssl_ != nullptr ? BIO_new(method()) : nullptr;
  if (bio == nullptr) {
    SSL_free(ssl_);
    throw std::bad_alloc();
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
}

TlsSession::~TlsSession() {
  // Or OpenSSL would take the session for a broken one, which must not be resumed.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

std::unique_ptr<TlsSession> TlsSession::accept(TlsContextPtr context) {
  std::unique_ptr<TlsSession> session(new TlsSession(std::move(context)));
  SSL_set_accept_state(session->ssl_);
  return session;
}

std::unique_ptr<TlsSession> TlsSession::connect(TlsContextPtr context, const std::string& host,
                                                TlsTicket& ticket) {
  std::unique_ptr<TlsSession> session(new TlsSession(std::move(context)));
  SSL* const ssl = session->ssl_;
  SSL_set_connect_state(ssl);
  const bool address = is_address(host);
  if (!address) SSL_set_tlsext_host_name(ssl, host.c_str());
  if (session->context_->checks_identity()) {
    const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str())
                            : SSL_set1_host(ssl, host.c_str());
    if (set != 1) throw std::bad_alloc();
  }
  session->ticket_ = &ticket;
  SSL_set_app_data(ssl, static_cast<TlsTicketTaker*>(session.get()));
  if (SSL_SESSION* const known = ticket.get(session->context_)) SSL_set_session(ssl, known);
  return session;
}

void TlsSession::take_ticket(SSL_SESSION* session) {
  ticket_->put(session, context_);
}

void TlsSession::start(std::string& out) {
  protocol::Bytes nothing;
  in_ = &nothing;
  out_ = &out;
  ERR_clear_error();
  take_error(SSL_do_handshake(ssl_));
  in_ = nullptr;
  out_ = nullptr;
}

std::size_t TlsSession::receive(protocol::Bytes& in, std::span<std::uint8_t> room,
                                std::string& out) {
  if (ended_ || !failure_.empty()) return 0;
  in_ = &in;
  out_ = &out;
  ERR_clear_error();
  std::size_t got = 0;
  while (got < room.size()) {
    std::size_t more = 0;
    const int result = SSL_read_ex(ssl_, room.data() + got, room.size() - got, &more);
    if (result != 1) {
      take_error(result);
      break;
    }
    got += more;
    if (in.empty() && SSL_has_pending(ssl_) == 0) break;  // asking again would be in vain
  }
  in_ = nullptr;
  out_ = nullptr;
  return got;
}

void TlsSession::send(protocol::Bytes plain, std::string& out) {
  if (plain.empty() || !failure_.empty()) return;
  out_ = &out;
  ERR_clear_error();
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_, plain.data(), plain.size(), &written);
  if (result != 1) take_error(result);
  out_ = nullptr;
}

void TlsSession::farewell(std::string& out) {
  if (!failure_.empty() || !established()) return;
  out_ = &out;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
  out_ = nullptr;
}

void TlsSession::take_error(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
      return;
    case SSL_ERROR_ZERO_RETURN:
      ended_ = true;
      return;
    default:
      failure_ = explain(ssl_);
      ERR_clear_error();
  }
}

int TlsSession::read_bytes(BIO* bio, char* to, int size) {
  auto* const self = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self->in_ == nullptr || self->in_->empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(self->in_->size(), static_cast<std::size_t>(size));
  std::memcpy(to, self->in_->data(), count);
  *self->in_ = self->in_->subspan(count);
  return static_cast<int>(count);
}

int TlsSession::write_bytes(BIO* bio, const char* from, int size) {
  auto* const self = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self->out_ == nullptr) return -1;
  self->out_->append(from, static_cast<std::size_t>(size));
  return size;
}

long TlsSession::control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

}  // namespace weir
