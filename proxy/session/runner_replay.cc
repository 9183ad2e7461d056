// A transaction whose server was lost is run again: the part of CommandRunner that keeps what it
// takes, and does it (routing.transaction_replay).
//
//   log_command ─> end_logging         every command of an open transaction
//   prepare_replay                     its connection is lost
//      └─> start_replay <───────────── at once, or when the client's next command comes
//             └─> load_replayed ─> the stages of a command ─> on_replayed ─┬─> the next one
//                      ^                   │                               ├─> end_replay
//                      └── lose_attempt <──┘                               └─> fail_replay
//
// Nothing is run twice for good: the server has rolled back what it had of the transaction, because
// COMMIT, and whatever else may commit, had not been sent.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "protocol/frame.h"
#include "protocol/query_attributes.h"
#include "proxy/session/command_runner.h"
#include "sql_classifier/classifier.h"

namespace weir {

using protocol::Command;
using protocol::Handling;
using protocol::kFrameHeaderSize;

namespace {

constexpr unsigned kMaxAttempts = 3;

// Part of the transaction. Others change nothing in it, and what they tell may be another thing
// each time.
bool is_kept(const protocol::CommandInfo& info) {
  return info.handling == Handling::text || info.handling == Handling::execute ||
         info.handling == Handling::init_db;
}

bool is_harmless(const protocol::CommandInfo& info) {
  return info.handling == Handling::prepare || info.handling == Handling::set_option ||
         info.command == Command::ping || info.command == Command::statistics ||
         info.command == Command::field_list;
}

}  // namespace

SessionSnapshot CommandRunner::snapshot() const {
  return {state_, autocommit_, row_count_, found_rows_,
          insert_id_ != nullptr ? insert_id_->value : 0};
}

void CommandRunner::restore(const SessionSnapshot& session) {
  state_ = session.state;
  autocommit_ = session.autocommit;
  row_count_ = session.row_count;
  found_rows_ = session.found_rows;
  if (insert_id_ != nullptr) insert_id_->on_answer = nullptr;
  insert_id_.reset();
  if (session.insert_id != 0) {
    insert_id_ = std::make_shared<InsertId>();
    insert_id_->value = session.insert_id;
  }
}

// --- what it takes -------------------------------------------------------------------------------

// What lives on a connection besides the transaction cannot be had again.
// In a text of several statements some may have been committed before the transaction begins.
bool CommandRunner::may_begin_log() const {
  if (!context_.process->memory->keeps_transactions()) return false;
  const bool begins = current_.facts.kind == sql::StatementKind::begin || !autocommit_;
  return begins && current_.facts.statements == 1 && pins_.empty();
}

// To be called just before a command is sent, with it as the client has sent it.
void CommandRunner::log_command(const BackendConnection& link, Bytes bytes) {
  if (current_.replayed) {
    replay_->answer.begin();
    current_.logged = true;
    return;
  }
  const bool open = links_.transaction() != nullptr;
  if (!open) {
    drop_log();
    if (!may_begin_log()) return;
    log_ = std::make_unique<TransactionLog>(snapshot(),
                                            context_.config().routing.transaction_replay_size);
  }
  if (log_ == nullptr || !log_->usable()) return;
  if (open && &link != links_.transaction() && !current_.splits) return;
  LoggedCommand command;
  command.info = current_.info;
  command.facts = current_.facts;
  command.collation = current_.collation;
  command.substitutions = current_.substitutions;
  command.statement_id = current_.statement_id;
  command.bytes = loggable_bytes(bytes);
  const bool knows_insert_id = insert_id_ == nullptr || insert_id_->holder == nullptr;
  log_->begin(std::move(command));
  current_.logged = true;
  if (!current_.whole) {
    log_->spoil("one of its statements is too long to be kept");
  } else if (has_long_data()) {
    log_->spoil("it has sent long data");
  } else if (current_.processes != nullptr ||
             (!is_kept(*current_.info) && !is_harmless(*current_.info))) {
    log_->spoil("one of its commands is about other sessions, or the server");
  } else if (is_kept(*current_.info)) {
    log_->spoil(why_not_replayed(current_.facts, knows_insert_id));
  }
}

// An execute that relies on parameter types or a name that came before brings them itself.
std::string CommandRunner::loggable_bytes(Bytes bytes) {
  std::string copy(protocol::as_text(bytes));
  if (current_.info->handling != Handling::execute || !current_.whole) return copy;
  const PreparedStatement& statement = *statements_.find(current_.statement_id);
  const Bytes payload = bytes.subspan(kFrameHeaderSize);
  const auto layout = parse_execute(payload, statement.shared->parameters, identity_.capabilities);
  if (layout && !layout->has_types && layout->types_flag_at > 0 && !statement.types.empty()) {
    copy.clear();
    std::uint8_t sequence = 0;
    protocol::append_frames(copy, insert_types(payload, *layout, statement.types), sequence);
  }
  write_statement_id({reinterpret_cast<std::uint8_t*>(copy.data()), copy.size()},
                     current_.statement_id);
  return copy;
}

// To be called when the command is answered and its effects are known.
void CommandRunner::end_logging() {
  if (log_ == nullptr) return;
  const bool first = log_->commands().empty();
  const bool another_began = any(current_.facts.effects &
                                 (sql::Effect::ends_transaction | sql::Effect::sets_autocommit)) ||
                             (current_.facts.has(sql::Effect::begins_transaction) && !first);
  if (links_.transaction() == nullptr || another_began || maybe_over_) return drop_log();
  if (current_.logged) log_->end(is_kept(*current_.info));
}

void CommandRunner::drop_log() {
  log_.reset();
  if (replay_ == nullptr) statements_.drop_retired();
}

// --- the loss ------------------------------------------------------------------------------------

// Of a transaction that is lost and of which no COMMIT was sent.
bool CommandRunner::may_replay(const BackendConnection& link, const LossFacts& facts) {
  if (log_ == nullptr || log_->commands().empty()) {
    if (log_ != nullptr && !log_->usable() && &link == links_.transaction()) {
      spdlog::info("user '{}': the transaction on {} is not run again: {}", identity_.user,
                   link.options().server_name, log_->why_not());
    }
    return false;
  }
  if (&link != links_.transaction() || !pins_.empty() || maybe_over_) return false;
  if (!facts.statement_under_way) return true;
  return current_.whole && !has_long_data() && (!facts.sent || current_.logged);
}

// The connection is gone, and with it the transaction. A command that was under way there is kept
// for later.
void CommandRunner::prepare_replay(std::size_t server, std::string name, const std::string& why,
                                   bool under_way) {
  replay_ = std::make_unique<Replay>();
  replay_->log = std::move(log_);
  replay_->lost = snapshot();
  replay_->server = std::move(name);
  replay_->why = why;
  replay_->since = context_.loop_time();
  if (!under_way) {
    current_.logged = false;  // one that runs on a replica goes on
    return;
  }
  replay_->begun = true;
  replay_->held_bytes = current_.sent ? replay_->log->pending().bytes : current_.bytes;
  replay_->held = std::move(current_);
  replay_->held.sent = replay_->held.logged = false;
  replay_->held.repairs_left = 0;
  replay_->held.repair_error.clear();
  replay_->held.on = nullptr;
  start_replay();
  current_.avoid = server;
  proceed_later();
}

// The client's next command behind the loss. False when it needs the transaction, and waits for it.
bool CommandRunner::passes_replay(std::span<std::uint8_t> bytes) {
  const Bytes payload = Bytes(bytes).subspan(kFrameHeaderSize);
  if (current_.info->reply == protocol::ReplyShape::none) return true;
  if (current_.info->handling == Handling::reset_connection) {
    replay_.reset();
    return true;
  }
  if (current_.info->handling == Handling::text && current_.whole) {
    const auto text = protocol::query_text(payload, identity_.capabilities);
    const auto facts = sql::classify(protocol::as_text(text.value_or(Bytes{})), text_options());
    if (facts.kind == sql::StatementKind::rollback && facts.statements == 1) {
      replay_.reset();  // there is nothing left to roll back
      drop_log();
      return true;
    }
  }
  if (current_.info->handling == Handling::execute) named_statement(payload);
  const bool keepable = current_.whole && !has_long_data();
  replay_->since = context_.loop_time();
  replay_->held_bytes = protocol::as_text(bytes);
  replay_->held = std::move(current_);
  if (!keepable) {
    fail_replay("the statement behind it is too long to be kept");
    return false;
  }
  start_replay();
  proceed_again();
  return false;
}

// --- doing it ------------------------------------------------------------------------------------

void CommandRunner::start_replay() {
  if (links_.transaction() != nullptr) leave(*links_.transaction());  // an attempt that has failed
  restore(replay_->log->start());
  replay_->next = 0;
  load_replayed();
  stage_ = Stage::waiting;
}

void CommandRunner::load_replayed() {
  const LoggedCommand& command = replay_->log->commands()[replay_->next];
  current_ = CurrentCommand{};
  current_.replayed = true;
  current_.begun = replay_->since;
  current_.info = command.info;
  current_.facts = command.facts;
  current_.collation = command.collation;
  current_.substitutions = command.substitutions;
  current_.bytes = command.bytes;
  if (command.info->handling == Handling::execute) {
    read_execute({reinterpret_cast<std::uint8_t*>(current_.bytes.data()), current_.bytes.size()});
    current_.facts = command.facts;
    current_.trust.reset();
  }
  decide_route();
}

void CommandRunner::on_replayed() {
  stage_ = Stage::none;
  if (links_.transaction() == nullptr) {
    return fail_replay("it could not be begun again");
  }
  if (replay_->answer.finish() != replay_->log->commands()[replay_->next].answer) {
    return fail_replay(
        fmt::format("when it was run again, statement {} of it was answered "
                    "differently",
                    replay_->next + 1));
  }
  if (++replay_->next == replay_->log->commands().size()) return end_replay();
  load_replayed();
  proceed_again();
}

// The transaction is where it was, and the client's own command follows.
void CommandRunner::end_replay() {
  if (state_ != replay_->lost.state || autocommit_ != replay_->lost.autocommit) {
    return fail_replay("when it was run again, the session's variables came out differently");
  }
  ++context_.counters.replays;
  const std::unique_ptr<Replay> replay = std::move(replay_);
  spdlog::info("user '{}': the transaction that was lost on {} goes on elsewhere", identity_.user,
               replay->server);
  log_ = std::move(replay->log);
  current_ = std::move(replay->held);
  current_.begun = context_.loop_time();
  const std::span<std::uint8_t> bytes(reinterpret_cast<std::uint8_t*>(replay->held_bytes.data()),
                                      replay->held_bytes.size());
  if (!replay->begun) return dispatch(bytes);
  if (current_.info->handling == Handling::execute && !read_execute(bytes)) return;
  decide_route();
  proceed(bytes);
}

void CommandRunner::lose_attempt(std::size_t server, const std::string& why) {
  if (++replay_->attempts == kMaxAttempts) {
    stage_ = Stage::none;
    return fail_replay(why);
  }
  const bool sent = current_.sent;
  start_replay();
  current_.avoid = server;
  if (sent) proceed_later();  // otherwise at the next tick, not in a circle
}

void CommandRunner::check_replay_time(TimePoint now) {
  if (!current_.replayed) return;
  const Milliseconds limit = context_.config().routing.transaction_replay_timeout;
  if (now - replay_->since < limit) return;
  if (current_.on != nullptr) leave(*current_.on);
  pool_.cancel(*this);
  fail_replay(fmt::format("it could not be run again within {} ms", limit.count()));
}

// What the transaction has made of the session's variables stays, as after a rollback.
void CommandRunner::fail_replay(const std::string& why) {
  ++context_.counters.replays_failed;
  const std::unique_ptr<Replay> replay = std::move(replay_);
  if (links_.transaction() != nullptr) leave(*links_.transaction());
  stage_ = Stage::none;
  restore(replay->lost);
  drop_log();
  current_ = std::move(replay->held);
  answer_error(errors::transaction_lost(replay->server, replay->why + "; " + why));
}

}  // namespace weir
