#include "proxy/admin/admin_session.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <utility>

#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/response.h"

namespace weir {
namespace {

using protocol::Command;
using protocol::CommandReader;
using protocol::kFrameHeaderSize;

constexpr std::size_t kMaxCommand = 64u << 10;
constexpr std::size_t kMaxSentAhead = 2 * kMaxCommand;

constexpr std::uint8_t kUtf8mb4 = 45;
constexpr std::uint16_t kAccessDenied = 1045;

constexpr protocol::Capabilities kOffered =
    protocol::kLongPassword | protocol::kFoundRows | protocol::kLongFlag |
    protocol::kConnectWithDb | protocol::kIgnoreSpace | protocol::kProtocol41 |
    protocol::kInteractive | protocol::kIgnoreSigpipe | protocol::kTransactions |
    protocol::kReserved | protocol::kSecureConnection | protocol::kMultiResults |
    protocol::kPluginAuth | protocol::kConnectAttrs | protocol::kPluginAuthLenencData |
    protocol::kDeprecateEof;

// Those who are known for who they are need no password where there is none.
const AccountSource* source_for(const AdminHost& host, const Stream& stream) {
  const bool known =
      !host.accounts().operator_has_password() && is_known_operator(stream.peer_user(), geteuid());
  if (known) return &host.known_operator();
  return &host.accounts();
}

std::string ok_packet(std::uint8_t sequence, protocol::Capabilities capabilities) {
  protocol::OkPacket ok;
  ok.status = protocol::kStatusAutocommit;
  std::string payload;
  protocol::append_ok(payload, ok, capabilities);
  std::string packet;
  protocol::append_frames(packet, payload, sequence);
  return packet;
}

}  // namespace

AdminSession::AdminSession(AdminHost& host, std::uint32_t id, std::unique_ptr<Stream> stream)
    : host_(host),
      id_(id),
      stream_(std::move(stream)),
      peer_(stream_->peer()),
      source_(source_for(host, *stream_)),
      last_activity_(host.now()),
      reader_(kMaxCommand) {
  stream_->set_handler(this);
}

AdminSession::~AdminSession() {
  close();
}

void AdminSession::start() {
  if (!has_place()) {
    stream_->write(error_in_place_of_greeting(errors::too_many_connections()));
    return close();
  }
  login_.emplace(*source_, host_.targets().process.rsa_key, client_host(), peer_ == "unix");
  if (config().tls.client.mode == ClientTlsMode::required) login_->require_tls();
  if (!is_known()) {
    login_->set_gate([this](std::string_view user) {
      return host_.strangers().may_try(client_address(), user, host_.now());
    });
  }
  greet();
}

bool AdminSession::has_place() {
  if (!is_known()) {
    StrangerLimits& strangers = host_.strangers();
    if (const auto refusal = strangers.enter(client_address(), host_.now())) {
      host_.note_refusal(*refusal, peer_, "");
      return false;
    }
    place_ = StrangerPlace(strangers, client_address());
  }
  return host_.make_room(*this);
}

void AdminSession::greet() {
  tls_ = host_.targets().process.tls.clients();
  const protocol::Capabilities offered = kOffered | (tls_ != nullptr ? protocol::kSsl : 0);
  const std::string greeting = login_->greeting({kVersion, offered, kUtf8mb4}, id_);
  if (greeting.empty()) {
    spdlog::error("admin console: no randomness to be had from the system: {} is turned away",
                  peer_);
    return close();
  }
  stream_->write(greeting);
  stream_->start_reading();
}

void AdminSession::tick() {
  const LimitsConfig& limits = config().limits;
  const auto idle = host_.now() - last_activity_;
  if (phase_ == Phase::login && idle >= limits.handshake_timeout) {
    host_.note_refusal(Refusal::late, peer_, "");
    return close();
  }
  if (phase_ != Phase::commands) return;
  if (change_) return look_for_change();
  if (!waiting_ && limits.idle_timeout > Milliseconds(0) && idle >= limits.idle_timeout) close();
}

void AdminSession::on_stream_read(std::span<std::uint8_t> bytes) {
  inbox_.append(protocol::as_text(bytes));
  if (phase_ == Phase::login) {
    // Whoever goes on while a password is compared waits, and has little room until then.
    if (!checking_) return on_login_step(login_->take(inbox_));
    if (inbox_.size() > kMaxSentAhead) close();
    return;
  }
  last_activity_ = host_.now();
  work_off();
}

void AdminSession::on_stream_ended(int error) {
  if (error == kTlsFailed) {
    spdlog::debug("admin console: client {}: TLS failed: {}", peer_, stream_->tls_failure());
  }
  close();
}

void AdminSession::on_stream_drained() {
  work_off();
}

void AdminSession::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  log_order("the session has ended before its answer");
  protocol::wipe(inbox_);
  stream_->close_after_writing();
  host_.on_session_closed(*this);
}

void AdminSession::refuse(const ClientError& error, std::uint8_t sequence) {
  stream_->write(error_packet(error, sequence));
  close();
}

// --- login ---------------------------------------------------------------------------------------

void AdminSession::on_login_step(Login::Step step) {
  if (!step.send.empty()) stream_->write(step.send);
  switch (step.kind) {
    case Login::Step::Kind::wait:
      return;
    case Login::Step::Kind::start_tls:
      return begin_tls();
    case Login::Step::Kind::check:
      return check_password(std::move(step.check));
    case Login::Step::Kind::refused:
      return on_refused(step.error);
    case Login::Step::Kind::accepted:
      return on_accepted();
  }
}

