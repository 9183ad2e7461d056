#include "proxy/backend/backend_connection.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>

#include "protocol/frame.h"
#include "protocol/proxy_header.h"
#include "protocol/query_attributes.h"
#include "protocol/response.h"
#include "proxy/backend/compression_flag.h"
#include "proxy/backend/setup_statement.h"
#include "proxy/core/own_reply.h"
#include "sql_classifier/tracked_variables.h"

namespace weir {
namespace {

// A server may leave what it is sent where it is while it waits for a lock; that one is gone, the
// monitor finds out much sooner.
constexpr std::chrono::minutes kServerTimeout{10};

using protocol::Command;
using protocol::ReplyShape;
using protocol::ReplyTracker;

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

// In the order of end_setup().
constexpr std::string_view kMysqlQuestion =
    "SELECT @@character_set_client, @@character_set_results, @@character_set_connection, "
    "@@collation_connection, @@transaction_isolation";
constexpr std::string_view kMariadbQuestion =
    "SELECT @@character_set_client, @@character_set_results, @@character_set_connection, "
    "@@collation_connection, @@tx_isolation";

std::string err_text(Bytes payload) {
  const auto err = protocol::decode_err(payload);
  if (!err) return "an error that cannot be read";
  return fmt::format("{} ({})", err->message, err->code);
}

// The server has let us in for nothing but a change of the password.
bool is_expired(Bytes err_payload) {
  const auto err = protocol::decode_err(err_payload);
  return err && err->code == 1820;
}

// Clients of one address share connections, so there is no port to name.
std::string proxy_header(const std::optional<IpAddress>& client) {
  std::optional<protocol::ProxyEndpoint> named;
  if (client) named = protocol::ProxyEndpoint{client->bytes, client->v4, 0};
  std::string header;
  protocol::append_proxy_header(header, named);
  return header;
}

// Replies that the user never sees.
bool is_own(ReplyPurpose purpose) {
  return purpose == ReplyPurpose::setup || purpose == ReplyPurpose::defaults ||
         purpose == ReplyPurpose::reset || purpose == ReplyPurpose::schema ||
         purpose == ReplyPurpose::harvest;
}

}  // namespace

struct BackendConnection::Login {
  std::string attributes = make_attributes();
  protocol::ClientAuth auth;
  std::string kept;  // a packet that has not come whole
  bool greeted = false;
  bool wants_tls = false;  // the response to the greeting goes through TLS

