// From a connection to the server: the part of CommandRunner that makes a connection's state the
// session's and sends the command.

#include <fmt/format.h>

#include <utility>

#include "protocol/frame.h"
#include "protocol/query_attributes.h"
#include "proxy/core/parameter_types.h"
#include "proxy/session/command_runner.h"

namespace weir {

using protocol::Command;
using protocol::Handling;
using protocol::kFrameHeaderSize;
using protocol::ReplyShape;

namespace {

// The server decides between the two values that there may be; only it can.
std::string insert_id_assignment(const InsertId& id, const BackendConnection& link) {
  if (id.holder != &link) return fmt::format("SET last_insert_id = {}", id.value);
  return fmt::format("SET last_insert_id = IF(LAST_INSERT_ID() = {0}, {0}, {1})", id.value,
                     id.otherwise);
}

}  // namespace

void CommandRunner::retain(Bytes bytes) {
  if (bytes.data() == protocol::as_bytes(current_.bytes).data()) return;
  current_.bytes.assign(protocol::as_text(bytes));
}

void CommandRunner::send_on(BackendConnection& link, std::span<std::uint8_t> bytes) {
  current_.on = &link;
  constexpr std::size_t kMaxHeld = 64u << 10;  // a copy of more is not worth it
  if (bytes.size() > kMaxHeld) current_.holdable = false;
  if (waits_for_insert_id()) return retain(bytes);
  if (current_.info->handling == Handling::reset_connection) return send_reset(link);
  const bool prepares = must_prepare(link);
  const StatePtr target = target_state(link, prepares);
  if (!can_repair(*link.state(), *target)) return replace_link(link, bytes);
  std::string before;
  append_harvest(link, before);
  append_repairs(link, target, before);
  if (prepares) {
    retain(bytes);
    return prepare_on(link, protocol::as_bytes(before));
  }
  // What may be run twice travels behind the repair in the same write, and its answer is dropped if
  // the repair fails. What may not waits until the state is known to be right.
  if (current_.repairs_left > 0 && !may_pipeline(link, target)) {
    retain(bytes);
    stage_ = Stage::repairing;
    return link.send({protocol::as_bytes(before)});
  }
  if (context_.config().routing.transaction_replay) log_command(link, bytes);
  if (current_.info->handling == Handling::execute) {
    return send_execute(link, protocol::as_bytes(before), bytes);
  }
  transmit(link, protocol::as_bytes(before), bytes);
}

void CommandRunner::send_reset(BackendConnection& link) {
  stage_ = Stage::resetting;
  current_.on = &link;
  ++context_.work[link.server()].outstanding;
  std::string before;
  append_harvest(link, before);
  if (!before.empty()) link.send({protocol::as_bytes(before)});
  link.reset();
}

// The connection can never serve this session (its schema cannot be unset): another one takes its
// place.
void CommandRunner::replace_link(BackendConnection& link, std::span<std::uint8_t> bytes) {
  const auto slot =
      &link == links_.primary() ? SessionLinks::Slot::primary : SessionLinks::Slot::replica;
  const std::size_t server = link.server();
  current_.on = nullptr;
  pool_.discard(links_.take(slot));
  BackendConnection* other = obtain(slot, server, false);
  if (other != nullptr) return send_on(*other, bytes);
  retain(bytes);
}

// --- the session's state on the connection -------------------------------------------------------

// Autocommit is no part of the state that is carried around, because the status flags of every
// answer tell it.
bool CommandRunner::autocommit_differs(const BackendConnection& link) const {
  return autocommit_ != ((link.status() & protocol::kStatusAutocommit) != 0);
}

bool CommandRunner::must_prepare(BackendConnection& link) {
  if (current_.info->handling != Handling::execute) return false;
  const PreparedStatement* statement = statements_.find(current_.statement_id);
  const BackendStatement* prepared = link.statements().find(statement->shared->id);
  if (prepared == nullptr) return true;
  // The server would take the values for those of the types that another session has told it.
  if (statement->types_version == 0 && prepared->types_version != 0) return true;
  // MySQL takes a text for what it has taken the parameter for before.
  const bool has_rows = current_.facts.kind == sql::StatementKind::read;
  if (!link.is_mariadb() &&
      !same_for_types(prepared->taken_for, statement->taken_for, execute_types_, has_rows)) {
    return true;
  }
  // MariaDB converts the literals of a statement for good to the character set of an execute, and
  // may find them unfit for another one's.
  const SessionState* last = prepared->executed_in.get();
  return link.is_mariadb() && last != nullptr && last != state_.get() &&
         !state_->prepares_like(*last);
}

// What the connection's state must be for the next thing to be sent: the session's, or, before a
// statement is prepared there, the one that its text was written in.
StatePtr CommandRunner::target_state(const BackendConnection& link, bool prepares) {
  if (current_.info->handling != Handling::execute) return state_;
  const SharedStatement& statement = *statements_.find(current_.statement_id)->shared;
  if (!prepares) {
    // A session whose schema was dropped has none, which a connection that was used to prepare
    // cannot be brought back to; the statement knows its own.
    const std::string& schema = link.state()->schema();
    const bool stays = state_->schema().empty() && schema == statement.state->schema();
    if (!stays || schema.empty()) return state_;
    SessionState state = *state_;
    state.set_schema(schema);
    return context_.states.intern(std::move(state));
  }
  if (state_->prepares_like(*statement.state)) return state_;
  return context_.states.intern(state_->prepared_as(*statement.state));
}

// A write must never run in a state that is not the session's, so it travels behind a repair only
// when that cannot fail: when it sets nothing but variables, to values that this server has
// accepted before. A schema can have been dropped.
bool CommandRunner::may_pipeline(const BackendConnection& link, const StatePtr& target) const {
  if (current_.repeatable) return true;
  return proven_on_ == link.server() && link.state()->schema() == target->schema();
}

// Appends the commands that make the connection's state the wished one, and expects their answers.
void CommandRunner::append_repairs(BackendConnection& link, const StatePtr& target,
                                   std::string& commands) {
  current_.repaired = target;
  int count = 0;
  if (link.state() != target) {
    count += append_repair(commands, *link.state(), *target, link.capabilities());
  }
  if (count == 0) link.set_state(target);
  if (autocommit_differs(link)) {
    protocol::append_query(commands, autocommit_ ? "SET autocommit = 1" : "SET autocommit = 0",
                           link.capabilities());
    ++count;
  }
  if (shows_others_warnings(link) || (count > 0 && shows_warnings())) {
    // Assignments warn, too. Statements that use no table leave the warnings of the one before on
    // MariaDB.
    protocol::append_query(commands, "SELECT 1 FROM (SELECT 1) AS t", link.capabilities());
    current_.forgets_diagnostics = true;
    ++count;
  }
  for (int i = 0; i < count; ++i) link.expect(ReplyPurpose::repair, ReplyShape::result);
  if (link.multi_statements() != multi_statements_) {
    constexpr std::string_view kOn("\0\0", 2);
    constexpr std::string_view kOff("\1\0", 2);
    protocol::append_command(commands, static_cast<std::uint8_t>(Command::set_option),
                             multi_statements_ ? kOn : kOff);
    link.expect(ReplyPurpose::repair, ReplyShape::ok);
    ++count;
  }
  if (must_adjust_insert_id(link)) {
    if (insert_id_ == nullptr) insert_id_ = std::make_shared<InsertId>();
    protocol::append_query(commands, insert_id_assignment(*insert_id_, link), link.capabilities());
    link.expect(ReplyPurpose::repair, ReplyShape::result);
    link.hold_insert_id(insert_id_, true);
    ++count;
  }
  if (count > 0) ++context_.counters.repairs;
  current_.repairs_left = static_cast<std::size_t>(count);
}

// Rather than have warnings of its own.
bool CommandRunner::shows_warnings() const {
  const Handling handling = current_.info->handling;
  return current_.facts.has(sql::Effect::asks_diagnostics) ||
         (handling != Handling::text && handling != Handling::execute &&
          handling != Handling::prepare);
}

// Commands that run no statement answer with the warnings of the one before, as do questions for
// them. On MariaDB a statement may also leave them for the question that follows it.
bool CommandRunner::shows_others_warnings(const BackendConnection& link) const {
  if (!link.holds_diagnostics() || link.holds_diagnostics_of(diagnostics_)) return false;
  if (link.is_mariadb()) return true;
  return current_.facts.has(sql::Effect::asks_diagnostics) ||
         current_.info->handling != Handling::text;
}

// The connection still has LAST_INSERT_ID() of the session before: that one is told first.
void CommandRunner::append_harvest(BackendConnection& link, std::string& commands) {
  const auto owner = link.insert_id();
  if (owner != nullptr && owner != insert_id_) link.append_harvest(commands);
}

// A second key of which the server does not say whether it was generated is one too many.
bool CommandRunner::must_adjust_insert_id(const BackendConnection& link) const {
  const bool holds = insert_id_ != nullptr && insert_id_->holder == &link;
  if (holds && insert_id_->adjusted) return false;
  return uses_insert_id() || (holds && current_.facts.kind == sql::StatementKind::write);
}

// The session's own is on its way from a connection that another session has by now.
bool CommandRunner::waits_for_insert_id() {
  if (insert_id_ == nullptr || !insert_id_->asked || !may_use_insert_id()) return false;
  stage_ = Stage::waiting;
  insert_id_->on_answer = [this] { proceed_later(); };
  return true;
}

bool CommandRunner::may_use_insert_id() const {
  return uses_insert_id() || current_.facts.kind == sql::StatementKind::write;
}

bool CommandRunner::uses_insert_id() const {
  return any(current_.facts.effects &
             (sql::Effect::uses_last_insert_id | sql::Effect::sets_last_insert_id |
              sql::Effect::calls_routine));
}

// --- the command ---------------------------------------------------------------------------------

void CommandRunner::prepare_on(BackendConnection& link, Bytes before) {
  const PreparedStatement* statement = statements_.find(current_.statement_id);
  close_on_server(link, link.statements().erase(statement->shared->id));
  close_on_server(link, link.statements().make_room(context_.config().limits.server_statements));
  std::string command;
  protocol::append_command(command, static_cast<std::uint8_t>(Command::stmt_prepare),
                           statement->shared->text);
  link.expect(ReplyPurpose::prepare, ReplyShape::prepare);
  stage_ = Stage::preparing;
  link.send({before, protocol::as_bytes(command)});
}

// COM_STMT_CLOSE has no answer.
void CommandRunner::close_on_server(BackendConnection& link,
                                    std::optional<std::uint32_t> server_id) {
  if (!server_id) return;
  std::string id;
  protocol::ByteWriter(id).int4(*server_id);
  std::string command;
  protocol::append_command(command, static_cast<std::uint8_t>(Command::stmt_close), id);
  link.send({protocol::as_bytes(command)});
}

void CommandRunner::send_execute(BackendConnection& link, Bytes before,
                                 std::span<std::uint8_t> bytes) {
  PreparedStatement& statement = *statements_.find(current_.statement_id);
  BackendStatement& prepared = *link.statements().find(statement.shared->id);
  const Bytes payload = Bytes(bytes).subspan(kFrameHeaderSize);
  const auto layout = parse_execute(payload, statement.shared->parameters, identity_.capabilities);
  // Before the first send the copy keeps the client's id, which is written over for each server.
  if (current_.repeatable || current_.holdable) retain(bytes);
  const bool lacks_types = !layout->has_types && layout->types_flag_at > 0 &&
                           prepared.types_version != statement.types_version;
  if (lacks_types && !current_.whole) {
    return answer_error(errors::statement_too_long(protocol::CommandReader::kMaxKept));
  }
  if (!statement.long_data.empty()) {
    link.send({std::exchange(before, {})});
    send_long_data(link, statement, prepared.id);
  }
  prepared.types_version = statement.types_version;
  if (!link.is_mariadb()) {
    if (prepared.taken_for.empty()) statement.taken_for = execute_types_;
    take_types(prepared.taken_for, execute_types_);
  }
  prepared.executed_in = state_;
  write_statement_id(bytes, prepared.id);
  if (!lacks_types) return transmit(link, before, bytes);
  std::string command;
  std::uint8_t sequence = 0;
  protocol::append_frames(command, insert_types(payload, *layout, statement.types), sequence);
  transmit(link, before, protocol::as_bytes(command));
}

void CommandRunner::send_long_data(BackendConnection& link, PreparedStatement& statement,
                                   std::uint32_t backend_id) {
  for (std::string& part : statement.long_data) {
    write_statement_id({reinterpret_cast<std::uint8_t*>(part.data()), part.size()}, backend_id);
    link.send({protocol::as_bytes(part)});
  }
}

// Sends the command itself, behind what must come before it. From here on it counts as sent: what
// is not repeatable never is again.
void CommandRunner::transmit(BackendConnection& link, Bytes before, Bytes command) {
  current_.on = &link;
  current_.sent = true;
  stage_ = Stage::running;
  begin_query_time();
  const bool keep =
      current_.repeatable || current_.holdable || current_.info->handling == Handling::prepare;
  if (keep && current_.info->handling != Handling::execute) retain(command);
  std::string wait;
  if (current_.waits) {
    current_.wait_reply.clear();
    ++context_.counters.waits;
    current_.wait_ticket = WaitTicket(context_.work[link.server()].waits);
    protocol::append_query(wait, current_.wait_for.wait_statement(context_.config().routing.wait),
                           link.capabilities());
    link.expect(ReplyPurpose::wait, ReplyShape::result);
  }
  if (may_change_routines()) {
    current_.routine_change = RoutineChange(context_.process->routine_changes);
  }
  current_.warnings_before = current_.forgets_diagnostics ? 0 : link.warnings();
  protocol::ReplyTracker& reply = link.expect(ReplyPurpose::client, current_.info->reply);
  if (!current_.substitutions.empty()) reply.show_definitions();
  if (shows_refusals(link)) reply.show_rows();
  if (current_.processes != nullptr) {
    current_.processes->begin({link.server(), link.thread_id(), host_.session_id()});
    reply.show_definitions();
    reply.show_rows();
  }
  if (current_.facts.has(sql::Effect::sets_for_statement)) link.ignore_variables();
  ++context_.work[link.server()].outstanding;
  if (context_.admission != nullptr && !place_.inside(link.server())) {
    context_.admission->pass(place_, link.server());
  }
  current_.in_line_since = {};
  current_.sent_at = &link == links_.replica() || measures_server() ? uv_hrtime() : 0;
  context_.counters.routed.add(current_.route, &link == links_.replica());
  link.send({before, protocol::as_bytes(wait), command});
  if (!keep) current_.bytes.clear();
  if (!current_.whole) host_.on_input_wanted();
}

}  // namespace weir
