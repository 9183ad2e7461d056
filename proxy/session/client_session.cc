#include "proxy/session/client_session.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "protocol/frame.h"
#include "protocol/response.h"
#include "proxy/session/refusals.h"

namespace weir {

using protocol::Command;
using protocol::CommandReader;
using protocol::kFrameHeaderSize;

ClientSession::ClientSession(WorkerContext& context, Pool& pool, ReplyRelay& relay,
                             SessionOwner& owner, std::unique_ptr<Stream> stream)
    : context_(context),
      owner_(owner),
      stream_(std::move(stream)),
      peer_(stream_->peer()),
      address_(address_of_peer(peer_)),
      secure_(peer_ == "unix"),
      id_(context.process->next_connection_id.fetch_add(1)),
      last_activity_(context.loop_time()),
      reader_(context.config().limits.max_packet),
      runner_(context, pool, relay, *this) {
  stream_->set_handler(this);
}

ClientSession::~ClientSession() {
  close();
}

void ClientSession::on_topology_changed() {
  if (phase_ == Phase::greeting && context_.topology->known()) return greet();
  runner_.on_topology_changed();
}

void ClientSession::tick(TimePoint now) {
  const LimitsConfig& limits = context_.config().limits;
  const auto idle = now - last_activity_;
  switch (phase_) {
    case Phase::header:
    case Phase::greeting:
    case Phase::login:
    case Phase::changing:
      // From the connection's first moment on, however slowly bytes trickle in.
      if (idle < limits.handshake_timeout) return;
      note_refusal(context_, Refusal::late, peer_);
      return close();
    case Phase::opening:
    case Phase::commands:
      runner_.tick(now);
      if (phase_ != Phase::commands || runner_.busy()) return;
      if (limits.idle_timeout == Milliseconds(0) || idle < limits.idle_timeout) return;
      ++context_.counters.idle_timeouts;
      // As servers do it, each in its own way.
      if (context_.topology->is_mariadb()) return close();
      return refuse(errors::idle_too_long(), 0);
    case Phase::closed:
      return;
  }
}

std::size_t ClientSession::memory() const {
  return inbox_.capacity() + stream_->queued() + runner_.memory();
}

void ClientSession::run_out_of_memory() {
  ++context_.counters.memory_ends;
  spdlog::warn(
      "client {} ('{}') is disconnected: memory has run out (limits.memory), and it held "
      "{} bytes of it",
      peer_, runner_.identity().user, memory());
  // Into the middle of an answer nothing can be said; and what is queued is what there is too much
  // of, so it does not wait for the client.
  const bool idle = phase_ == Phase::commands && !runner_.busy() && stream_->queued() == 0;
  if (idle) return refuse(errors::out_of_memory(), 0);
  stream_->close();
  close();
}

SessionInfo ClientSession::info() const {
  SessionInfo info;
  runner_.describe(info);
  info.memory = memory();
  info.id = id_;
  info.client = peer_;
  const bool idle = phase_ == Phase::commands && !runner_.busy();
  if (phase_ == Phase::header || phase_ == Phase::greeting || phase_ == Phase::login ||
      phase_ == Phase::changing) {
    info.state = "login";
  }
  info.since = std::chrono::duration_cast<Milliseconds>(context_.loop_time() -
                                                        (idle ? idle_since_ : last_activity_));
  return info;
}

void ClientSession::on_stream_read(std::span<std::uint8_t> bytes) {
  switch (phase_) {
    case Phase::header:
      return on_header_bytes(bytes);
    case Phase::login:
    case Phase::changing:
      return on_login_bytes(bytes);
    case Phase::commands:
      last_activity_ = context_.loop_time();
      if (!inbox_.empty() || !takes_input()) return keep(bytes);
      return consume(bytes);
    case Phase::greeting:
    case Phase::opening:
      return keep(bytes);
    case Phase::closed:
      return;
  }
}

void ClientSession::on_stream_ended(int error) {
  if (error == kCannotUncompress) {
    return refuse(errors::cannot_uncompress(), reader_.next_sequence());
  }
  if (error == kPacketsOutOfOrder) {
    return refuse(errors::packets_out_of_order(), reader_.next_sequence());
  }
  if (error == kTlsFailed) {
    ++context_.counters.tls_failures;
    spdlog::debug("client {}: TLS failed: {}", peer_, stream_->tls_failure());
  }
  close();
}

void ClientSession::on_stream_drained() {
  runner_.on_client_drained();
  if (phase_ == Phase::commands && (!inbox_.empty() || !stream_->reading())) resume_input();
}

// --- commands
// ----------------------------------------------------------------------------------------

bool ClientSession::takes_input() const {
  if (phase_ != Phase::commands) return false;
  if (runner_.wants_file()) return true;
  // A client that sends commands but does not take their answers waits, too.
  if (reader_.between_commands() && stream_->queued() > context_.config().limits.write_buffer)
    return false;
  return reader_.between_commands() ? !runner_.busy() : runner_.accepts_parts() || !runner_.busy();
}

void ClientSession::consume(std::span<std::uint8_t> bytes) {
  consuming_ = true;
  while (!bytes.empty() && takes_input()) bytes = bytes.subspan(take_step(bytes));
  consuming_ = false;
  if (phase_ == Phase::closed || bytes.empty()) return;
  if (phase_ == Phase::changing) return on_login_bytes(bytes);
  keep(bytes);
}

std::size_t ClientSession::take_step(std::span<std::uint8_t> bytes) {
  if (runner_.wants_file()) return runner_.feed_infile(bytes);
  const CommandReader::Step step = reader_.step(bytes);
  switch (step.event) {
    case CommandReader::Event::none:
      break;
    case CommandReader::Event::command:
    case CommandReader::Event::begin:
      stream_->next_command();
      if (step.bytes.size() > kFrameHeaderSize) {
        const auto command = static_cast<Command>(step.bytes[kFrameHeaderSize]);
        if (command == Command::quit) {
          close();
          break;
        }
        if (command == Command::change_user) {
          if (step.event == CommandReader::Event::begin) {
            refuse(errors::packet_too_large(), reader_.next_sequence());
          } else {
            begin_change_user(step.bytes);
          }
          break;
        }
      }
      runner_.run(step);
      break;
    case CommandReader::Event::part:
      runner_.run_part(step);
      break;
    case CommandReader::Event::out_of_order:
      refuse(errors::packets_out_of_order(), reader_.next_sequence());
      break;
    case CommandReader::Event::too_large:
      refuse(errors::packet_too_large(), reader_.next_sequence());
      break;
  }
  return phase_ == Phase::closed ? bytes.size() : step.consumed;
}

// Keeps input for later, and stops reading when the client sends ahead too much.
void ClientSession::keep(Bytes bytes) {
  inbox_.append(protocol::as_text(bytes));
  if (inbox_.size() > context_.config().limits.write_buffer) stream_->stop_reading();
}

void ClientSession::on_command_done() {
  idle_since_ = context_.loop_time();
  if (draining_ && !runner_.in_transaction()) return close();
  if (!consuming_) {
    reader_.trim();
    if (!inbox_.empty() || !stream_->reading()) resume_input();
  }
}

void ClientSession::on_input_wanted() {
  resume_input();
}

void ClientSession::on_input_unwanted() {
  stream_->stop_reading();
}

// Works off what was kept, in a call of its own: this one may come from the middle of another
// command's affairs.
void ClientSession::resume_input() {
  if (phase_ == Phase::closed || resume_asked_) return;
  stream_->start_reading();
  if (inbox_.empty()) return;
  resume_asked_ = true;
  context_.deferred->call([this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    resume_asked_ = false;
    if (!takes_input() || inbox_.empty()) return;
    std::string kept = std::exchange(inbox_, {});
    stream_->start_reading();  // while it grew, keep() may have stopped that again
    consume({reinterpret_cast<std::uint8_t*>(kept.data()), kept.size()});
  });
}

// --- the end
// -----------------------------------------------------------------------------------------

void ClientSession::refuse(const ClientError& error, std::uint8_t sequence) {
  stream_->write(error_packet(error, sequence));
  close();
}

void ClientSession::drain() {
  draining_ = true;
  if (phase_ == Phase::commands && (runner_.busy() || runner_.in_transaction())) return;
  close();
}

void ClientSession::shut_down() {
  if (phase_ == Phase::commands && !runner_.answering())
    return refuse(errors::shutting_down(), reader_.next_sequence());
  close();
}

void ClientSession::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  if (limited_user_) context_.process->accounts->leave(*runner_.identity().listed);
  runner_.close();
  protocol::wipe(inbox_);
  stream_->close_after_writing();
  owner_.on_session_closed(*this);
}

}  // namespace weir
