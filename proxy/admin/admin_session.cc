#include "proxy/admin/admin_session.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/response.h"
#include "proxy/admin/admin_tables.h"
#include "proxy/core/route_answer.h"
#include "proxy/core/rules.h"
#include "proxy/session/client_session.h"
#include "sql_classifier/classifier.h"
#include "sql_classifier/digest.h"

namespace weir {
namespace {

using protocol::Command;
using protocol::CommandReader;
using protocol::kFrameHeaderSize;

constexpr std::size_t kMaxCommand = 64u << 10;
constexpr std::size_t kMaxSentAhead = 2 * kMaxCommand;

// Drivers decide by the version which variables and methods a server has.
constexpr std::string_view kVersion = "8.4.0-weir";
constexpr std::uint8_t kUtf8mb4 = 45;

constexpr protocol::Capabilities kOffered =
    protocol::kLongPassword | protocol::kFoundRows | protocol::kLongFlag |
    protocol::kConnectWithDb | protocol::kIgnoreSpace | protocol::kProtocol41 |
    protocol::kInteractive | protocol::kIgnoreSigpipe | protocol::kTransactions |
    protocol::kReserved | protocol::kSecureConnection | protocol::kMultiResults |
    protocol::kPluginAuth | protocol::kConnectAttrs | protocol::kPluginAuthLenencData |
    protocol::kDeprecateEof;

// The monitor judges within an interval; this is for the case that it hangs.
constexpr std::chrono::seconds kChangePatience{5};

std::string host_of(const std::string& peer) {
  return peer == "unix" ? "localhost" : peer.substr(0, peer.rfind(':'));
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
      last_activity_(host.now()),
      reader_(kMaxCommand) {
  stream_->set_handler(this);
}

AdminSession::~AdminSession() {
  close();
}

void AdminSession::start() {
  login_.emplace(host_.accounts(), host_.targets().process.rsa_key, host_of(peer_),
                 peer_ == "unix");
  const std::string greeting = login_->greeting({kVersion, kOffered, kUtf8mb4}, id_);
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
  if (phase_ == Phase::login && idle >= limits.handshake_timeout) return close();
  if (phase_ != Phase::commands) return;
  if (change_) return look_for_change();
  if (!waiting_ && limits.idle_timeout > Milliseconds(0) && idle >= limits.idle_timeout) close();
}

void AdminSession::on_stream_read(std::span<std::uint8_t> bytes) {
  inbox_.append(protocol::as_text(bytes));
  if (phase_ == Phase::login) return on_login_step(login_->take(inbox_));
  last_activity_ = host_.now();
  work_off();
}

void AdminSession::on_stream_ended(int) {
  close();
}

void AdminSession::on_stream_drained() {
  work_off();
}

void AdminSession::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  protocol::wipe(inbox_);
  stream_->close_after_writing();
  host_.on_session_closed(*this);
}

void AdminSession::refuse(const ClientError& error, std::uint8_t sequence) {
  stream_->write(error_packet(error, sequence));
  close();
}

void AdminSession::on_login_step(Login::Step step) {
  if (!step.send.empty()) stream_->write(step.send);
  if (step.kind == Login::Step::Kind::wait) return;
  if (step.kind == Login::Step::Kind::check) return close();  // its account has a password
  const std::uint8_t sequence = login_->next_sequence();
  if (step.kind == Login::Step::Kind::refused) {
    // Not the text: it repeats what the client has sent.
    spdlog::warn("admin console: a login from {} was refused with error {}", peer_,
                 step.error.code);
    return refuse(step.error, sequence);
  }
  const ClientIdentity identity = login_->take_identity();
  login_.reset();
  user_ = identity.user;
  capabilities_ = identity.capabilities;
  phase_ = Phase::commands;
  last_activity_ = host_.now();
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

void AdminSession::run_query(std::string_view text) {
  using Kind = AdminCommand::Kind;
  const AdminCommand command = parse_admin_command(text);
  switch (command.kind) {
    case Kind::explain_route:
      return explain_route(command.text);
    case Kind::drain_server:
      return change_server(command.name, true);
    case Kind::enable_server:
      return change_server(command.name, false);
    case Kind::kill_session:
      return kill_session(command.session);
    case Kind::constants:
      return select_constants(command.items);
    case Kind::accept:
      return answer_ok();
    case Kind::empty:
      return answer_error({1065, "42000", "Query was empty"});
    case Kind::unknown:
      return answer_error({1064, "42000", unknown_command_text(command.text)});
    default:
      return run_show(command.kind);
  }
}

void AdminSession::run_show(AdminCommand::Kind kind) {
  using Kind = AdminCommand::Kind;
  switch (kind) {
    case Kind::show_servers:
      return ask_status([this](const WorkerStatus& status) {
        answer_table(servers_table(config(), *latest(), status));
      });
    case Kind::show_pools:
      return ask_status([this](const WorkerStatus& status) {
        answer_table(pools_table(config(), *latest(), status));
      });
    case Kind::show_pins:
      return ask_status(
          [this](const WorkerStatus& status) { answer_table(pins_table(status.pins)); });
    case Kind::show_counters:
      return ask_status(
          [this](const WorkerStatus& status) { answer_table(counters_table(status)); });
    case Kind::show_rules:
      return ask_status(
          [this](const WorkerStatus& status) { answer_table(rules_table(config(), status)); });
    case Kind::show_firewall:
      return ask_status([this](const WorkerStatus& status) { show_firewall(status); });
    case Kind::show_sessions:
      waiting_ = true;
      return survey_sessions(
          *host_.targets().process.directory,
          [this, &host = host_, id = id_](std::vector<SessionInfo> sessions) {
            host.post(id, [this, sessions = std::move(sessions)] {
              resume([&] { answer_table(sessions_table(config(), *latest(), sessions)); });
            });
          });
    case Kind::show_config:
      return answer_table(config_table(config()));
    case Kind::show_warnings:
      return answer_table(no_warnings_table());
    default:
      return answer_table(help_table());
  }
}

void AdminSession::show_firewall(const WorkerStatus& status) {
  const Firewall* const firewall = host_.targets().process.firewall;
  if (firewall == nullptr) return answer_table(firewall_table(config(), nullptr, {}, status));
  const auto lists = firewall->lists();
  answer_table(firewall_table(config(), lists.get(), firewall->learnt(), status));
}

void AdminSession::select_constants(const std::vector<AdminCommand::Item>& items) {
  const AdminCommand::Item* unknown = nullptr;
  const auto table =
      constants_table(items, {std::string(kVersion), user_, host_of(peer_), id_}, unknown);
  if (table) return answer_table(*table);
  if (unknown->kind == AdminCommand::Item::Kind::variable) {
    return answer_error(
        {1193, "HY000", fmt::format("Unknown system variable '{}'", unknown->text)});
  }
  answer_error({1305, "42000", fmt::format("FUNCTION {} does not exist", unknown->text)});
}

// For a session that has done nothing yet, and of which nothing else is known.
void AdminSession::explain_route(const std::string& sql) {
  const RoutingConfig& routing = config().routing;
  sql::TextOptions options;
  options.hints = routing.hints;
  std::string room;
  RuleText text(sql, options, room);
  RuleInput input;
  input.text = &text;
  const auto rules = RuleSet::make(config());
  const Rule* rule = rules != nullptr ? rules->match(input) : nullptr;
  const Route route = decide(sql::classify(sql, options), {}, routing, rule);
  const auto topology = host_.targets().process.topology.latest();
  answer_table(route_table(route, server_for_stranger(route, *topology, routing),
                           digest_text(sql::digest(sql, options))));
}

// --- what changes something ----------------------------------------------------------------------

void AdminSession::change_server(const std::string& name, bool drained) {
  const auto topology = latest();
  const auto server = find_server(config(), *topology, name);
  if (!server) return answer_error({1210, "HY000", unknown_server_text(config(), *topology, name)});
  const bool changed = host_.targets().drained.set(*server, drained);
  spdlog::info("admin console: {} {} server {}{}", who(), drained ? "drains" : "enables", name,
               changed ? "" : ", which it is already");
  host_.targets().judge_again();
  waiting_ = true;
  change_ = Change{*server, name, drained, host_.now()};
}

// The answer is sent when every worker obeys. A topology is on the board only after all workers
// have been sent it, and a worker takes it before it answers a question that was asked later.
void AdminSession::look_for_change() {
  const Change change = *change_;
  const auto topology = host_.targets().process.topology.latest();
  const bool published =
      change.server < topology->servers.size() &&
      (topology->servers[change.server].health == Health::drained) == change.drained;
  const bool overruled = host_.targets().drained.has(change.server) != change.drained;
  if (published || overruled) {
    change_.reset();
    return ask_status([this](const WorkerStatus&) { answer_ok(); });
  }
  if (host_.now() - change.begun < kChangePatience) return;
  change_.reset();
  resume([&] {
    answer_error({1105, "HY000",
                  fmt::format("weir: the change of server {} is noted, but the monitor has not "
                              "judged again so far; look at SHOW SERVERS",
                              change.name)});
  });
}

// On the session's own thread it is ended as by KILL. What its statement does on a server ends when
// that finds its connection closed.
void AdminSession::kill_session(std::uint32_t target) {
  const auto answer = [this, target](bool found) {
    if (!found) {
      return answer_error(
          {1094, "HY000",
           fmt::format("weir: there is no session {}; SHOW SESSIONS lists them", target)});
    }
    spdlog::info("admin console: {} has killed session {}", who(), target);
    answer_ok();
  };
  waiting_ = true;
  const bool posted = host_.targets().process.directory->visit(
      target, [this, &host = host_, id = id_, answer](ClientSession* session) {
        if (session != nullptr) session->kill();
        host.post(id,
                  [this, answer, found = session != nullptr] { resume([&] { answer(found); }); });
      });
  if (!posted) {
    waiting_ = false;
    answer(false);
  }
}

// --- answers -------------------------------------------------------------------------------------

// Asks all workers; `then` answers the command, unless the session is over by then.
void AdminSession::ask_status(std::function<void(const WorkerStatus&)> then) {
  waiting_ = true;
  survey_status(*host_.targets().process.directory, [this, &host = host_, id = id_,
                                                     then = std::move(then)](WorkerStatus status) {
    host.post(id, [this, then, status = std::move(status)] { resume([&] { then(status); }); });
  });
}

// What was waited for has come.
void AdminSession::resume(std::function<void()> answer) {
  if (phase_ != Phase::commands) return;
  waiting_ = false;
  answer();
  work_off();
}

void AdminSession::answer_table(const protocol::ResultSet& set) {
  std::uint8_t sequence = reader_.next_sequence();
  std::string packets;
  protocol::append_result_set(packets, set, protocol::kStatusAutocommit, capabilities_, sequence);
  stream_->write(packets);
}

void AdminSession::answer_ok() {
  stream_->write(ok_packet(reader_.next_sequence(), capabilities_));
}

void AdminSession::answer_error(const ClientError& error) {
  stream_->write(error_packet(error, reader_.next_sequence()));
}

std::string AdminSession::who() const {
  return fmt::format("'{}' from {}", user_, peer_);
}

}  // namespace weir
