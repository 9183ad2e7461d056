// What a session has become by a statement: the part of CommandRunner that learns from a reply that
// is complete.

#include <spdlog/spdlog.h>

#include <utility>

#include "protocol/server_status.h"
#include "proxy/session/command_runner.h"
#include "sql_classifier/tracked_variables.h"

namespace weir {

using protocol::Handling;

namespace {

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

// A cursor ends with its last row, or with a reset.
void CommandRunner::fold_fetch(const BackendConnection& link) {
  PreparedStatement* statement = statements_.find(current_.statement_id);
  if (statement == nullptr || current_.failed) return;
  const bool fetched_all = (link.status() & protocol::kStatusLastRowSent) != 0;
  if (fetched_all || current_.info->handling == Handling::reset_statement) {
    set_cursor(*statement, false);
  }
}

// What the session has become by the statement that has just been answered.
void CommandRunner::fold(BackendConnection& link) {
  if (current_.trust != nullptr) recheck_functions();
  fold_rule(link);
  const bool was_in_transaction = links_.transaction() == &link;
  const bool was_open = links_.transaction() != nullptr;
  links_.set_last(&link);
  const bool in_transaction = link.in_transaction();
  if (&link == links_.transaction() || in_transaction) {
    links_.set_transaction(in_transaction ? &link : nullptr);
  }
  autocommit_ = (link.status() & protocol::kStatusAutocommit) != 0;
  if (!current_.failed) maybe_over_ = false;
  mark_ = {link.server(), host_.session_id(), command_count_};
  link.set_last_command(mark_);
  fold_state(link);
  fold_split(was_open);
  fold_diagnostics(link);
  if (current_.info->handling == Handling::prepare) return;  // nothing has been run
  const PinSet pins_before = pins_;
  if (!current_.whole_when_classified) pins_.add(Pin::unseen_text);
  // An error leaves no trace, except of what ran before it.
  const bool took_effect = !current_.failed || current_.facts.statements > 1 ||
                           current_.facts.kind == sql::StatementKind::read;
  if (took_effect) apply_effects(pins_, current_.facts, in_transaction);
  // What such a comparison has found once it does not find again, and only the server remembers.
  if (state_->auto_is_null()) pins_.add(Pin::untracked_variable);
  if (took_effect && current_.facts.has(sql::Effect::sets_global_variable)) {
    context_.process->settings_version.fetch_add(1);
  }
  fold_sequences(link);
  fold_objects();
  fold_counts(link.last_totals());
  fold_insert_id(link);
  fold_cursor(link);
  count_pins(pins_.without(pins_before));
  if (&link == links_.primary()) fold_writes(link, was_in_transaction);
  if (&link == links_.replica()) {
    read_on_ = link.server();
    read_at_ = context_.loop_time();
    read_until_ = context_.topology->servers[link.server()].fresh_until;
  }
}

// A question for warnings leaves them as they are, unless it gives one itself, and so does on
// MariaDB what uses no table.
void CommandRunner::fold_diagnostics(BackendConnection& link) {
  // MySQL calls the command deprecated, in a warning that the packet does not count.
  const bool warns = current_.info->command == protocol::Command::field_list && !link.is_mariadb();
  if (warns && link.warnings() == 0) link.set_warnings(1);
  const bool runs = current_.info->handling != Handling::prepare;
  if (runs && current_.facts.has(sql::Effect::asks_diagnostics) && link.warnings() == 0) {
    link.set_warnings(current_.warnings_before);
  }
  if (link.warnings() > 0) {
    diagnostics_ = mark_;
    link.set_diagnostics_of(mark_);
  } else if (!link.holds_diagnostics_of(diagnostics_)) {
    diagnostics_ = {};
  }
}

// At READ COMMITTED the reads of a transaction see what is committed, until the first statement
// that may have left something of the transaction's own to be seen, or a lock.
void CommandRunner::fold_split(bool was_open) {
  if (links_.transaction() == nullptr) {
    may_split_ = false;
  } else if (!was_open) {
    may_split_ = context_.config().routing.transaction_reads == TransactionReads::split &&
                 current_.facts.kind == sql::StatementKind::begin &&
                 current_.facts.statements == 1 && state_->reads_committed() && pins_.empty();
  } else if (current_.info->handling != Handling::prepare) {
    may_split_ = may_split_ && current_.facts.kind == sql::StatementKind::read &&
                 (current_.facts.placement != sql::Placement::primary) && !current_.failed;
  }
}

void CommandRunner::fold_state(BackendConnection& link) {
  const bool names = current_.facts.has(sql::Effect::sets_names) && !current_.failed;
  if (names && current_.info->handling != Handling::prepare) {
    SessionState state = *link.state();
    state.set_names(current_.collation);
    link.set_state(context_.states.intern(std::move(state)));
  }
  if (!current_.failed && current_.info->handling == Handling::set_option) {
    multi_statements_ = set_option_on_;
    link.set_multi_statements(set_option_on_);
  }
  if (link.state() == state_) return;
  const bool has_no_schema =
      current_.info->handling == Handling::execute && state_->schema().empty();
  state_ = link.state();
  proven_on_ = link.server();
  if (has_no_schema) forget_schema();  // the connection's is the statement's
}

// The packet tells a key that was generated, or one that was given; only the server knows what that
// makes of LAST_INSERT_ID(), and is asked when another session gets the connection.
void CommandRunner::fold_insert_id(BackendConnection& link) {
  if (&link != links_.primary()) return;
  if (current_.failed && !uses_insert_id()) return;  // the totals are of the statement before
  const std::uint64_t reported = current_.failed ? 0 : link.last_totals().insert_id;
  // Rows in place of an OK packet: RETURNING.
  const bool untold = !current_.failed && current_.facts.kind == sql::StatementKind::write &&
                      link.last_totals().has_rows;
  if (reported == 0 && !untold && !uses_insert_id()) return;
  if (insert_id_ == nullptr) insert_id_ = std::make_shared<InsertId>();
  const bool adjusted = untold || (insert_id_->holder == &link && insert_id_->adjusted);
  if (reported != 0 && !adjusted) insert_id_->otherwise = insert_id_->value;
  if (reported != 0) insert_id_->value = reported;
  link.hold_insert_id(insert_id_, adjusted);
}

void CommandRunner::fold_sequences(const BackendConnection& link) {
  if (&link != links_.primary() || !keeps_sequences()) return;
  pins_.add(Pin::sequence);
  if (asks_sequences_) return;
  asks_sequences_ = true;
  context_.process->sequence_users.add(identity_.user);
}

void CommandRunner::fold_objects() {
  if (current_.changes.empty()) return;
  if (objects_ == nullptr) objects_ = std::make_unique<SessionObjects>();
  objects_->apply(current_.changes, current_.failed);
  objects_->update(pins_);
}

// What ROW_COUNT() and FOUND_ROWS() are now.
void CommandRunner::fold_counts(const ReplyTotals& totals) {
  calc_found_rows_ = !current_.failed && current_.facts.has(sql::Effect::calc_found_rows);
  if (current_.failed || totals.has_rows) {
    row_count_ = -1;
    if (!current_.failed) found_rows_ = totals.rows;
  } else {
    row_count_ = static_cast<std::int64_t>(totals.affected_rows);
  }
}

// Most statements add none.
void CommandRunner::count_pins(PinSet added) {
  if (added.empty()) return;
  if (current_.info->handling == Handling::execute) {
    if (const PreparedStatement* statement = statements_.find(current_.statement_id)) {
      current_.pin_cause =
          std::make_unique<PinCause>(pin_cause(statement->shared->text, text_options()));
    }
  }
  const PinCause* cause = current_.pin_cause.get();
  context_.pins.add(added, cause);
  added.for_each([&](Pin pin) {
    spdlog::debug("session {} pinned to the primary: {} by {}", host_.session_id(), pin_name(pin),
                  cause != nullptr ? "'" + cause->text + "'" : "a statement that was not read");
  });
}

void CommandRunner::fold_cursor(BackendConnection& link) {
  if (current_.info->handling != Handling::execute || current_.failed) return;
  if (PreparedStatement* statement = statements_.find(current_.statement_id)) {
    set_cursor(*statement, (link.status() & protocol::kStatusCursorExists) != 0);
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
  context_.process->global_writes.add(fresh_after_, gtids);
  reached_on_.reset();
  if (gtids.empty()) {
    position_.mark_unknown();
  } else {
    position_.add(gtids);
  }
}

}  // namespace weir
