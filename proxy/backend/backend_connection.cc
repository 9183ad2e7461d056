#include "proxy/backend/backend_connection.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "protocol/frame.h"
#include "protocol/query_attributes.h"
#include "protocol/response.h"
#include "proxy/backend/backend_opening.h"
#include "proxy/backend/setup_statement.h"
#include "proxy/core/own_reply.h"
#include "sql_classifier/tracked_variables.h"

namespace weir {
namespace {

using protocol::Command;
using protocol::ReplyShape;
using protocol::ReplyTracker;

// In the order of end_setup().
constexpr std::string_view kMysqlQuestion =
    "SELECT @@character_set_client, @@character_set_results, @@character_set_connection, "
    "@@collation_connection, @@transaction_isolation";
constexpr std::string_view kMariadbQuestion =
    "SELECT @@character_set_client, @@character_set_results, @@character_set_connection, "
    "@@collation_connection, @@tx_isolation";

// The server has let us in for nothing but a change of the password.
bool is_expired(Bytes err_payload) {
  const auto err = protocol::decode_err(err_payload);
  return err && err->code == 1820;
}

// Replies that the user never sees.
bool is_own(ReplyPurpose purpose) {
  return purpose == ReplyPurpose::setup || purpose == ReplyPurpose::defaults ||
         purpose == ReplyPurpose::reset || purpose == ReplyPurpose::schema ||
         purpose == ReplyPurpose::harvest;
}

}  // namespace

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
