// From a connection to the server: the part of CommandRunner that makes a connection's state the
// session's and sends the command.

#include "protocol/frame.h"
#include "protocol/query_attributes.h"
#include "proxy/session/command_runner.h"

namespace weir {

using protocol::Command;
using protocol::Handling;
using protocol::kFrameHeaderSize;
using protocol::ReplyShape;

void CommandRunner::retain(Bytes bytes) {
  if (bytes.data() == protocol::as_bytes(current_.bytes).data()) return;
  current_.bytes.assign(protocol::as_text(bytes));
}

void CommandRunner::send_on(BackendConnection& link, std::span<std::uint8_t> bytes) {
  current_.on = &link;
  const bool executes = current_.info->handling == Handling::execute;
  if (needs_repair(link)) {
    if (!can_repair(link.state(), state_)) return replace_link(link, bytes);
    std::string commands;
    append_repairs(link, commands);
    // What may be run twice travels behind the repair in the same write, and its answer is dropped
    // if the repair fails. What may not waits until the state is known to be right.
    if (current_.repairs_left > 0 && (!current_.repeatable || executes)) {
      retain(bytes);
      stage_ = Stage::repairing;
      return link.send({protocol::as_bytes(commands)});
    }
    if (current_.repairs_left > 0) return transmit(link, protocol::as_bytes(commands), bytes);
  }
  if (!executes) return transmit(link, {}, bytes);
  if (!link.statements().contains(current_.statement_id)) {
    retain(bytes);
    return prepare_on(link);
  }
  send_execute(link, bytes);
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

// Autocommit is no part of the state that is carried around, because the status flags of every
// answer tell it.
bool CommandRunner::autocommit_differs(const BackendConnection& link) const {
  return autocommit_ != ((link.status() & protocol::kStatusAutocommit) != 0);
}

bool CommandRunner::needs_repair(BackendConnection& link) const {
  if (autocommit_differs(link)) return true;
  if (link.state().stamp() == state_.stamp()) return false;
  if (!(link.state() == state_)) return true;
  link.state() = state_;  // equal in value: from now on in one comparison
  return false;
}

// Appends the commands that make the connection's state the session's, and expects their answers.
void CommandRunner::append_repairs(BackendConnection& link, std::string& commands) {
  int count = append_repair(commands, link.state(), state_, link.capabilities());
  if (autocommit_differs(link)) {
    protocol::append_query(commands, autocommit_ ? "SET autocommit = 1" : "SET autocommit = 0",
                           link.capabilities());
    ++count;
  }
  current_.repairs_left = static_cast<std::size_t>(count);
  for (int i = 0; i < count; ++i) link.expect(ReplyPurpose::repair, ReplyShape::result);
}

void CommandRunner::prepare_on(BackendConnection& link) {
  const PreparedStatement* statement = statements_.find(current_.statement_id);
  std::string command;
  protocol::append_command(command, static_cast<std::uint8_t>(Command::stmt_prepare),
                           statement->text);
  link.expect(ReplyPurpose::prepare, ReplyShape::prepare);
  stage_ = Stage::preparing;
  link.send({protocol::as_bytes(command)});
}

void CommandRunner::send_execute(BackendConnection& link, std::span<std::uint8_t> bytes) {
  PreparedStatement& statement = *statements_.find(current_.statement_id);
  BackendStatement& prepared = link.statements()[statement.id];
  const Bytes payload = Bytes(bytes).subspan(kFrameHeaderSize);
  const auto layout = parse_execute(payload, statement.parameters, identity_.capabilities);
  if (layout->has_types && layout->types != statement.types) {
    statement.types = layout->types;
    ++statement.types_version;
  }
  // Before the first send the copy keeps the client's id, which is written over for each server.
  if (current_.repeatable) retain(bytes);
  const bool lacks_types = !layout->has_types && layout->types_flag_at > 0 &&
                           prepared.types_version != statement.types_version;
  if (lacks_types && !current_.whole) {
    return answer_error(errors::statement_too_long(protocol::CommandReader::kMaxKept));
  }
  send_long_data(link, statement, prepared.id);
  statement.executed_on = &link;
  prepared.types_version = statement.types_version;
  write_statement_id(bytes, prepared.id);
  if (!lacks_types) return transmit(link, {}, bytes);
  std::string command;
  std::uint8_t sequence = 0;
  protocol::append_frames(command, insert_types(payload, *layout, statement.types), sequence);
  transmit(link, {}, protocol::as_bytes(command));
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
  const bool keep = current_.repeatable || current_.info->handling == Handling::prepare;
  if (keep && current_.info->handling != Handling::execute) retain(command);
  std::string wait;
  if (current_.waits) {
    current_.wait_reply.clear();
    ++context_.counters.waits;
    protocol::append_query(wait, position_.wait_statement(context_.config().routing.wait),
                           link.capabilities());
    link.expect(ReplyPurpose::wait, ReplyShape::result);
  }
  link.expect(ReplyPurpose::client, current_.info->reply);
  ++context_.outstanding[link.server()];
  ++(&link == links_.replica() ? context_.counters.statements_to_replicas
                               : context_.counters.statements_to_primary);
  link.send({before, protocol::as_bytes(wait), command});
  if (!keep) current_.bytes.clear();
  if (!current_.whole) host_.on_input_wanted();
}

}  // namespace weir