// What came in clear behind the request is taken for TLS, too.
void AdminSession::begin_tls() {
  login_->secure_channel();
  const std::string received = std::exchange(inbox_, {});
  stream_->begin_tls(TlsSession::accept(tls_), host_.tls(), protocol::as_bytes(received));
}

void AdminSession::check_password(protocol::PasswordCheck check) {
  checking_ = host_.targets().process.password_checks.start(
      host_.loop(), std::move(check),
      [this, alive = std::weak_ptr<int>(alive_)](protocol::PasswordCheck done,
                                                 std::optional<std::size_t> which) {
        if (alive.expired() || phase_ == Phase::closed) return;
        checking_ = false;
        on_login_step(login_->checked(std::move(done), which));
      });
  if (!checking_) refuse(errors::too_many_logins(), login_->next_sequence());
}

void AdminSession::on_refused(const ClientError& error) {
  const std::string& user = login_->user();
  if (login_->barred()) {
    host_.note_refusal(Refusal::backoff, peer_, user);
  } else if (error.code == kAccessDenied) {
    if (!is_known()) host_.strangers().failed(client_address(), user, host_.now());
    host_.note_refusal(Refusal::password, peer_, user);
  } else {
    // Not the text: it repeats what the client has sent.
    spdlog::debug("admin console: a login from {} was refused with error {}", peer_, error.code);
  }
  refuse(error, login_->next_sequence());
}

void AdminSession::on_accepted() {
  const std::uint8_t sequence = login_->next_sequence();
  const ClientIdentity identity = login_->take_identity();
  if (!host_.accounts().is_operator(identity.user) && !host_.has_room_for_viewer()) {
    return refuse(errors::too_many_connections(), sequence);
  }
  login_.reset();
  user_ = identity.user;
  capabilities_ = identity.capabilities;
  place_.log_in();
  if (!is_known()) host_.strangers().succeeded(client_address(), user_);
  phase_ = Phase::commands;
  last_activity_ = host_.now();
  spdlog::debug("admin console: {} has logged in", who());
  stream_->write(ok_packet(sequence, capabilities_));
  work_off();
}

// --- commands ------------------------------------------------------------------------------------

// Runs the commands that have come, as long as their answers are taken.
void AdminSession::work_off() {
  const auto may_run = [this] {
    return phase_ == Phase::commands && !waiting_ &&
           stream_->queued() <= config().limits.write_buffer;
  };
  while (may_run() && !inbox_.empty()) {
    const auto step = reader_.step({reinterpret_cast<std::uint8_t*>(inbox_.data()), inbox_.size()});
    switch (step.event) {
      case CommandReader::Event::none:
        break;
      case CommandReader::Event::command:
        run(step.bytes.subspan(kFrameHeaderSize));
        break;
      case CommandReader::Event::out_of_order:
        return refuse(errors::packets_out_of_order(), reader_.next_sequence());
      case CommandReader::Event::begin:  // does not occur below the reader's limit for whole ones
      case CommandReader::Event::part:
      case CommandReader::Event::too_large:
        return refuse(errors::packet_too_large(), reader_.next_sequence());
    }
    if (phase_ == Phase::closed) return;
    inbox_.erase(0, step.consumed);
  }
  if (phase_ == Phase::closed) return;
  if (inbox_.size() > kMaxSentAhead) {
    stream_->stop_reading();
  } else {
    stream_->start_reading();
  }
}

void AdminSession::run(Bytes payload) {
  if (payload.empty()) return answer_error(errors::unknown_command());
  switch (static_cast<Command>(payload[0])) {
    case Command::quit:
      return close();
    case Command::ping:
    case Command::init_db:
    case Command::set_option:
    case Command::reset_connection:
      return answer_ok();
    case Command::query:
      return run_query(protocol::as_text(payload.subspan(1)));
    case Command::statistics: {
      std::uint8_t sequence = reader_.next_sequence();
      std::string packet;
      protocol::append_frames(
          packet,
          fmt::format("weir admin console  Servers: {}  Clients: {}", latest()->servers.size(),
                      host_.targets().process.client_connections.load()),
          sequence);
      return stream_->write(packet);
    }
    case Command::stmt_prepare:
      return answer_error({1295, "HY000",
                           "weir: the admin console does not prepare statements; let the client "
                           "send its commands as plain queries"});
    default:
      break;
  }
  const auto& info = protocol::command_info(payload[0]);
  if (info.reply != protocol::ReplyShape::none) answer_error(errors::unknown_command());
}

// --- answers -------------------------------------------------------------------------------------

// An order and what came of it, once.
void AdminSession::log_order(std::string_view result) {
  if (order_.empty()) return;
  spdlog::info("admin console: {}: {}: {}", who(), std::exchange(order_, {}), result);
}

void AdminSession::answer_table(const protocol::ResultSet& set) {
  std::uint8_t sequence = reader_.next_sequence();
  std::string packets;
  protocol::append_result_set(packets, set, protocol::kStatusAutocommit, capabilities_, sequence);
  stream_->write(packets);
}

void AdminSession::answer_ok() {
  log_order("done");
  stream_->write(ok_packet(reader_.next_sequence(), capabilities_));
}

void AdminSession::answer_error(const ClientError& error) {
  log_order(error.message);
  stream_->write(error_packet(error, reader_.next_sequence()));
}

std::string AdminSession::who() const {
  return fmt::format("'{}' from {}", user_, peer_);
}

std::string AdminSession::client_host() const {
  return peer_ == "unix" ? "localhost" : peer_.substr(0, peer_.rfind(':'));
}

}  // namespace weir
