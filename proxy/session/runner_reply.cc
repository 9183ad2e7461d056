// From the server to the client: the part of CommandRunner that relays replies and learns from
// them.

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/frame.h"
#include "protocol/response.h"
#include "proxy/core/refused_write.h"
#include "proxy/session/command_runner.h"
#include "proxy/session/translate_ok.h"
#include "sql_classifier/local_files.h"

namespace weir {

using protocol::Handling;
using protocol::kFrameHeaderSize;
using protocol::ReplyTracker;

namespace {

// Errors of a replica that the primary might not answer with: it is read-only, or just behind.
bool primary_may_know_better(std::uint16_t code) {
  constexpr std::array<std::uint16_t, 15> kCodes = {
      1290, 1792, 1836,        // read-only server or transaction
      1044, 1045, 1142, 1370,  // grants that have not arrived yet
      1049, 1051, 1146,        // unknown database or table
      1054,                    // unknown column
      1305, 1327,              // unknown routine or variable
      1053,                    // it is shutting down
      1047,                    // a Galera node that has just lost its cluster
  };
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

// Errors behind which there may be no transaction any more. An error packet does not tell.
bool may_end_transaction(std::uint16_t code) {
  constexpr std::array<std::uint16_t, 6> kCodes = {
      1180, 1181,        // an error during COMMIT, during ROLLBACK
      1205, 1206, 1213,  // a lock that was waited for too long, too many locks, a deadlock
      3101,              // a group has rejected the transaction
  };
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

// Of long data for no parameter, or of too much. Wrong arguments of the execute itself have the
// same number.
bool is_refusal_of_long_data(const protocol::ErrPacket& error) {
  return error.code == 1105 || (error.code == 1210 && !error.message.ends_with("stmt_execute"));
}

// Of a packet with its header.
std::uint16_t error_code(Bytes packet) {
  const auto err = protocol::decode_err(packet.subspan(kFrameHeaderSize));
  return err ? err->code : 0;
}

// The whole server is read-only, and the statement has done nothing: the number alone can mean
// another option.
bool refuses_writes(Bytes packet) {
  const auto err = protocol::decode_err(packet.subspan(kFrameHeaderSize));
  return err && err->code == 1290 && err->message.find("read-only") != std::string_view::npos;
}

bool is_unknown_database(const std::string& packet) {
  return packet.size() > kFrameHeaderSize && error_code(protocol::as_bytes(packet)) == 1049;
}

}  // namespace

// What is put together here counts as begun only when it is written: until then it can be taken
// back.
void CommandRunner::forward(Bytes bytes, bool copy) {
  if (current_.logged) digest().add(bytes);
  pass(bytes, copy);
}

void CommandRunner::pass(Bytes bytes, bool copy) {
  if (current_.replayed || current_.rerun || !current_.repair_error.empty()) return;
  if (current_.sent_at != 0) note_latency();
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
  if (purpose == ReplyPurpose::errand || purpose == ReplyPurpose::position) {
    errand_reply_.append(protocol::as_text(bytes));
  }
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
  if (purpose == ReplyPurpose::errand || purpose == ReplyPurpose::position) {
    errand_reply_.append(protocol::as_text(step.packet));
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
    case Event::definition:
      return on_definition(step);
    case Event::row:
      return on_row(link, step);
    case Event::eof:
      return on_eof(link, step);
    case Event::none:
    case Event::malformed:
      break;
  }
  forward(step.packet, step.kept);
}

void CommandRunner::on_eof(BackendConnection& link, const ReplyTracker::Step& step) {
  if (!current_.splits) {
    if (current_.logged) digest().add_eof(step.packet);
    return pass(step.packet, step.kept);
  }
  const std::string packet = as_in_transaction(step.packet, false, link.capabilities());
  if (current_.logged) digest().add_eof(protocol::as_bytes(packet));
  pass(protocol::as_bytes(packet), true);
}

void CommandRunner::on_ok(BackendConnection& link, const ReplyTracker::Step& step) {
  std::string split;
  if (current_.splits) split = as_in_transaction(step.packet, true, link.capabilities());
  const Bytes packet = current_.splits ? protocol::as_bytes(split) : step.packet;
  const bool copy = step.kept || current_.splits;
  if (current_.logged) digest().add_ok(packet, link.capabilities());
  if ((link.status() & protocol::kStatusSessionStateChanged) == 0) return pass(packet, copy);
  const std::string translated = translate_ok(packet, link.capabilities(), identity_.capabilities,
                                              pins_.has(Pin::session_tracking));
  if (translated.empty()) return pass(packet, copy);
  pass(protocol::as_bytes(translated), true);
}

void CommandRunner::on_error(BackendConnection& link, const ReplyTracker::Step& step) {
  if (is_timed_out(error_code(step.packet))) {
    current_.failed = true;
    ++context_.counters.failed_statements;
    const std::string packet = error_packet(errors::query_too_long(link.is_mariadb()),
                                            protocol::read_frame_header(step.packet).sequence);
    return forward(protocol::as_bytes(packet), true);
  }
  const bool may_rerun = &link == links_.replica() && current_.repeatable &&
                         !current_.answer_begun && !current_.only_primary && !only_replicas() &&
                         primary_may_know_better(error_code(step.packet));
  if (may_rerun) {
    relay_.clear();
    current_.rerun = true;
    return;
  }
  if (is_transaction_on_replica(link) && is_read_only_server(error_code(step.packet))) {
    // The primary would have refused the write for the transaction's sake, not for its own.
    current_.failed = true;
    const std::string packet = error_packet(errors::read_only_transaction(),
                                            protocol::read_frame_header(step.packet).sequence);
    return forward(protocol::as_bytes(packet), true);
  }
  if (current_.holdable && &link == links_.primary() && refuses_writes(step.packet)) {
    current_.refused = true;
    return;
  }
  current_.failed = true;
  if (&link == links_.transaction() && may_end_transaction(error_code(step.packet))) {
    maybe_over_ = true;
  }
  if (current_.info->handling == Handling::execute) on_execute_error(link, step.packet);
  forward(step.packet, step.kept);
}

bool CommandRunner::is_transaction_on_replica(const BackendConnection& link) const {
  return &link == links_.transaction() && &link == links_.replica();
}

// The answer may tell that a replica has refused a write.
bool CommandRunner::shows_refusals(const BackendConnection& link) const {
  return current_.facts.has(sql::Effect::asks_diagnostics) && is_transaction_on_replica(link);
}

void CommandRunner::on_row(const BackendConnection& link, const ReplyTracker::Step& step) {
  const bool binary = current_.info->handling == Handling::execute;
  std::string row;
  if (current_.processes != nullptr) row = current_.processes->translated(step.packet, binary);
  if (shows_refusals(link)) row = as_refused_by_transaction(step.packet, binary);
  if (row.empty()) return forward(step.packet, step.kept);
  forward(protocol::as_bytes(row), true);
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
  StatementPtr shared =
      context_.statements.intern(text, *state_, current_.facts, parameters, current_.substitutions);
  if (current_.facts.has(sql::Effect::asks_row_count) ||
      current_.facts.has(sql::Effect::asks_found_rows)) {
    asks_counts_ = true;
  }
  // A client gets the answer of the server, so the same text may have been prepared here before.
  close_on_server(link, link.statements().erase(shared->id));
  close_on_server(link, link.statements().make_room(context_.config().limits.server_statements));
  link.statements().add(shared->id, backend_id);
  PreparedStatement& statement = statements_.add(std::move(shared));
  if (current_.text_matches != nullptr) statement.rules = std::move(*current_.text_matches);
  std::string rewritten(protocol::as_text(packet.first(kFrameHeaderSize + 1)));
  protocol::ByteWriter(rewritten).int4(statement.id).bytes(packet.subspan(kFrameHeaderSize + 5));
  forward(protocol::as_bytes(rewritten), true);
}

// The client sees its own words.
void CommandRunner::on_definition(const ReplyTracker::Step& step) {
  if (current_.processes != nullptr) current_.processes->on_definition(step.packet);
  const std::string restored = restored_definition(step.packet, current_.substitutions);
  if (restored.empty()) return forward(step.packet, step.kept);
  forward(protocol::as_bytes(restored), true);
}

void CommandRunner::on_infile_request(BackendConnection& link, Bytes packet) {
  // Only a statement that names a file may make the client send that one: a server that asks out of
  // nowhere, or for another one, is after the client's files.
  const std::string_view file = protocol::as_text(packet.subspan(kFrameHeaderSize + 1));
  if (current_.local_files == nullptr || !sql::names_file(*current_.local_files, file)) {
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
    link.statements().add(statements_.find(current_.statement_id)->shared->id, in.int4());
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
      if (current_.rerun || !current_.repair_error.empty()) return run_again_on_primary();
      if (current_.refused) return hold_refused(link);
      if (current_.failed) return finish(link);
      return proceed_again();
    case ReplyPurpose::reset:
      return on_reset(link);
    case ReplyPurpose::client:
      --context_.work[link.server()].outstanding;
      if (!current_.repair_error.empty() && !current_.repeatable) return lose_outcome(link);
      if (current_.rerun || !current_.repair_error.empty()) return run_again_on_primary();
      if (current_.refused) return hold_refused(link);
      return finish(link);
    case ReplyPurpose::errand:
      return on_kill_reply();
    case ReplyPurpose::position:
      return on_position();
    case ReplyPurpose::schema:
    case ReplyPurpose::setup:
    case ReplyPurpose::defaults:
    case ReplyPurpose::harvest:
      return;  // the connection's own
  }
}

void CommandRunner::on_reset(BackendConnection& link) {
  --context_.work[link.server()].outstanding;
  current_.on = nullptr;
  // A reset leaves the role as it is.
  const bool keeps_role = pins_.has(Pin::role);
  SessionState state = *link.state();
  state.set_schema({});
  initial_ = context_.states.intern(std::move(state));
  put_away(links_.take(SessionLinks::Slot::replica));
  finish_reset_connection();
  if (keeps_role) pins_.add(Pin::role);
  answer_ok();
}

void CommandRunner::on_repair_end(BackendConnection& link) {
  --current_.repairs_left;
  if (current_.repairs_left > 0) return;
  if (current_.repair_error.empty()) fold_repair(link);
  if (opening_) return end_open(link);
  if (stage_ != Stage::repairing) return;  // the command itself is already on its way
  stage_ = Stage::none;
  if (!current_.repair_error.empty()) return run_again_on_primary();
  proceed_again();
}

// What the repair has assigned is what was wished, whatever the server reports of it.
void CommandRunner::fold_repair(BackendConnection& link) {
  link.set_state(current_.repaired);
  if (!opening_) link.set_multi_statements(multi_statements_);  // opening sets the schema alone
  if (current_.forgets_diagnostics) link.forget_diagnostics();
  if (current_.repaired == state_) proven_on_ = link.server();
}

void CommandRunner::end_open(BackendConnection& link) {
  if (current_.repair_error.empty()) return finish_open(link);
  opening_ = false;
  stage_ = Stage::none;
  current_.on = nullptr;
  const std::string packet = std::exchange(current_.repair_error, {});
  host_.on_open_failed(packet.substr(kFrameHeaderSize));
}

// A repair that was thought safe has failed, and what is no plain read ran behind it.
void CommandRunner::lose_outcome(BackendConnection& link) {
  const std::string server = link.options().server_name;
  const auto error =
      protocol::decode_err(protocol::as_bytes(current_.repair_error).subspan(kFrameHeaderSize));
  const std::string why = error ? std::string(error->message) : "its state could not be adjusted";
  current_.repair_error.clear();
  leave(link);
  carry_out(LossVerdict::outcome_unknown, server, why, host_.answer_sequence());
}

// The read is already on its way behind the wait; if the wait was in vain, its answer does not
// count.
void CommandRunner::on_wait_end(BackendConnection& link) {
  current_.wait_ticket = {};
  if (wait_was_successful(current_.wait_reply)) {
    reached_on_ = link.server();
  } else {
    ++context_.counters.waits_in_vain;
    // As long as it took: so a session loses at most half of its time to a replica that is late.
    no_waits_until_ = context_.loop_time() + context_.config().routing.wait;
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
    // Not that of a statement which was prepared in another one.
    if (is_unknown_database(error) && current_.repaired->schema() == state_->schema()) {
      forget_schema();
      if (current_.facts.kind == sql::StatementKind::use) return proceed_again();
    }
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
  if (stage_ == Stage::infile || (current_.sent && !current_.whole)) {
    // Answered before all of it had come: the server, or weir, would read the rest as commands.
    flush_relay();
    stage_ = Stage::none;
    leave(link);
    return host_.on_session_over();
  }
  // These two went to the connection that has the statement, whose state may not be the session's.
  const Handling handling = current_.info->handling;
  if (handling == Handling::fetch || handling == Handling::reset_statement) {
    fold_fetch(link);
  } else {
    fold(link);
  }
  if (current_.replayed) return on_replayed();
  end_logging();
  // Not before others know of what was written: they may hear of it from this client.
  flush_relay();
  const bool commits = current_.facts.kind == sql::StatementKind::commit ||
                       current_.facts.kind == sql::StatementKind::rollback;
  if (!current_.failed && (current_.facts.has(sql::Effect::ends_session) ||
                           (commits && state_->releases_on_commit()))) {
    stage_ = Stage::none;
    return host_.on_session_over();
  }
  demand_what_primary_showed(link);
  if (may_ask_position(link)) return ask_position(link);
  end_command();
}

// Long data that a server does not take, because it is too much or for no parameter, makes it
// refuse the statement until that is reset. Other sessions use the same one, and get it prepared
// anew; this one goes on to be refused.
void CommandRunner::on_execute_error(BackendConnection& link, Bytes packet) {
  PreparedStatement* statement = statements_.find(current_.statement_id);
  if (statement == nullptr || statement->long_data.empty()) return;
  const auto error = protocol::decode_err(packet.subspan(kFrameHeaderSize));
  if (!error || !is_refusal_of_long_data(*error)) return;
  statement->refusal = ClientError{error->code, "HY000", std::string(error->message)};
  close_on_server(link, link.statements().erase(statement->shared->id));
}

void CommandRunner::end_command() {
  stage_ = Stage::none;
  if (current_.replayed) return fail_replay("a connection could not be made to fit");
  if (log_ != nullptr && links_.transaction() == nullptr) drop_log();
  // However it ended: a client that tries again sends its long data again.
  if (current_.info != nullptr && current_.info->handling == Handling::execute) {
    if (PreparedStatement* statement = statements_.find(current_.statement_id)) {
      statement->drop_long_data();
    }
  }
  current_.on = nullptr;
  current_.info = nullptr;
  current_.routine_change.end();
  current_.spill = {};
  place_.leave();
  if (current_.bytes.capacity() > protocol::CommandReader::kMaxIdle)
    std::string().swap(current_.bytes);
  settle();
  if (!closed_ && !awaits_kill()) host_.on_command_done();
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
