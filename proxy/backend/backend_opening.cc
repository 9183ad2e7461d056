// How a BackendConnection begins: it resolves, connects, logs in, through TLS where that is wanted.

#include "proxy/backend/backend_opening.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "protocol/frame.h"
#include "protocol/proxy_header.h"
#include "protocol/response.h"
#include "proxy/backend/compression_flag.h"

namespace weir {
namespace {

// A server may leave what it is sent where it is while it waits for a lock; that one is gone, the
// monitor finds out much sooner.
constexpr std::chrono::minutes kServerTimeout{10};

// No packet of a login is near this; more is not a server of ours.
constexpr std::size_t kMaxLoginPacket = 64u << 10;

// Flags that every connection asks for, whatever its client did.
constexpr protocol::Capabilities kAlwaysWanted = protocol::kLongPassword | protocol::kLongFlag |
                                                 protocol::kTransactions | protocol::kSessionTrack |
                                                 protocol::kConnectAttrs;

std::string make_attributes() {
  std::string attributes;
  protocol::append_attribute(attributes, "program_name", "weir");
  return attributes;
}

// Clients of one address share connections, so there is no port to name.
std::string proxy_header(const std::optional<IpAddress>& client) {
  std::optional<protocol::ProxyEndpoint> named;
  if (client) named = protocol::ProxyEndpoint{client->bytes, client->v4, 0};
  std::string header;
  protocol::append_proxy_header(header, named);
  return header;
}

}  // namespace

std::string err_text(Bytes payload) {
  const auto err = protocol::decode_err(payload);
  if (!err) return "an error that cannot be read";
  return fmt::format("{} ({})", err->message, err->code);
}

BackendConnection::Login::Login(const Options& options)
    : attributes(make_attributes()),
      auth({.user = options.credentials->user,
            .password = options.credentials->password.view(),
            .native_key = options.credentials->native_key.view(),
            .database = options.schema,
            .collation = options.collation,
            .capabilities =
                options.capabilities | kAlwaysWanted | compression_flag(options.compression),
            .attributes = attributes,
            .secure_channel = options.address.is_unix()}) {}

bool BackendConnection::open(BackendUser& user) {
  user_ = &user;
  if (options_.address.is_unix()) {
    phase_ = Phase::connecting;
    connect_ = new Connect{{}, this};
    uv_pipe_connect(&connect_->request, reinterpret_cast<uv_pipe_t*>(stream_.handle()),
                    options_.address.unix_path.c_str(), on_connect);
    return true;
  }
  sockaddr_storage address{};
  const char* host = options_.address.host.c_str();
  const int port = options_.address.port;
  if (uv_ip4_addr(host, port, reinterpret_cast<sockaddr_in*>(&address)) == 0 ||
      uv_ip6_addr(host, port, reinterpret_cast<sockaddr_in6*>(&address)) == 0) {
    return connect(reinterpret_cast<const sockaddr*>(&address)) == 0;
  }
  return resolve() == 0;
}

int BackendConnection::resolve() {
  phase_ = Phase::resolving;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  resolve_ = new Resolve{{}, this};
  resolve_->request.data = resolve_;
  const std::string port = std::to_string(options_.address.port);
  const int error = uv_getaddrinfo(loop_, &resolve_->request, on_resolve,
                                   options_.address.host.c_str(), port.c_str(), &hints);
  if (error != 0) delete std::exchange(resolve_, nullptr);
  return error;
}

void BackendConnection::on_resolve(uv_getaddrinfo_t* request, int status, addrinfo* found) {
  const std::unique_ptr<Resolve> resolve(static_cast<Resolve*>(request->data));
  BackendConnection* self = resolve->owner;
  if (self != nullptr) {
    self->resolve_ = nullptr;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
      sockaddr_storage address{};
      std::memcpy(&address, one->ai_addr, one->ai_addrlen);
      self->addresses_.insert(self->addresses_.begin(), address);
    }
    const int error = status != 0 ? status : self->connect_next();
    if (error != 0) {
      self->fail(BackendFailure::Kind::unreachable,
                 fmt::format("{}: {}", self->options_.address.to_string(), uv_strerror(error)));
    }
  }
  uv_freeaddrinfo(found);
}

int BackendConnection::connect(const sockaddr* address) {
  phase_ = Phase::connecting;
  connect_ = new Connect{{}, this};
  connect_->request.data = connect_;
  const int error = uv_tcp_connect(
      &connect_->request, reinterpret_cast<uv_tcp_t*>(stream_.handle()), address, on_connect);
  if (error != 0) delete std::exchange(connect_, nullptr);
  return error;
}

// A name may stand for several addresses, of which the server need not listen on the first.
int BackendConnection::connect_next() {
  int error = UV_EADDRNOTAVAIL;
  while (!addresses_.empty() && error != 0) {
    const sockaddr_storage address = addresses_.back();
    addresses_.pop_back();
    error = connect(reinterpret_cast<const sockaddr*>(&address));
    if (error != 0) stream_.reopen();
  }
  return error;
}

