// How a ClientSession begins: where its client is, whether it may come in, its login and a change
// of user.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "protocol/frame.h"
#include "protocol/proxy_header.h"
#include "protocol/response.h"
#include "proxy/session/client_session.h"
#include "proxy/session/refusals.h"

namespace weir {

using protocol::kFrameHeaderSize;

namespace {

// Flags that set a variable when a connection begins: sql_mode, and wait_timeout. A change of user
// sets all variables anew, for which MariaDB does not look at the flags again, and MySQL does.
constexpr protocol::Capabilities kUntilChangeOfUser =
    protocol::kIgnoreSpace | protocol::kInteractive;

std::string host_of(const std::string& peer) {
  if (peer == "unix") return "localhost";
  return peer.substr(0, peer.rfind(':'));
}

std::string peer_text(const protocol::ProxyEndpoint& end) {
  const std::string address = to_text(IpAddress{end.address, end.v4});
  return fmt::format("{}:{}", address, end.port);
}

// Of a server's error: the login itself was refused, not the schema or something else.
bool is_access_denied(std::uint16_t code) {
  constexpr std::uint16_t kAccessDenied = 1045;
  constexpr std::uint16_t kNoPassword = 1698;
  return code == kAccessDenied || code == kNoPassword;
}

}  // namespace

void ClientSession::start() {
  const std::vector<Network>& proxies = context_.process->proxies;
  const bool from_proxy =
      address_ && std::any_of(proxies.begin(), proxies.end(),
                              [&](const auto& network) { return network.contains(*address_); });
  if (!from_proxy) return admit();
  phase_ = Phase::header;
  stream_->start_reading();
}

// Bounded: what is too long for a header is none.
void ClientSession::on_header_bytes(Bytes bytes) {
  inbox_.append(protocol::as_text(bytes));
  const protocol::ProxyHeader header = protocol::read_proxy_header(protocol::as_bytes(inbox_));
  if (header.status == protocol::ProxyHeader::Status::more) return;
  if (header.status == protocol::ProxyHeader::Status::malformed) {
    note_refusal(context_, Refusal::header, peer_);
    stream_->write(error_in_place_of_greeting(errors::bad_handshake()));
    return close();
  }
  if (header.source) {
    peer_ = peer_text(*header.source);
    address_ = address_of_peer(peer_);
  }
  inbox_.erase(0, header.size);
  phase_ = Phase::greeting;
  admit();
}

void ClientSession::admit() {
  const ClientAddress address = weir::client_address(address_);
  StrangerLimits& strangers = *context_.process->strangers;
  if (const auto refusal = strangers.enter(address, context_.loop_time())) {
    note_refusal(context_, *refusal, peer_);
    stream_->write(error_in_place_of_greeting(errors::too_many_connections()));
    return close();
  }
  place_ = StrangerPlace(strangers, address);
  ++context_.counters.sessions;
  login_ = std::make_unique<Login>(*context_.process->accounts, context_.process->rsa_key,
                                   host_of(peer_), is_secure());
  if (context_.config().tls.client.mode == ClientTlsMode::required) login_->require_tls();
  use_gate();
  if (context_.topology->known()) greet();
}

// The session outlives its login.
void ClientSession::use_gate() {
  login_->set_gate([this](std::string_view user) {
    return context_.process->strangers->may_try(weir::client_address(address_), user,
                                                context_.loop_time());
  });
}

void ClientSession::greet() {
  tls_ = context_.process->tls.clients();
  Offer offer = offer_of(*context_.topology);
  if (tls_ != nullptr) offer.capabilities |= protocol::kSsl;
  const std::string greeting = login_->greeting(offer, id_);
  if (greeting.empty()) {
    spdlog::error("no randomness to be had from the system: client {} is turned away", peer_);
    return close();
  }
  phase_ = Phase::login;
  stream_->write(greeting);
  stream_->start_reading();
}

void ClientSession::on_login_bytes(Bytes bytes) {
  if (checking_) return keep(bytes);
  inbox_.append(protocol::as_text(bytes));
  on_login_step(login_->take(inbox_));
}

void ClientSession::on_login_step(Login::Step step) {
  if (!step.send.empty()) stream_->write(step.send);
  login_sequence_ = login_->next_sequence();
  if (step.kind == Login::Step::Kind::wait) return;
  if (step.kind == Login::Step::Kind::start_tls) return begin_tls();
  if (step.kind == Login::Step::Kind::check) return check_password(std::move(step.check));
  if (step.kind == Login::Step::Kind::refused) {
    note_refused_login(step.error);
    return refuse(step.error, login_sequence_);
  }
  on_accepted();
}

void ClientSession::check_password(protocol::PasswordCheck check) {
  checking_ = context_.process->password_checks.start(
      context_.loop, std::move(check),
      [this, alive = std::weak_ptr<int>(alive_)](protocol::PasswordCheck done,
                                                 std::optional<std::size_t> which) {
        if (alive.expired() || phase_ == Phase::closed) return;
        checking_ = false;
        on_login_step(login_->checked(std::move(done), which));
      });
  if (!checking_) refuse(errors::too_many_logins(), login_sequence_);
}

// The login is kept until a server has let the client in: it may have to ask for more.
void ClientSession::on_accepted() {
  ClientIdentity identity = login_->take_identity();
  std::string pipelined = inbox_;  // behind the last packet of the login
  protocol::wipe(inbox_);
  inbox_.swap(pipelined);
  const UserConfig* listed = identity.listed;
  if (limited_user_) context_.process->accounts->leave(*runner_.identity().listed);
  limited_user_ = false;
  if (listed != nullptr && !context_.process->accounts->enter(*listed)) {
    return refuse(errors::user_limit(listed->name, listed->max_connections), login_sequence_);
  }
  limited_user_ = listed != nullptr;
  if (stream_->has_tls() && phase_ == Phase::login) ++context_.counters.tls_sessions;
  if (identity.known) place_.log_in();
  if (identity.proven)
    context_.process->accounts->remember(*listed, *identity.proven, identity.credentials);
  identity.proven.reset();
  phase_ = Phase::opening;
  runner_.open(std::move(identity));
}

// What came in clear behind the request is taken for TLS, too: as a part of the login it would be
// somebody else's.
void ClientSession::begin_tls() {
  login_->secure_channel();
  const std::string received = std::exchange(inbox_, {});
  stream_->begin_tls(TlsSession::accept(tls_), *context_.tls, protocol::as_bytes(received));
}

void ClientSession::note_refused_login(const ClientError& error) {
  if (login_->barred()) return note_refusal(context_, Refusal::backoff, peer_, login_->user());
  if (is_access_denied(error.code)) note_wrong_password(login_->user());
}

void ClientSession::note_wrong_password(const std::string& user) {
  context_.process->strangers->failed(weir::client_address(address_), user, context_.loop_time());
  note_refusal(context_, Refusal::password, peer_, user);
}

void ClientSession::on_opened(protocol::ServerStatus status) {
  phase_ = Phase::commands;
  login_.reset();
  place_.log_in();
  context_.process->strangers->succeeded(weir::client_address(address_), runner_.identity().user);
  last_activity_ = idle_since_ = context_.loop_time();
  protocol::OkPacket ok;
  ok.status = status;
  const std::string schema = protocol::schema_change(runner_.identity().schema);
  if (!schema.empty()) {
    ok.status |= protocol::kStatusSessionStateChanged;
    ok.session_changes = protocol::as_bytes(schema);
  }
  std::string payload;
  protocol::append_ok(payload, ok, runner_.identity().capabilities);
  std::string packet;
  protocol::append_frames(packet, payload, login_sequence_);
  stream_->write(packet);
  begin_compression();
  resume_input();
}

// Once, behind the answer to the login; what the client has sent behind its own last packet is
// compressed already.
void ClientSession::begin_compression() {
  const ClientIdentity& identity = runner_.identity();
  const auto method = protocol::compression_of(identity.capabilities);
  if (method == protocol::Compression::none || stream_->compressed()) return;
  reader_.renumber();
  stream_->enable_compression(
      {protocol::CompressedStream::Side::server, method, identity.zstd_level},
      *context_.compression, std::exchange(inbox_, {}));
}

void ClientSession::on_open_failed(const std::string& error_payload) {
  const auto error = protocol::decode_err(protocol::as_bytes(error_payload));
  if (error && is_access_denied(error->code)) {
    note_wrong_password(runner_.identity().credentials->user);
  }
  std::string packet;
  protocol::append_frames(packet, error_payload, login_sequence_);
  stream_->write(packet);
  close();
}

void ClientSession::on_open_denied() {
  const ClientIdentity& identity = runner_.identity();
  note_wrong_password(identity.user);
  refuse(
      errors::access_denied(identity.user, host_of(peer_), !identity.credentials->password.empty()),
      login_sequence_);
}

bool ClientSession::on_password_wanted() {
  const UserConfig* listed = runner_.identity().listed;
  if (listed == nullptr || login_ == nullptr) return false;
  context_.process->accounts->want_password(*listed);
  phase_ = Phase::login;
  on_login_step(login_->ask_for_more());
  return true;
}

void ClientSession::begin_change_user(Bytes frame) {
  ClientIdentity identity = runner_.identity();
  if (context_.topology->is_mariadb()) identity.capabilities &= ~kUntilChangeOfUser;
  const ProcessContext& process = *context_.process;
  login_ = std::make_unique<Login>(
      Login::resume(*process.accounts, process.rsa_key, host_of(peer_), is_secure(), identity));
  use_gate();
  phase_ = Phase::changing;
  on_login_step(login_->start_change_user(frame.subspan(kFrameHeaderSize)));
}

}  // namespace weir
