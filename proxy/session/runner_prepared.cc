// Prepared statements: the part of CommandRunner that knows which of them a command means.

#include <utility>

#include "proxy/core/parameter_types.h"
#include "proxy/session/command_runner.h"

namespace weir {

using protocol::Command;
using protocol::Handling;
using protocol::kFrameHeaderSize;

PreparedStatement* CommandRunner::named_statement(Bytes payload) {
  protocol::ByteReader in(payload);
  in.skip(1);
  current_.statement_id = in.int4();
  if (!in.ok()) return nullptr;
  if (current_.statement_id != kLastPrepared) {
    PreparedStatement* statement = statements_.find(current_.statement_id);
    const bool hidden = statement != nullptr && statement->retired && !current_.replayed;
    return hidden ? nullptr : statement;
  }
  if (!context_.topology->is_mariadb()) return nullptr;
  PreparedStatement* last = statements_.last();
  if (last != nullptr) current_.statement_id = last->id;
  return last;
}

// In the words of the primary's flavour.
ClientError CommandRunner::unknown_statement(std::string_view command) const {
  return errors::unknown_statement(
      current_.statement_id, context_.topology->is_mariadb() ? command : "mysql_stmt_precheck");
}

void CommandRunner::begin_execute(std::span<std::uint8_t> bytes) {
  if (!read_execute(bytes)) return;
  if (shows_process_list()) return begin_process_list(bytes);
  decide_route();
  proceed(bytes);
}

// What there is to know of an execute. False when it was answered with an error.
bool CommandRunner::read_execute(std::span<std::uint8_t> bytes) {
  const Bytes payload = Bytes(bytes).subspan(kFrameHeaderSize);
  // As servers do: a command that is too short to hold its fixed part is malformed.
  if (payload.size() < fixed_execute_size(current_.info->command)) {
    answer_error(errors::malformed_packet());
    return false;
  }
  if (current_.info->command == Command::stmt_bulk_execute && !context_.topology->is_mariadb()) {
    answer_error(errors::command_refused(current_.info->name));
    return false;
  }
  PreparedStatement* statement = named_statement(payload);
  if (statement == nullptr) {
    answer_error(unknown_statement("mysqld_stmt_execute"));
    return false;
  }
  if (statement->refusal) {
    answer_error(ClientError(*statement->refusal));
    return false;
  }
  const auto layout = parse_execute(payload, statement->shared->parameters, identity_.capabilities);
  if (!layout) {
    answer_error(errors::malformed_packet());
    return false;
  }
  if (layout->has_types && layout->types != statement->types) {
    statement->types = layout->types;
    statement->types_version = ++context_.last_types_version;
    statement->bare_types =
        bare_types(layout->types, statement->shared->parameters, identity_.capabilities);
  }
  if (!context_.topology->is_mariadb()) {
    fill_execute_types(execute_types_, statement->bare_types, layout->nulls);
    take_types(statement->taken_for, execute_types_);
  }
  current_.facts = statement->shared->facts;
  current_.substitutions = statement->shared->substitutions;
  if (context_.rules != nullptr && !obey_rules(*statement)) return false;
  note_objects(statement->shared->text, text_options());
  if (current_.facts.only_stored_functions) {
    const SessionState& state = *statement->shared->state;
    trust_functions(statement->shared->text, text_options(state), state.schema());
  }
  stay_with_diagnostics(statement->shared->text);
  // The rows of a cursor are fetched later, from the connection that holds it: one that stays.
  if (layout->cursor != 0) {
    current_.facts.placement = sql::Placement::primary;
    current_.facts.only_doubts = false;
  }
  return true;
}

// COM_STMT_FETCH and COM_STMT_RESET concern the cursor, which is on the connection that opened it:
// the session's to the primary, to which the cursor pins it.
void CommandRunner::begin_fetch_or_reset(std::span<std::uint8_t> bytes) {
  const bool fetches = current_.info->handling == Handling::fetch;
  PreparedStatement* statement = named_statement(Bytes(bytes).subspan(kFrameHeaderSize));
  if (statement == nullptr) {
    return answer_error(unknown_statement(fetches ? "mysqld_stmt_fetch" : "mysqld_stmt_reset"));
  }
  if (!fetches) {
    statement->drop_long_data();
    statement->refusal.reset();
  }
  BackendConnection* link = statement->cursor_open ? links_.primary() : nullptr;
  const BackendStatement* prepared =
      link != nullptr ? link->statements().find(statement->shared->id) : nullptr;
  if (prepared == nullptr) {
    return fetches ? answer_error(
                         errors::no_open_cursor(statement->id, context_.topology->is_mariadb()))
                   : answer_ok();
  }
  write_statement_id(bytes, prepared->id);
  begin_simple(sql::StatementKind::admin);
  transmit(*link, {}, bytes);
}

// COM_STMT_SEND_LONG_DATA has no answer, not even when it is wrong: that comes with the execute.
void CommandRunner::take_long_data(std::span<std::uint8_t> bytes) {
  PreparedStatement* statement = named_statement(Bytes(bytes).subspan(kFrameHeaderSize));
  if (statement != nullptr && !statement->refusal && may_keep_long_data(*statement, bytes.size())) {
    statement->long_data.emplace_back(protocol::as_text(bytes));
    if (!current_.whole) long_data_parts_ = statement->id;
  }
  end_command();
}

// Counts `more` bytes. False: they are too many, or memory is short, and all of it is dropped.
bool CommandRunner::may_keep_long_data(PreparedStatement& statement, std::size_t more) {
  const std::size_t limit = context_.config().limits.max_packet;
  statement.long_data_size += more;
  if (statement.long_data_size > limit) {
    statement.refusal = errors::long_data_too_large(limit);
  } else if (!may_keep_more()) {
    statement.refusal = errors::memory_is_short();
  } else {
    return true;
  }
  statement.drop_long_data();
  return false;
}

bool CommandRunner::may_keep_more() {
  if (context_.process->memory->takes_more()) return true;
  ++context_.counters.memory_refusals;
  return false;
}

// For the execute under way, or about to be.
bool CommandRunner::has_long_data() {
  if (current_.info->handling != Handling::execute) return false;
  const PreparedStatement* statement = statements_.find(current_.statement_id);
  return statement != nullptr && !statement->long_data.empty();
}

// What servers have prepared stays for the next client, but for a cursor.
void CommandRunner::close_statement(Bytes payload) {
  if (PreparedStatement* statement = named_statement(payload)) {
    if (statement->cursor_open && links_.primary() != nullptr) {
      close_on_server(*links_.primary(),
                      links_.primary()->statements().erase(statement->shared->id));
    }
    set_cursor(*statement, false);
    if (log_ != nullptr || replay_ != nullptr) {
      statements_.retire(current_.statement_id);  // the transaction may have to be run again
    } else {
      statements_.erase(current_.statement_id);
    }
  }
  end_command();
}

void CommandRunner::set_cursor(PreparedStatement& statement, bool open) {
  if (std::exchange(statement.cursor_open, open) == open) return;
  if (statements_.any_cursor()) {
    pins_.add(Pin::cursor);
  } else {
    pins_.remove(Pin::cursor);
  }
}

}  // namespace weir