void BackendConnection::on_connect(uv_connect_t* request, int status) {
  const std::unique_ptr<Connect> connect(reinterpret_cast<Connect*>(request));
  BackendConnection* self = connect->owner;
  if (self == nullptr) return;
  self->connect_ = nullptr;
  if (status != 0 && !self->addresses_.empty()) {
    self->stream_.reopen();
    if (self->connect_next() == 0) return;
  }
  if (status != 0) {
    return self->fail(
        BackendFailure::Kind::unreachable,
        fmt::format("{}: {}", self->options_.address.to_string(), uv_strerror(status)));
  }
  self->stream_.configure(kServerTimeout);
  self->phase_ = Phase::login;
  self->login_ = std::make_unique<Login>(self->options_);
  if (self->options_.proxy_protocol) self->stream_.write(proxy_header(self->options_.client));
  self->stream_.start_reading();
}

void BackendConnection::on_login_bytes(Bytes in) {
  login_->kept.append(protocol::as_text(in));
  while (phase_ == Phase::login && login_->kept.size() >= protocol::kFrameHeaderSize) {
    const Bytes kept = protocol::as_bytes(login_->kept);
    const protocol::FrameHeader header = protocol::read_frame_header(kept);
    const std::size_t size = protocol::kFrameHeaderSize + header.length;
    if (size > kMaxLoginPacket) {
      return fail(BackendFailure::Kind::unreachable, "what answers there is no MySQL server");
    }
    if (kept.size() < size) return;
    const std::string packet = login_->kept.substr(0, size);
    login_->kept.erase(0, size);
    on_login_packet(protocol::as_bytes(packet).subspan(protocol::kFrameHeaderSize),
                    header.sequence);
  }
}

void BackendConnection::on_login_packet(Bytes payload, std::uint8_t sequence) {
  using Kind = protocol::ClientAuthStep::Kind;
  if (!login_->greeted && !look_for_tls(payload)) return;
  const protocol::ClientAuthStep step = login_->auth.feed(payload);
  switch (step.kind) {
    case Kind::wait:
      return;
    case Kind::send: {
      login_->greeted = true;
      // It has come in clear, from whomever, and must not pass for something of the server's.
      if (login_->wants_tls && !login_->kept.empty()) {
        return fail(BackendFailure::Kind::refused,
                    "more than a greeting has come before TLS began: somebody may be between weir "
                    "and the server");
      }
      std::string frames;
      ++sequence;
      if (std::exchange(login_->wants_tls, false)) {
        begin_tls(protocol::as_bytes(step.send), sequence);
      }
      protocol::append_frames(frames, step.send, sequence);
      stream_.write(frames);
      protocol::wipe(frames);
      return;
    }
    case Kind::done:
      return begin_setup(step.packet);
    case Kind::failed:
      // Before the greeting this is a server that takes no more connections, not one that knows us.
      return fail(
          login_->greeted ? BackendFailure::Kind::denied : BackendFailure::Kind::unreachable,
          err_text(step.packet), std::string(protocol::as_text(step.packet)));
    case Kind::refused:
      return fail(step.refusal == protocol::LoginRefusal::password_wanted
                      ? BackendFailure::Kind::password_wanted
                      : BackendFailure::Kind::refused,
                  step.text);
  }
}

// False when the server has no TLS, and must have it.
bool BackendConnection::look_for_tls(Bytes greeting) {
  if (options_.tls == nullptr || options_.address.is_unix()) return true;
  const auto decoded = protocol::decode_greeting(greeting);
  if (!decoded) return true;  // an error, or no greeting at all
  login_->wants_tls = (decoded->capabilities & protocol::kSsl) != 0;
  if (login_->wants_tls) {
    login_->auth.use_tls();
  } else if (!options_.tls_optional) {
    fail(BackendFailure::Kind::refused,
         "the server offers no TLS, and tls.server.mode does not do without");
    return false;
  }
  return true;
}

// Asks for TLS with the head of the response to the greeting, and begins with it. What is written
// now is sent when the server has shown that it is the right one.
void BackendConnection::begin_tls(Bytes response, std::uint8_t& sequence) {
  std::string request;
  protocol::append_frames(request, protocol::as_text(response.first(protocol::kSslRequestSize)),
                          sequence);
  stream_.write(request);
  stream_.begin_tls(TlsSession::connect(options_.tls, options_.address.host, *options_.tls_ticket),
                    *options_.tls_shared);
}

void BackendConnection::begin_setup(Bytes ok_payload) {
  capabilities_ = login_->auth.capabilities();
  is_mariadb_ = login_->auth.server_version().find("MariaDB") != std::string::npos;
  if (const auto ok = protocol::decode_ok(ok_payload, capabilities_)) status_ = ok->status;
  const protocol::Capabilities missing =
      (options_.capabilities | protocol::kSessionTrack) & ~capabilities_;
  if (missing != 0) {
    return fail(BackendFailure::Kind::refused,
                fmt::format("the server lacks protocol capabilities (0x{:x}) that the client was "
                            "promised; all servers must be able to do what the primary can",
                            missing));
  }
  if (!begin_compression()) return;
  thread_id_ = login_->auth.connection_id();
  multi_statements_ = (capabilities_ & protocol::kMultiStatements) != 0;
  SessionState state;
  state.set_schema(options_.schema);
  state_ = states_.intern(std::move(state));
  login_.reset();
  phase_ = Phase::setup;
  send_setup({});
}

}  // namespace weir
