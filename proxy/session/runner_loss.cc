// When it fails: the part of CommandRunner that copes with lost connections and answers with errors
// of weir's own.

#include <spdlog/spdlog.h>

#include <utility>

#include "protocol/frame.h"
#include "protocol/response.h"
#include "proxy/session/command_runner.h"

namespace weir {
namespace {

// A plain read follows its servers as they die, up to here.
constexpr unsigned kMaxRetries = 3;

}  // namespace

// True while the command under way is counted as outstanding on this connection's server.
bool CommandRunner::counts_on(const BackendConnection& link) const {
  return current_.on == &link &&
         (stage_ == Stage::running || stage_ == Stage::infile || stage_ == Stage::resetting);
}

// Closes a connection that is of no more use.
void CommandRunner::leave(BackendConnection& link) {
  if (counts_on(link)) --context_.work[link.server()].outstanding;
  if (current_.on == &link) {
    current_.on = nullptr;
    place_.leave();
  }
  if (lent_ == &link) lend(nullptr);
  pool_.discard(links_.take(link));
}

// A server that hangs keeps its connections open and answers nothing. What waits there for the
// first byte of a read is better served elsewhere; anything else may still get its answer, and
// waits for it until there is another primary or its patience is used up.
void CommandRunner::give_up_hung_server() {
  BackendConnection* link = stage_ == Stage::none ? nullptr : current_.on;
  if (link == nullptr) return;
  const Topology& topology = *context_.topology;
  const ServerState& server = topology.servers[link->server()];
  if (server.health != Health::down) return;
  const bool moves_on = link == links_.replica() && current_.repeatable && !current_.answer_begun;
  const bool replaced =
      link == links_.primary() && topology.primary && topology.primary != link->server();
  const bool too_long =
      context_.loop_time() - current_.begun >= context_.config().routing.failover_wait;
  if (moves_on || replaced || too_long) link->give_up("it does not answer: " + server.why);
}

// Whether the transaction may be over, for good or not, with the statement under way.
bool CommandRunner::may_commit() const {
  using Kind = sql::StatementKind;
  constexpr sql::Effect kEnds = sql::Effect::ends_transaction | sql::Effect::begins_transaction |
                                sql::Effect::sets_autocommit | sql::Effect::calls_routine;
  if (any(current_.facts.effects & kEnds) || maybe_over_) return true;
  if (current_.facts.statements > 1 && current_.facts.kind != Kind::read) return true;
  switch (current_.facts.kind) {
    case Kind::empty:
    case Kind::read:
    case Kind::write:
    case Kind::savepoint:
    case Kind::use:
      return false;
    default:
      return true;
  }
}

LossFacts CommandRunner::loss_facts(const BackendConnection& link) const {
  LossFacts facts;
  facts.statement_under_way = stage_ != Stage::none && current_.on == &link;
  facts.sent = facts.statement_under_way && current_.sent;
  facts.answer_begun = facts.statement_under_way && current_.answer_begun;
  facts.at_packet_boundary = link.idle() || link.current_reply().at_packet_boundary();
  facts.is_plain_read = current_.repeatable;
  facts.may_commit = may_commit();
  facts.in_transaction = links_.transaction() == &link;
  facts.holds_state = &link == links_.primary() && pins_.holds_state();
  facts.retried = current_.retries >= kMaxRetries || !context_.config().routing.retry_reads ||
                  current_.timed_out;
  return facts;
}

void CommandRunner::on_backend_failed(BackendConnection& link, const BackendFailure& failure) {
  if (current_.trust != nullptr && !recheck_functions()) current_.repeatable = false;
  // What has not been written yet can still be taken back, when the statement may run again.
  if (current_.on == &link && current_.repeatable && !current_.answer_begun) relay_.clear();
  flush_relay();
  const LossFacts facts = loss_facts(link);
  const LossVerdict verdict = judge_loss(facts);
  const std::string server = link.options().server_name;
  const std::size_t index = link.server();
  const std::uint8_t sequence =
      facts.answer_begun ? link.current_reply().next_sequence() : host_.answer_sequence();
  if (verdict != LossVerdict::nothing) {
    spdlog::info("user '{}' lost the connection to {}: {}", identity_.user, server, failure.text);
  }
  const bool was_resetting = facts.statement_under_way && stage_ == Stage::resetting;
  const bool was_errand = &link == links_.get(SessionLinks::Slot::errand);
  // The client has its answer already.
  const bool was_question =
      stage_ == Stage::asking && current_.on == &link && &link == links_.primary();
  // What has run too long is not run again.
  const bool replays =
      verdict == LossVerdict::transaction_lost && !current_.timed_out && may_replay(link, facts);
  const bool ends_read = current_.timed_out && facts.statement_under_way && facts.is_plain_read &&
                         verdict == LossVerdict::outcome_unknown && !facts.in_transaction;
  const bool mariadb = link.is_mariadb();
  if (facts.sent && place_.inside(index)) context_.admission->failed(index);
  leave(link);
  if (was_question) return end_command();
  if (was_errand) {
    stage_ = Stage::none;
    return answer_error(errors::server_unreachable(server, failure.text));
  }
  if (opening_) return on_open_failure(index, failure);
  if (current_.replayed && (facts.statement_under_way || facts.in_transaction)) {
    return lose_attempt(index, failure.text);
  }
  if (replays) return prepare_replay(index, server, failure.text, facts.statement_under_way);
  if (was_resetting) {
    // All that a reset clears went with the connection.
    finish_reset_connection();
    return answer_ok();
  }
  if (!facts.statement_under_way && verdict == LossVerdict::transaction_lost) {
    // Nobody is listening now; the next command hears of it.
    bad_news_ = errors::transaction_lost(server, failure.text);
    return;
  }
  if (verdict == LossVerdict::run_elsewhere) {
    if (current_.sent) ++current_.retries;
    current_.avoid = index;
    current_.why = server + ": " + failure.text;
    current_.repairs_left = 0;
    current_.repair_error.clear();
    current_.rerun = false;
    if (current_.sent)
      current_.begun = context_.loop_time();  // it ran until now, and waits from now on
    stage_ = Stage::waiting;                  // no other command may begin before this one goes on
    ++context_.counters.retried_reads;
    // A server that dies before it was sent anything is tried again at the next tick, not in a
    // circle.
    if (current_.sent) proceed_later();
    return;
  }
  // The session goes on: nothing but the answer was lost, and that was not wanted any more.
  if (ends_read) {
    write_error(errors::query_too_long(mariadb), sequence);
    return end_command();
  }
  carry_out(verdict, server, failure.text, sequence);
}

void CommandRunner::carry_out(LossVerdict verdict, const std::string& server,
                              const std::string& why, std::uint8_t sequence) {
  switch (verdict) {
    case LossVerdict::nothing:
    case LossVerdict::run_elsewhere:
      return;
    case LossVerdict::transaction_lost:
      write_error(errors::transaction_lost(server, why), sequence);
      return end_command();
    case LossVerdict::result_cut:
      write_error(errors::result_cut(server, why), sequence);
      return end_command();
    case LossVerdict::outcome_unknown:
      write_error(errors::outcome_unknown(server, why), sequence);
      break;
    case LossVerdict::session_lost:
      write_error(errors::session_lost(server, pin_name(pins_.first())), sequence);
      break;
    case LossVerdict::close:
      break;
  }
  stage_ = Stage::none;
  host_.on_session_over();
}

void CommandRunner::write_error(const ClientError& error, std::uint8_t sequence) {
  ++context_.counters.failed_statements;
  host_.client().write(error_packet(error, sequence));
}

void CommandRunner::answer_error(const ClientError& error) {
  if (current_.replayed) return fail_replay(error.message);
  write_error(error, host_.answer_sequence());
  end_command();
}

// The flags of an answer of weir's own.
protocol::ServerStatus CommandRunner::own_status() const {
  protocol::ServerStatus status = 0;
  if (autocommit_) status |= protocol::kStatusAutocommit;
  if (links_.transaction() != nullptr) status |= protocol::kStatusInTransaction;
  if (state_->no_backslash_escapes()) status |= protocol::kStatusNoBackslashEscapes;
  return status;
}

void CommandRunner::answer_ok() {
  protocol::OkPacket ok;
  ok.status = own_status();
  std::string payload;
  protocol::append_ok(payload, ok, identity_.capabilities);
  std::string packet;
  std::uint8_t sequence = host_.answer_sequence();
  protocol::append_frames(packet, payload, sequence);
  host_.client().write(packet);
  end_command();
}

}  // namespace weir