  explicit Login(const Options& options)
      : auth({.user = options.credentials->user,
              .password = options.credentials->password.view(),
              .native_key = options.credentials->native_key.view(),
              .database = options.schema,
              .collation = options.collation,
              .capabilities =
                  options.capabilities | kAlwaysWanted | compression_flag(options.compression),
              .attributes = attributes,
              .secure_channel = options.address.is_unix()}) {}
};

struct BackendConnection::Resolve {
  uv_getaddrinfo_t request;
  BackendConnection* owner;  // null once it no longer waits
};

struct BackendConnection::Connect {
  uv_connect_t request;
  BackendConnection* owner;  // null once it no longer waits
};

BackendConnection::BackendConnection(uv_loop_t* loop, ReadBuffer& buffer, StateTable& states,
                                     Options options, ServerSlot slot)
    : options_(std::move(options)),
      loop_(loop),
      stream_(loop, options_.address.is_unix() ? Stream::Kind::unix_socket : Stream::Kind::tcp,
              buffer),
      states_(states),
      state_(states.empty()),
      initial_state_(states.empty()),
      slot_(std::move(slot)) {
  stream_.set_handler(this);
}

BackendConnection::~BackendConnection() {
  close();
}

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

void BackendConnection::close() {
  if (phase_ == Phase::dead) return;
  // Its answer will not come any more; what the session knows itself has to do.
  own_reply_.clear();
  end_harvest();
  let_go_of_insert_id();
  const bool polite = phase_ == Phase::ready && idle();
  phase_ = Phase::dead;
  if (resolve_ != nullptr) std::exchange(resolve_, nullptr)->owner = nullptr;
  if (connect_ != nullptr) std::exchange(connect_, nullptr)->owner = nullptr;
  if (polite) {
    std::string quit;
    protocol::append_command(quit, static_cast<std::uint8_t>(Command::quit), {});
    stream_.write(quit);
    stream_.close_after_writing();
  }
  stream_.close();
  login_.reset();
  slot_ = {};
}

void BackendConnection::fail(BackendFailure::Kind kind, std::string text, std::string packet) {
  if (phase_ == Phase::dead) return;
  close();
  user_->on_backend_failed(*this, {kind, std::move(text), std::move(packet)});
}

void BackendConnection::set_last_command(const CommandMark& mark) {
  last_command_ = mark;
  if (mark.session == 0) return;
  if (first_session_ == 0) first_session_ = mark.session;
  if (first_session_ != mark.session) shared_ = true;
}

ReplyTracker& BackendConnection::expect(ReplyPurpose purpose, ReplyShape shape) {
  ReplyTracker& reply =
      expected_.emplace_back(Expected{purpose, ReplyTracker(shape, capabilities_)}).tracker;
  if (stream_.compressed()) reply.renumber(1);
  return reply;
}

void BackendConnection::reset() {
  std::string commands;
  protocol::append_command(commands, static_cast<std::uint8_t>(Command::reset_connection), {});
  expect(ReplyPurpose::reset, ReplyShape::ok);
  // The schema stays, but not its character set, in which files are read.
  if (!state_->schema().empty()) {
    protocol::append_command(commands, static_cast<std::uint8_t>(Command::init_db),
                             state_->schema());
    expect(ReplyPurpose::schema, ReplyShape::ok);
  }
  send_setup(std::move(commands));
}

// Makes the server report what has to be followed, and asks for what it does not report.
void BackendConnection::send_setup(std::string commands) {
  protocol::append_query(commands, setup_statement(is_mariadb_), capabilities_);
  protocol::append_query(commands, is_mariadb_ ? kMariadbQuestion : kMysqlQuestion, capabilities_);
  expect(ReplyPurpose::setup, ReplyShape::result);
  expect(ReplyPurpose::defaults, ReplyShape::result);
  own_reply_.clear();
  stream_.write(commands);
}

void BackendConnection::on_stream_read(std::span<std::uint8_t> bytes) {
  if (phase_ == Phase::login) {
    on_login_bytes(bytes);
  } else {
    on_replies(bytes);
  }
}

void BackendConnection::on_stream_ended(int error) {
  const bool logged_in = phase_ == Phase::ready;
  if (error == kTlsFailed && !logged_in) {
    return fail(BackendFailure::Kind::refused, "TLS failed: " + stream_.tls_failure());
  }
  fail(logged_in ? BackendFailure::Kind::lost : BackendFailure::Kind::unreachable,
       error == UV_EOF ? "the server closed the connection" : uv_strerror(error));
}

void BackendConnection::on_stream_drained() {
  if (phase_ == Phase::ready) user_->on_backend_drained(*this);
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

void BackendConnection::on_replies(std::span<std::uint8_t> in) {
  while (!in.empty()) {
    if (expected_.empty()) {
      return fail(BackendFailure::Kind::lost, "the server sent something that nobody asked for");
    }
    const ReplyTracker::Step step = expected_.front().tracker.step(in);
    if (!take_step(step, in)) return;
    in = in.subspan(step.consumed);
  }
  user_->on_reply_flush(*this);
}

// False when the connection is dead or the rest of the read is of no more use.
bool BackendConnection::take_step(const ReplyTracker::Step& step, Bytes in) {
  const ReplyPurpose purpose = expected_.front().purpose;
  if (step.event == ReplyTracker::Event::malformed) {
    // What came before it may complete a packet whose beginning the client has already.
    if (!is_own(purpose) && step.pass > 0)
      user_->on_reply_bytes(*this, purpose, in.first(step.pass));
    fail(BackendFailure::Kind::lost, "the server sent a packet that the protocol does not allow");
    return false;
  }
  fold(step);
  if (purpose == ReplyPurpose::harvest || purpose == ReplyPurpose::defaults) {
    own_reply_.append(protocol::as_text(in.first(step.pass)));
    own_reply_.append(protocol::as_text(step.packet));
  }
  if (is_own(purpose)) return take_own_step(purpose, step);
  if (step.pass > 0) user_->on_reply_bytes(*this, purpose, in.first(step.pass));
  if (phase_ == Phase::dead) return false;
  if (!step.packet.empty()) user_->on_reply_packet(*this, purpose, step);
  if (phase_ == Phase::dead) return false;
  if (step.last) {
    expected_.erase(expected_.begin());
    user_->on_reply_end(*this, purpose);
  }
  return phase_ != Phase::dead;
}

// A reply to what the connection itself has sent.
bool BackendConnection::take_own_step(ReplyPurpose purpose, const ReplyTracker::Step& step) {
  if (step.event == ReplyTracker::Event::err && purpose == ReplyPurpose::schema) {
    doom();  // it has been dropped, and cannot be unset
  } else if (step.event == ReplyTracker::Event::err && purpose != ReplyPurpose::harvest) {
    const Bytes packet = step.packet.subspan(protocol::kFrameHeaderSize);
    if (is_expired(packet)) {
      fail(BackendFailure::Kind::denied, err_text(packet), std::string(protocol::as_text(packet)));
    } else {
      fail(BackendFailure::Kind::refused,
           "the server does not let weir follow the session's state: " + err_text(packet));
    }
    return false;
  }
  if (!step.last) return true;
  expected_.erase(expected_.begin());
  if (purpose == ReplyPurpose::harvest) {
    end_harvest();
    return true;
  }
  if (purpose == ReplyPurpose::reset) {
    SessionState state;
    state.set_schema(state_->schema());
    state_ = states_.intern(std::move(state));
    statements_.clear();
    let_go_of_insert_id();
    last_command_ = {};
    return true;
  }
  if (purpose == ReplyPurpose::setup || purpose == ReplyPurpose::schema) return true;
  end_setup();
  if (std::exchange(phase_, Phase::ready) == Phase::setup) {
    user_->on_backend_ready(*this);
  } else {
    user_->on_reply_end(*this, ReplyPurpose::reset);
  }
  return phase_ != Phase::dead;
}

void BackendConnection::end_setup() {
  const auto values = single_row(own_reply_);
  own_reply_.clear();
  SessionState state = *state_;
  if (values.size() == 5) {
    constexpr std::array<std::string_view, 3> kNames = {
        "character_set_client", "character_set_results", "character_set_connection"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (const auto id = sql::find_tracked_variable(kNames[i])) {
        state.set_variable(*id, values[i].value_or(""));
      }
    }
    state.set_names(values[3].value_or(""));
    const auto isolation =
        sql::find_tracked_variable(is_mariadb_ ? "tx_isolation" : "transaction_isolation");
    if (isolation) state.set_variable(*isolation, values[4].value_or(""));
  }
  state_ = states_.intern(SessionState(state));
  if (phase_ != Phase::setup) return;
  state.set_schema({});
  initial_state_ = states_.intern(std::move(state));
  initial_autocommit_ = (status_ & protocol::kStatusAutocommit) != 0;
}

void BackendConnection::fold(const ReplyTracker::Step& step) {
  using Event = ReplyTracker::Event;
  if (step.event == Event::err) {
    warnings_ = 1;
    holds_diagnostics_ = true;
  }
  if (step.event != Event::ok && step.event != Event::eof) return;
  const ReplyTracker& reply = expected_.front().tracker;
  status_ = reply.status();
  warnings_ = reply.warnings();
  // On MariaDB a statement without a table leaves those of the one before.
  holds_diagnostics_ = warnings_ > 0 || (is_mariadb_ && holds_diagnostics_);
  totals_ = {reply.has_rows(), reply.rows(), reply.affected_rows(), reply.insert_id()};
  if (step.event != Event::ok || (status_ & protocol::kStatusSessionStateChanged) == 0) return;
  const auto ok =
      protocol::decode_ok(step.packet.subspan(protocol::kFrameHeaderSize), capabilities_);
  if (!ok) return;
  if (!expected_.front().ignores_variables && reports_state(ok->session_changes)) {
    SessionState state = *state_;
    state.apply(ok->session_changes);
    state_ = states_.intern(std::move(state));
  }
  collect_gtids(ok->session_changes);
}

void BackendConnection::collect_gtids(Bytes session_changes) {
  protocol::SessionChangeReader reader(session_changes);
  while (const auto change = reader.next()) {
    const bool mysql =
        change->type == static_cast<std::uint8_t>(protocol::SessionChangeType::gtids);
    if (!mysql && change->name != "last_gtid") continue;
    if (change->value.empty()) continue;
    reports_gtids_ = true;
    if (!reported_gtids_.empty()) reported_gtids_.push_back(',');
    reported_gtids_.append(change->value);
  }
}

}  // namespace weir
