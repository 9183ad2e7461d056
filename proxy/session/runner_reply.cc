// From the server to the client: the part of CommandRunner that relays replies and learns from
// them.

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/frame.h"
#include "protocol/response.h"
#include "proxy/session/command_runner.h"
#include "proxy/session/translate_ok.h"
#include "sql_classifier/tracked_variables.h"

namespace weir {

using protocol::Handling;
using protocol::kFrameHeaderSize;
using protocol::ReplyTracker;

namespace {

// Errors of a replica that the primary might not answer with: it is read-only, or just behind.
bool primary_may_know_better(std::uint16_t code) {
  constexpr std::array<std::uint16_t, 14> kCodes = {
      1290, 1792, 1836,        // read-only server or transaction
      1044, 1045, 1142, 1370,  // grants that have not arrived yet
      1049, 1051, 1146,        // unknown database or table
      1054,                    // unknown column
      1305, 1327,              // unknown routine or variable
      1053,                    // it is shutting down
  };
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

bool is_read_only_server(std::uint16_t code) {
  return code == 1290 || code == 1836;
}

std::uint16_t error_code(Bytes packet) {
  const auto err = protocol::decode_err(packet.subspan(kFrameHeaderSize));
  return err ? err->code : 0;
}

// Whether replicas may lack what the statement has done. Reads that the primary answers count only
// when they end a transaction that wrote, which the commit tells.
bool writes(const sql::Classification& facts) {
  using Kind = sql::StatementKind;
  switch (facts.kind) {
    case Kind::empty:
    case Kind::set:
    case Kind::use:
    case Kind::begin:
    case Kind::rollback:
    case Kind::savepoint:
      return facts.statements > 1;
    case Kind::read:
      return facts.statements > 1 || facts.has(sql::Effect::calls_routine) ||
             facts.reason == sql::Reason::sequence;
    default:
      return true;
  }
}

}  // namespace

// What is put together here counts as begun only when it is written: until then it can be taken
// back.
void CommandRunner::forward(Bytes bytes, bool copy) {
  if (current_.rerun || !current_.repair_error.empty()) return;
  const std::uint64_t writes = relay_.writes();
  if (copy) {
    relay_.add_copy(host_.client(), bytes);
  } else {
    relay_.add(host_.client(), bytes);
  }
  if (relay_.writes() != writes) current_.answer_begun = true;
}

void CommandRunner::flush_relay() {
  if (relay_.empty()) return;
  current_.answer_begun = true;
  relay_.flush(host_.client());
}

void CommandRunner::on_reply_bytes(BackendConnection&, ReplyPurpose purpose, Bytes bytes) {
  if (purpose == ReplyPurpose::client) forward(bytes);
  if (purpose == ReplyPurpose::wait) current_.wait_reply.append(protocol::as_text(bytes));
}

void CommandRunner::on_reply_packet(BackendConnection& link, ReplyPurpose purpose,
                                    const ReplyTracker::Step& step) {
  using Event = ReplyTracker::Event;
  if (purpose == ReplyPurpose::repair) {
    if (step.event == Event::err) current_.repair_error = protocol::as_text(step.packet);
    return;
  }
  if (purpose == ReplyPurpose::prepare) return on_prepare_packet(link, step);
  if (purpose == ReplyPurpose::wait) {
    current_.wait_reply.append(protocol::as_text(step.packet));
    return;
  }
  switch (step.event) {
    case Event::ok:
      return on_ok(link, step);
    case Event::err:
      return on_error(link, step);
    case Event::prepared:
      return on_prepared(link, step.packet);
    case Event::local_infile:
      return on_infile_request(link, step.packet);
    case Event::none:
    case Event::eof:
    case Event::malformed:
      break;
  }
  forward(step.packet, step.kept);
}

void CommandRunner::on_ok(BackendConnection& link, const ReplyTracker::Step& step) {
  if ((link.status() & protocol::kStatusSessionStateChanged) == 0) {
    return forward(step.packet, step.kept);
  }
  const std::string translated = translate_ok(
      step.packet, link.capabilities(), identity_.capabilities, pins_.has(Pin::session_tracking));
  if (translated.empty()) return forward(step.packet, step.kept);
  forward(protocol::as_bytes(translated), true);
}

void CommandRunner::on_error(BackendConnection& link, const ReplyTracker::Step& step) {
  const bool may_rerun = &link == links_.replica() && current_.repeatable &&
                         !current_.answer_begun && !current_.only_primary && !only_replicas() &&
                         primary_may_know_better(error_code(step.packet));
  if (may_rerun) {
    relay_.clear();
    current_.rerun = true;
    return;
  }
  if (&link == links_.transaction() && &link == links_.replica() &&
      is_read_only_server(error_code(step.packet))) {
    // The primary would have refused the write for the transaction's sake, not for its own.
    current_.failed = true;
    const std::string packet = error_packet(errors::read_only_transaction(),
                                            protocol::read_frame_header(step.packet).sequence);
    return forward(protocol::as_bytes(packet), true);
  }
  current_.failed = true;
  forward(step.packet, step.kept);
}

// The client's statement exists now, under an id of weir's.
void CommandRunner::on_prepared(BackendConnection& link, Bytes packet) {
  if (current_.rerun || !current_.repair_error.empty()) return;  // the client never hears of it
  protocol::ByteReader in(packet.subspan(kFrameHeaderSize + 1));
  const std::uint32_t backend_id = in.int4();
  in.skip(2);
  const std::uint16_t parameters = in.int2();
  const std::string_view text =
      protocol::as_text(protocol::as_bytes(current_.bytes).subspan(kFrameHeaderSize + 1));
  const PreparedStatement& statement = statements_.add(text, current_.facts, parameters);
  link.statements()[statement.id] = {backend_id, 0};
  std::string rewritten(protocol::as_text(packet.first(kFrameHeaderSize + 1)));
  protocol::ByteWriter(rewritten).int4(statement.id).bytes(packet.subspan(kFrameHeaderSize + 5));
  forward(protocol::as_bytes(rewritten), true);
}

void CommandRunner::on_infile_request(BackendConnection& link, Bytes packet) {
  // Only a statement that names a file may make the client send one: a server that asks out of
  // nowhere is after the client's files.
  if (!current_.facts.has(sql::Effect::local_infile)) {
    const ClientError error = errors::local_infile_refused();
    const std::uint8_t sequence = link.current_reply().next_sequence();
    leave(link);
    flush_relay();
    write_error(error, static_cast<std::uint8_t>(sequence - 1));
    return end_command();
  }
  forward(packet, true);
  infile_ = protocol::InfileReader(link.current_reply().next_sequence());
  stage_ = Stage::infile;
  flush_relay();
  host_.on_input_wanted();
}

void CommandRunner::on_prepare_packet(BackendConnection& link, const ReplyTracker::Step& step) {
  if (step.event == ReplyTracker::Event::prepared) {
    protocol::ByteReader in(step.packet.subspan(kFrameHeaderSize + 1));
    link.statements()[current_.statement_id] = {in.int4(), 0};
  } else if (step.event == ReplyTracker::Event::err) {
    on_error(link, step);
  }
}

void CommandRunner::on_reply_end(BackendConnection& link, ReplyPurpose purpose) {
  switch (purpose) {
    case ReplyPurpose::repair:
      return on_repair_end(link);
    case ReplyPurpose::wait:
      return on_wait_end(link);
    case ReplyPurpose::prepare:
      stage_ = Stage::none;
      if (current_.rerun) return run_again_on_primary();
      if (current_.failed) return finish(link);
      return proceed_again();
    case ReplyPurpose::reset:
      state_ = link.state();
      finish_reset_connection();
      if (!link.is_mariadb()) {
        identity_.collation = static_cast<std::uint8_t>(context_.topology->default_collation);
      }
      autocommit_ = (link.status() & protocol::kStatusAutocommit) != 0;
      --context_.outstanding[link.server()];
      return answer_ok();
    case ReplyPurpose::client:
      --context_.outstanding[link.server()];
      if (current_.rerun || !current_.repair_error.empty()) return run_again_on_primary();
      return finish(link);
    case ReplyPurpose::setup:
      return;
  }
}

void CommandRunner::on_repair_end(BackendConnection& link) {
  --current_.repairs_left;
  if (current_.repairs_left > 0) return;
  if (current_.repair_error.empty()) link.state() = state_;
  if (stage_ != Stage::repairing) return;  // the command itself is already on its way
  stage_ = Stage::none;
  if (!current_.repair_error.empty()) return run_again_on_primary();
  proceed_again();
}

// The read is already on its way behind the wait; if the wait was in vain, its answer does not
// count.
void CommandRunner::on_wait_end(BackendConnection& link) {
  if (wait_was_successful(current_.wait_reply)) {
    reached_on_ = link.server();
  } else {
    ++context_.counters.waits_in_vain;
    gave_up_version_ = context_.topology->version;
    current_.rerun = true;
  }
}

// The answer of this connection does not count. A replica that is behind is no reason for an error
// that the primary would not give; an error in adjusting the primary's own connection is the
// client's.
void CommandRunner::run_again_on_primary() {
  BackendConnection* link = current_.on;
  const std::string error = std::exchange(current_.repair_error, {});
  const bool on_primary = link == links_.primary();
  current_.rerun = false;
  current_.failed = false;
  stage_ = Stage::none;
  // Its state is not what was wished, and not known; or a transaction has begun there that nobody
  // wants.
  if (!error.empty() || (!on_primary && link->in_transaction())) leave(*link);
  if (on_primary) {
    current_.failed = true;
    forward(protocol::as_bytes(error), true);
    flush_relay();
    return end_command();
  }
  ++context_.counters.answered_by_primary_instead;
  current_.only_primary = true;
  current_.on = nullptr;
  proceed_again();
}

void CommandRunner::finish(BackendConnection& link) {
  flush_relay();
  if (stage_ == Stage::infile || (current_.sent && !current_.whole)) {
    // Answered before all of it had come: the server, or weir, would read the rest as commands.
    stage_ = Stage::none;
    leave(link);
    return host_.on_session_over();
  }
  // These two went to the connection that has the statement, whose state may not be the session's.
  const Handling handling = current_.info->handling;
  if (handling != Handling::fetch && handling != Handling::reset_statement) fold(link);
  if (!current_.failed && current_.facts.has(sql::Effect::ends_session)) {
    stage_ = Stage::none;
    return host_.on_session_over();
  }
  end_command();
}

// What the session has become by the statement that has just been answered.
void CommandRunner::fold(BackendConnection& link) {
  const bool was_in_transaction = links_.transaction() == &link;
  links_.set_last(&link);
  const bool in_transaction = link.in_transaction();
  if (&link == links_.transaction() || in_transaction) {
    links_.set_transaction(in_transaction ? &link : nullptr);
  }
  autocommit_ = (link.status() & protocol::kStatusAutocommit) != 0;
  if (!current_.failed && !current_.collation.empty()) {
    const auto id = sql::find_tracked_variable("collation_connection");
    if (id) link.state().set_variable(*id, current_.collation);
  }
  if (link.state().stamp() != state_.stamp()) state_ = link.state();
  if (current_.info->handling == Handling::prepare) return;  // nothing has been run
  if (!current_.whole_when_classified) pins_.add(Pin::unseen_text);
  // An error leaves no trace, except of what ran before it.
  const bool took_effect = !current_.failed || current_.facts.statements > 1 ||
                           current_.facts.kind == sql::StatementKind::read;
  if (took_effect) apply_effects(pins_, current_.facts, in_transaction);
  if (&link == links_.primary()) fold_writes(link, was_in_transaction);
  if (&link == links_.replica()) {
    read_on_ = link.server();
    read_at_ = context_.loop_time();
  }
}

// What the primary has committed must be seen by the session's next reads, wherever they go.
void CommandRunner::fold_writes(BackendConnection& link, bool was_in_transaction) {
  if (link.in_transaction()) return;  // not committed yet, and the session reads on this connection
  const std::string gtids = link.take_reported_gtids();
  if (gtids.empty()) {
    if (!was_in_transaction && !writes(current_.facts)) return;
    // Nothing was committed; but errors carry no report, whatever was committed before them.
    if (link.reports_gtids() && !current_.failed) return;
  }
  fresh_after_ = Clock::now();
  reached_on_.reset();
  if (gtids.empty()) {
    position_.mark_unknown();
  } else {
    position_.add(gtids);
  }
}

void CommandRunner::end_command() {
  stage_ = Stage::none;
  // However it ended: a client that tries again sends its long data again.
  if (current_.info != nullptr && current_.info->handling == Handling::execute) {
    if (PreparedStatement* statement = statements_.find(current_.statement_id)) {
      statement->drop_long_data();
    }
  }
  current_.on = nullptr;
  current_.info = nullptr;
  if (current_.bytes.capacity() > protocol::CommandReader::kMaxIdle)
    std::string().swap(current_.bytes);
  if (!closed_) host_.on_command_done();
}

void CommandRunner::on_reply_flush(BackendConnection& link) {
  Stream& client = host_.client();
  flush_relay();
  if (client.queued() > context_.config().limits.write_buffer && !link.idle()) link.pause();
}

void CommandRunner::on_backend_drained(BackendConnection&) {
  host_.on_input_wanted();
}

}  // namespace weir
