#include "proxy/session/command_runner.h"

#include <utility>

#include "protocol/frame.h"
#include "protocol/query_attributes.h"
#include "protocol/response.h"
#include "sql_classifier/classifier.h"
#include "sql_classifier/local_files.h"
#include "sql_classifier/tables.h"

namespace weir {

using protocol::Command;
using protocol::CommandReader;
using protocol::Handling;
using protocol::kFrameHeaderSize;

namespace {

using sql::Effect;

// Effects that are worth a second look at the text.
constexpr Effect kObjectEffects = Effect::creates_temporary_table | Effect::drops_temporary_table |
                                  Effect::drops_table | Effect::renames_table |
                                  Effect::takes_user_lock | Effect::releases_user_lock |
                                  Effect::prepares_text | Effect::deallocates_text |
                                  Effect::opens_handler | Effect::closes_handler;
constexpr Effect kLookedInto = kObjectEffects | Effect::asks_connection_id |
                               Effect::asks_row_count | Effect::asks_found_rows |
                               Effect::asks_diagnostics;

}  // namespace

CommandRunner::CommandRunner(WorkerContext& context, Pool& pool, ReplyRelay& relay,
                             RunnerHost& host)
    : context_(context),
      pool_(pool),
      relay_(relay),
      host_(host),
      state_(context.states.empty()),
      initial_(context.states.empty()) {}

CommandRunner::~CommandRunner() {
  close();
}

void CommandRunner::close() {
  if (std::exchange(closed_, true)) return;
  pool_.cancel(*this);
  if (timeout_kill_ != nullptr) timeout_kill_->forget();
  lend(nullptr);
  place_.leave();
  if (insert_id_ != nullptr) insert_id_->on_answer = nullptr;
  insert_id_.reset();  // nobody will ask any more
  const bool in_transaction = links_.transaction() != nullptr;
  for (const auto slot :
       {SessionLinks::Slot::primary, SessionLinks::Slot::replica, SessionLinks::Slot::errand}) {
    auto link = links_.take(slot);
    if (link == nullptr) continue;
    if (counts_on(*link)) --context_.work[link->server()].outstanding;
    // A reset would end the transaction, too; a connection that is closed tells the server at once.
    if (in_transaction || stage_ != Stage::none) {
      pool_.discard(std::move(link));
    } else {
      put_away(std::move(link));
    }
  }
  current_.on = nullptr;
  current_.routine_change.end();
}

void CommandRunner::run(const CommandReader::Step& step) {
  current_ = CurrentCommand{};
  ++command_count_;
  lend(nullptr);
  current_.whole = step.event == CommandReader::Event::command;
  current_.whole_when_classified = current_.whole;
  current_.begun = context_.loop_time();
  if (step.bytes.size() <= kFrameHeaderSize) return answer_error(errors::unknown_command());
  current_.info = &protocol::command_info(step.bytes[kFrameHeaderSize]);
  // A reset would have ended the transaction anyway. A command that has no answer cannot carry the
  // news.
  if (current_.info->handling == Handling::reset_connection) bad_news_.reset();
  if (bad_news_ && current_.info->reply != protocol::ReplyShape::none) {
    if (current_.info->handling == Handling::execute) {
      named_statement(Bytes(step.bytes).subspan(kFrameHeaderSize));  // its long data is used up
    }
    const ClientError news = *std::exchange(bad_news_, std::nullopt);
    return answer_error(news);
  }
  if (replay_ != nullptr && !passes_replay(step.bytes)) return;
  dispatch(step.bytes);
}

void CommandRunner::dispatch(std::span<std::uint8_t> bytes) {
  const Bytes payload = Bytes(bytes).subspan(kFrameHeaderSize);
  switch (current_.info->handling) {
    case Handling::refuse:
      return answer_error(current_.info->command == Command::sleep
                              ? errors::unknown_command()
                              : errors::command_refused(current_.info->name));
    case Handling::quit:
    case Handling::change_user:
      return;  // the host's business
    case Handling::text:
    case Handling::prepare:
      if (!begin_text(bytes)) return;
      break;
    case Handling::process_kill:
      if (context_.topology->lacks_process_kill()) return answer_error(errors::unknown_command());
      if (begin_process_kill(payload)) return;
      begin_simple(sql::StatementKind::admin);
      break;
    case Handling::to_primary:
      begin_simple(sql::StatementKind::read);
      // Its answer tells the warnings of the statement before.
      if (current_.info->command == Command::ping) {
        current_.facts.placement = sql::Placement::last_connection;
      }
      break;
    case Handling::init_db:
      begin_simple(sql::StatementKind::use);
      break;
    case Handling::set_option:
      set_option_on_ = payload.size() >= 3 && payload[1] == 0 && payload[2] == 0;
      begin_simple(sql::StatementKind::set);
      break;
    case Handling::execute:
      return begin_execute(bytes);
    case Handling::fetch:
    case Handling::reset_statement:
      return begin_fetch_or_reset(bytes);
    case Handling::long_data:
      return take_long_data(bytes);
    case Handling::close_statement:
      return close_statement(payload);
    case Handling::reset_connection:
      return begin_reset_connection(bytes);
  }
  if (shows_process_list()) return begin_process_list(bytes);
  decide_route();
  proceed(bytes);
}

sql::TextOptions CommandRunner::text_options(const SessionState& state) const {
  sql::TextOptions options;
  options.sql_mode_known = state.sql_mode_known();
  options.ansi_quotes = state.ansi_quotes();
  options.no_backslash_escapes = state.no_backslash_escapes();
  const std::string_view charset = state.client_charset();
  options.ascii_safe_charset = !charset.empty() && !is_ascii_unsafe(charset);
  options.hints = context_.config().routing.hints;
  return options;
}

sql::Classification CommandRunner::classify_text(Bytes text) {
  sql::TextOptions options = text_options();
  options.truncated = !current_.whole_when_classified;
  sql::Classification facts = sql::classify(protocol::as_text(text), options);
  if (!facts.names_collation.empty()) {
    current_.collation = facts.names_collation;
    facts.names_collation = {};
  }
  return facts;
}

// False when it was answered: this one is not kept.
bool CommandRunner::may_prepare() {
  const LimitsConfig& limits = context_.config().limits;
  if (!current_.whole) {
    answer_error(errors::statement_too_long(CommandReader::kMaxKept));
  } else if (!may_keep_more()) {
    answer_error(errors::memory_is_short());
  } else if (statements_.size() >= limits.prepared_statements) {
    answer_error(errors::too_many_statements(statements_.size()));
  } else if (statements_.text_size() >= limits.max_packet) {
    answer_error(errors::statements_too_large(limits.max_packet));
  } else {
    return true;
  }
  return false;
}

// False when it was answered with an error. `bytes` are then those to be sent.
bool CommandRunner::begin_text(std::span<std::uint8_t>& bytes) {
  const Bytes payload = Bytes(bytes).subspan(kFrameHeaderSize);
  const bool prepares = current_.info->handling == Handling::prepare;
  if (prepares) statements_.forget_last();
  const auto text = prepares ? std::optional(payload.subspan(1))
                             : protocol::query_text(payload, identity_.capabilities);
  // Where the text begins is not sure: the primary shall say what is wrong, or right, with it.
  if (!text) current_.whole_when_classified = false;
  current_.facts = classify_text(text.value_or(Bytes{}));
  if (!text) current_.facts.kind = sql::StatementKind::admin;
  if (prepares && !may_prepare()) return false;
  const std::string_view said = protocol::as_text(text.value_or(Bytes{}));
  if (!prepares && begin_explain_route(said)) return false;
  if (current_.facts.has(Effect::local_infile)) {
    current_.local_files =
        std::make_unique<const std::vector<std::string>>(sql::local_files(said, text_options()));
  }
  const bool asks_first = context_.rules != nullptr || firewall_ != FirewallMode::off;
  if (asks_first && !admit_text(said)) return false;
  if (may_be_own_setting() && begin_own_setting(said)) return false;
  if (current_.facts.has(Effect::kills) && !prepares && begin_text_kill(said)) {
    return false;
  }
  // What is prepared keeps the facts of its text: each execute asks anew.
  if (current_.facts.only_stored_functions && !prepares) {
    trust_functions(protocol::as_text(*text), text_options(), state_->schema());
  }
  const bool may_pin =
      may_add_pin(pins_, current_.facts) || (!pins_.has(Pin::sequence) && keeps_sequences());
  if (!prepares && current_.whole_when_classified && may_pin) {
    current_.pin_cause =
        std::make_unique<PinCause>(pin_cause(protocol::as_text(*text), text_options()));
  }
  if (!prepares && text) stay_with_diagnostics(protocol::as_text(*text));
  if (!any(current_.facts.effects & kLookedInto) || !current_.whole_when_classified) return true;
  if (current_.facts.has(Effect::asks_diagnostics) && !prepares && !runs_where_last_ran()) {
    const std::string set =
        diagnostics_as_set(protocol::as_text(*text), text_options(), row_count_);
    if (!set.empty()) replace_text(payload.first(payload.size() - text->size()), set, bytes);
  }
  if (!prepares) note_objects(protocol::as_text(*text), text_options());
  substitute_answers(payload.first(payload.size() - text->size()), protocol::as_text(*text), bytes);
  return true;
}

// On MariaDB a read without a table leaves the warnings of the statement before. The client may ask
// for them behind it, so it runs where they are.
void CommandRunner::stay_with_diagnostics(std::string_view text) {
  sql::Classification& facts = current_.facts;
  if (diagnostics_.session == 0 || !context_.topology->is_mariadb()) return;
  if (facts.placement != sql::Placement::any || facts.statements != 1) return;
  if (sql::uses_no_table(text, text_options())) facts.placement = sql::Placement::last_connection;
}

void CommandRunner::note_objects(std::string_view text, const sql::TextOptions& options) {
  if (!any(current_.facts.effects & kObjectEffects)) return;
  current_.changes = object_changes(text, options, current_.facts, state_->schema());
}

// Whether the statement will meet the connection that ran the one before, and that as it left it.
bool CommandRunner::runs_where_last_ran() {
  const BackendConnection* last = links_.last();
  if (last == nullptr) last = pool_.unused_since(mark_);
  if (last == nullptr || must_adjust_insert_id(*last)) return false;
  if (current_.facts.placement == sql::Placement::last_connection && pins_.empty()) return true;
  if (links_.last() != nullptr) return links_.last() == links_.primary();
  return context_.topology->primary == mark_.server && links_.primary() == nullptr;
}

// Writes into the text what the session knows and the connection may not.
void CommandRunner::substitute_answers(Bytes prefix, std::string_view text,
                                       std::span<std::uint8_t>& bytes) {
  using sql::Effect;
  KnownAnswers answers;
  if (current_.facts.has(Effect::asks_connection_id) && !compares_with_server_ids(text)) {
    answers.connection_id = host_.session_id();
    answers.thread_id_is_set = pins_.has(Pin::untracked_variable);
  }
  const bool asks_counts =
      current_.facts.has(Effect::asks_row_count) || current_.facts.has(Effect::asks_found_rows);
  const bool prepares = current_.info->handling == Handling::prepare;
  if (asks_counts && !prepares) {
    const bool as_left = runs_where_last_ran();
    if (!as_left) answers.row_count = row_count_;
    // Most statements leave FOUND_ROWS() as it was, on the server as that of whoever asked before.
    if (!as_left || !calc_found_rows_) answers.found_rows = found_rows_;
  }
  SubstitutedText substituted = substitute(text, text_options(), answers);
  if (substituted.substitutions.empty()) return;
  current_.substitutions = std::move(substituted.substitutions);
  replace_text(prefix, substituted.text, bytes);
}

// The command is `prefix` and another text now.
void CommandRunner::replace_text(Bytes prefix, std::string_view text,
                                 std::span<std::uint8_t>& bytes) {
  std::string payload(protocol::as_text(prefix));
  payload.append(text);
  current_.bytes.clear();
  std::uint8_t sequence = 0;
  protocol::append_frames(current_.bytes, payload, sequence);
  bytes = {reinterpret_cast<std::uint8_t*>(current_.bytes.data()), current_.bytes.size()};
}

// A command without a text: it goes to the primary, as a statement of the given kind would.
void CommandRunner::begin_simple(sql::StatementKind kind) {
  current_.facts.kind = kind;
  current_.facts.placement = sql::Placement::primary;
  current_.facts.reason =
      kind == sql::StatementKind::use ? sql::Reason::schema_change : sql::Reason::admin_statement;
  current_.facts.statements = 1;
}

// The server's own reset, on the connection that the session holds or another: what it makes of the
// character sets, for one, is the server's to know.
void CommandRunner::begin_reset_connection(std::span<std::uint8_t> bytes) {
  if (BackendConnection* link = links_.primary()) return send_reset(*link);
  begin_simple(sql::StatementKind::set);
  decide_route();
  proceed(bytes);
}

// Everything that a session can hold is gone, but its user and schema.
void CommandRunner::finish_reset_connection() {
  links_.set_transaction(nullptr);
  links_.set_last(nullptr);
  pins_.clear();
  objects_.reset();
  statements_.clear();
  log_.reset();
  replay_.reset();
  maybe_over_ = false;
  row_count_ = 0;
  found_rows_ = 0;
  asks_counts_ = false;
  diagnostics_ = {};
  SessionState state = *initial_;
  state.set_schema(state_->schema());
  state_ = context_.states.intern(std::move(state));
  proven_on_.reset();
  mark_ = {};
  insert_id_.reset();
  consistency_.reset();
  autocommit_ = initial_autocommit_;
}

// The next part of a command that was too long to be kept.
void CommandRunner::run_part(const CommandReader::Step& step) {
  if (long_data_parts_ != 0) {
    if (PreparedStatement* statement = statements_.find(long_data_parts_)) {
      if (may_keep_long_data(*statement, step.bytes.size()) && !statement->long_data.empty()) {
        statement->long_data.back().append(protocol::as_text(step.bytes));
      }
    }
    if (step.last) long_data_parts_ = 0;
    return;
  }
  // An answer that came before the command was complete is an error, and the rest is of no use.
  if (stage_ != Stage::running) return;
  current_.on->send({Bytes(step.bytes)});
  if (step.last) current_.whole = true;
  if (current_.on->queued() > context_.config().limits.write_buffer) host_.on_input_unwanted();
}

std::size_t CommandRunner::feed_infile(std::span<std::uint8_t> bytes) {
  const std::size_t size = infile_.step(bytes);
  current_.on->send({Bytes(bytes).first(size)});
  if (infile_.done()) {
    stage_ = Stage::running;
  } else if (current_.on->queued() > context_.config().limits.write_buffer) {
    host_.on_input_unwanted();
  }
  return size;
}

void CommandRunner::on_client_drained() {
  for (BackendConnection* link : {links_.primary(), links_.replica()}) {
    if (link != nullptr) link->resume();
  }
}

void CommandRunner::on_topology_changed() {
  give_up_hung_server();
  if (stage_ == Stage::waiting && !stays_in_line()) proceed_again();
}

void CommandRunner::tick(TimePoint now) {
  check_replay_time(now);
  check_query_time(now);
  if (log_ != nullptr && !context_.process->memory->keeps_transactions()) {
    log_->spoil("memory was short (limits.memory)");
  }
  if (stage_ != Stage::waiting) return;
  if (place_.in_line()) return expire_in_line(now);
  const bool spills = current_.waits_to_spill && !opening_;
  const Milliseconds limit =
      spills ? context_.config().pool.queue_timeout : context_.config().routing.failover_wait;
  const auto waited = std::chrono::duration_cast<Milliseconds>(now - current_.begun);
  if (waited < limit) return proceed_again();
  const ClientError error = spills ? errors::spill_timeout(current_.why, waited.count())
                                   : errors::no_primary(current_.why, waited.count());
  if (!opening_) return answer_error(error);
  opening_ = false;
  stage_ = Stage::none;
  host_.on_open_failed(error_payload(error));
}

}  // namespace weir
