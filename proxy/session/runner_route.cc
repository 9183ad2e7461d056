// From a command to a connection: the part of CommandRunner that decides where a command goes and
// gets a connection to there.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "protocol/command.h"
#include "protocol/frame.h"
#include "proxy/core/replica_selector.h"
#include "proxy/session/command_runner.h"

namespace weir {

using protocol::Handling;
using Slot = SessionLinks::Slot;

namespace {

// Changes nothing, takes no lock and runs no code of the users': harmless even on a server that is
// not the primary any more.
bool only_looks(const sql::Classification& facts) {
  using Reason = sql::Reason;
  if (facts.kind != sql::StatementKind::read || facts.has(sql::Effect::calls_routine)) return false;
  return facts.reason == Reason::plain_read || facts.reason == Reason::last_insert_id ||
         facts.reason == Reason::previous_statement || facts.reason == Reason::server_variable ||
         facts.reason == Reason::admin_statement;
}

}  // namespace

void CommandRunner::open(ClientIdentity identity) {
  identity_ = std::move(identity);
  // After COM_CHANGE_USER nothing is left of the user before.
  lend(nullptr);
  insert_id_.reset();
  asks_sequences_ = false;
  sequence_users_seen_ = 0;
  for (const Slot slot : {Slot::primary, Slot::replica}) pool_.discard(links_.take(slot));
  state_ = initial_ = context_.states.empty();
  finish_reset_connection();
  multi_statements_ = (identity_.capabilities & protocol::kMultiStatements) != 0;
  settings_ = context_.process->settings_version.load();
  bad_news_.reset();
  current_ = CurrentCommand{};
  current_.begun = context_.loop_time();
  firewall_ = context_.process->firewall != nullptr
                  ? context_.config().firewall_mode(identity_.listed)
                  : FirewallMode::off;
  opening_ = true;
  stage_ = Stage::waiting;
  proceed_again();
}

void CommandRunner::proceed_again() {
  if (opening_) return try_open();
  stage_ = Stage::none;
  proceed({reinterpret_cast<std::uint8_t*>(current_.bytes.data()), current_.bytes.size()});
}

// The same, from outside of whatever is going on.
void CommandRunner::proceed_later() {
  context_.deferred->call([this, alive = std::weak_ptr<int>(alive_)] {
    // The client may have gone in the same round of the loop.
    if (!alive.expired() && !closed_ && stage_ == Stage::waiting) proceed_again();
  });
}

// A session begins on the primary, whose answer to the login is the one that counts. While there is
// none, a replica lets the client in for what reads it can have.
void CommandRunner::try_open() {
  const Topology& topology = *context_.topology;
  std::optional<std::size_t> server = topology.primary;
  if (!server) {
    ReadNeeds any;
    any.takes_full = true;
    server = select_replica(topology, any, {}, context_.work, context_.random());
  }
  if (!server || current_.avoid == server) {
    current_.avoid.reset();  // worth another try after the next tick
    if (!server) current_.why = topology.no_primary_why;
    stage_ = Stage::waiting;
    return;
  }
  const Slot slot = server == topology.primary ? Slot::primary : Slot::replica;
  BackendConnection* link = obtain(slot, *server, identity_.learnt);
  if (link != nullptr) opened_with(*link);
}

// Whether the schema exists and is the user's to see, only the server can tell.
void CommandRunner::opened_with(BackendConnection& link) {
  if (link.state()->schema() == identity_.schema) return finish_open(link);
  SessionState state = *link.state();
  state.set_schema(identity_.schema);
  current_.repaired = context_.states.intern(std::move(state));
  current_.repairs_left = 1;
  current_.on = &link;
  stage_ = Stage::repairing;
  std::string command;
  append_harvest(link, command);
  protocol::append_command(command, static_cast<std::uint8_t>(protocol::Command::init_db),
                           identity_.schema);
  link.expect(ReplyPurpose::repair, protocol::ReplyShape::ok);
  link.send({protocol::as_bytes(command)});
}

void CommandRunner::finish_open(BackendConnection& link) {
  opening_ = false;
  stage_ = Stage::none;
  current_.on = nullptr;
  initial_ = link.initial_state();
  initial_autocommit_ = link.initial_autocommit();
  SessionState state = *initial_;
  state.set_schema(identity_.schema);
  state_ = context_.states.intern(std::move(state));
  finish_reset_connection();
  if (identity_.learnt) context_.process->accounts->remember(identity_.credentials);
  const protocol::ServerStatus status = initial_autocommit_ ? protocol::kStatusAutocommit : 0;
  settle();
  host_.on_opened(status);
}

// A read-only transaction on a replica has nothing to commit: what ends it implicitly belongs to
// the primary.
void CommandRunner::leave_replica_transaction() {
  using Kind = sql::StatementKind;
  BackendConnection* link = links_.transaction();
  if (link == nullptr || link != links_.replica()) return;
  const sql::Classification& facts = current_.facts;
  const bool explicit_end = facts.kind == Kind::commit || facts.kind == Kind::rollback;
  if (!facts.has(sql::Effect::ends_transaction) && facts.kind != Kind::begin) return;
  if (explicit_end && facts.statements == 1) return;
  pool_.discard(links_.take(Slot::replica));
}

void CommandRunner::decide_route() {
  using sql::Effect;
  if (state_->auto_is_null()) {
    current_.facts.effects = current_.facts.effects | Effect::uses_last_insert_id;
  }
  const bool runs = current_.info->handling != Handling::prepare && !current_.explains;
  if (runs) leave_replica_transaction();
  SessionFacts session;
  session.in_transaction = links_.transaction() != nullptr;
  session.transaction_on_replica =
      session.in_transaction && links_.transaction() == links_.replica();
  session.may_split = may_split_ && session.in_transaction && !session.transaction_on_replica;
  session.read_elsewhere = links_.last() != nullptr && links_.last() == links_.replica();
  session.serializable = state_->is_serializable();
  session.autocommit = autocommit_;
  session.pins = pins_;
  session.user_route = identity_.listed != nullptr ? identity_.listed->route : UserRoute::split;
  current_.route = decide(current_.facts, session, context_.config().routing, current_.rule);
  const Handling handling = current_.info->handling;
  const bool plain = handling == Handling::prepare || handling == Handling::to_primary ||
                     current_.route.destination == Destination::replica ||
                     (current_.route.destination == Destination::last_connection &&
                      current_.facts.reason == sql::Reason::plain_read);
  current_.splits = current_.route.cause == RouteCause::transaction_reads &&
                    current_.route.destination == Destination::replica;
  const bool alone = links_.transaction() == nullptr || current_.splits;
  // To begin a transaction does no harm before there is anything in it.
  const bool begins =
      current_.facts.kind == sql::StatementKind::begin && current_.facts.statements == 1;
  current_.repeatable = (plain || begins) && current_.whole && alone &&
                        handling != Handling::process_kill &&
                        current_.info->command != protocol::Command::refresh;
  current_.holdable = may_hold_refused();
}

// What a server refuses for being read-only, it refuses before it does anything: so a single write
// can wait for the server that is the primary now, when it meets the former one.
bool CommandRunner::may_hold_refused() const {
  using Kind = sql::StatementKind;
  const sql::Classification& facts = current_.facts;
  const bool runs =
      current_.info->handling == Handling::text || current_.info->handling == Handling::execute;
  return runs && (facts.kind == Kind::write || facts.kind == Kind::ddl) && facts.statements == 1 &&
         !any(facts.effects & (sql::Effect::calls_routine | sql::Effect::local_infile)) &&
         current_.whole && autocommit_ && links_.transaction() == nullptr && pins_.empty();
}

void CommandRunner::hold_refused(BackendConnection& link) {
  current_.refused = current_.sent = false;
  current_.on = nullptr;
  current_.routine_change.end();
  place_.leave();
  link.set_last_command({});
  const std::string& name = link.options().server_name;
  std::string why = name + " has been the primary, and is read-only now";
  if (&link == links_.last()) links_.set_last(nullptr);
  put_away(links_.take(Slot::primary));
  wait_for_server(std::move(why));
}

// Sends the command on its way as far as it can go now. Called with the command where it lies in
// the read buffer, and again, with the copy that was kept, when what it waited for has come.
void CommandRunner::proceed(std::span<std::uint8_t> bytes) {
  if (current_.trust != nullptr && !recheck_functions()) decide_route();
  current_.on = nullptr;  // where a part of it has run may not be where the rest goes
  BackendConnection* link = choose_link();
  if (link != nullptr) return send_on(*link, bytes);
  if (stage_ != Stage::none) retain(bytes);  // it waits; otherwise it has been answered
}

// The connection to use, or null: then the command waits for one, or has been answered with an
// error.
BackendConnection* CommandRunner::choose_link() {
  current_.waits_to_spill = false;
  if (current_.splits) return choose_split();
  const bool spilled = current_.only_primary && current_.route.destination == Destination::replica;
  if (spilled) return choose_spilled();
  switch (current_.only_primary ? Destination::primary : current_.route.destination) {
    case Destination::transaction:
      return links_.transaction();
    case Destination::last_connection:
      return choose_last();
    case Destination::replica:
      return choose_replica();
    case Destination::reject:
      answer_error(errors::rejected(current_.route.rule->name));
      return nullptr;
    case Destination::primary:
      break;
  }
  return choose_primary();
}

BackendConnection* CommandRunner::choose_replica() {
  put_away_spare(Slot::primary);
  const std::optional<std::size_t> server = pick_replica();
  if (!server && context_.admission != nullptr) {
    if (const auto full = pick_full_replica()) return choose_at_full(*full);
  }
  if (!server) {
    ReadNeeds any_age;
    any_age.avoid = current_.avoid;
    any_age.takes_full = true;
    any_age.only = ruled_server();
    const bool one_is_up =
        select_replica(*context_.topology, any_age, {}, context_.work, context_.random())
            .has_value();
    if (one_is_up) ++context_.counters.stale_avoided;
    // Replicas that are fresh enough for plain reads may be too old for a function.
    if (!only_replicas() || current_.trust != nullptr) return choose_spilled();
    answer_error(errors::no_replica(
        any_age.only ? fmt::format("server {}, which rule \"{}\" names, is not up and fresh enough",
                                   current_.rule->to.server, current_.rule->name)
                     : "none is up and fresh enough"));
    return nullptr;
  }
  return read_from(*server);
}

BackendConnection* CommandRunner::read_from(std::size_t server) {
  if (context_.topology->primary == server) return choose_primary();
  if (!enters(server)) return nullptr;
  if (links_.replica() != nullptr && links_.replica()->server() == server) return links_.replica();
  put_away(links_.take(Slot::replica));
  return obtain(Slot::replica, server, false);
}

// A replica for a read of a transaction that runs on the primary, or else the transaction's own
// connection: then the read is a part of it like any other.
BackendConnection* CommandRunner::choose_split() {
  const auto server = current_.only_primary ? std::nullopt : pick_replica();
  if (server && server != context_.topology->primary) return read_from(*server);
  current_.splits = current_.waits = current_.repeatable = false;
  current_.route.destination = Destination::transaction;
  if (links_.transaction() != nullptr) return links_.transaction();
  // It was lost meanwhile.
  const ClientError lost = bad_news_ ? *std::exchange(bad_news_, std::nullopt)
                                     : errors::transaction_lost(replay_->server, replay_->why);
  replay_.reset();
  answer_error(lost);
  return nullptr;
}

// The primary, for a read that no replica can answer: if it has not taken over too many already.
BackendConnection* CommandRunner::choose_spilled() {
  SpillGuard& guard = context_.process->spill_guard;
  if (!current_.spill) current_.spill = guard.take();
  if (current_.spill) return choose_primary();
  put_away_spare(Slot::replica);
  current_.waits_to_spill = true;
  wait_for_server(
      fmt::format("{} reads that no replica can answer run on the primary already "
                  "(routing.spill_limit)",
                  guard.limit()));
  return nullptr;
}

// The connection that ran the statement before, wherever it is, if nobody has used it since.
BackendConnection* CommandRunner::choose_last() {
  if (links_.last() != nullptr) return links_.last();
  if (mark_.session != 0) {
    if (auto connection = pool_.take_unused_since(mark_)) {
      const bool primary = context_.topology->primary == connection->server();
      const Slot slot = primary ? Slot::primary : Slot::replica;
      if (links_.get(slot) == nullptr) return &adopt(slot, std::move(connection));
      pool_.give_back(std::move(connection));
    }
  }
  return choose_primary();
}

// The configuration says that reads never move to the primary: at all, or this user's.
bool CommandRunner::only_replicas() const {
  return context_.config().routing.primary_reads == PrimaryReads::never ||
         (identity_.listed != nullptr && identity_.listed->route == UserRoute::replica);
}

bool CommandRunner::is_drained_primary(std::size_t server) const {
  const ServerState& state = context_.topology->servers[server];
  return state.health == Health::drained && state.role == Role::primary;
}

BackendConnection* CommandRunner::choose_primary() {
  current_.waits = false;
  put_away_spare(Slot::replica);
  const std::optional<std::size_t> primary = context_.topology->primary;
  if (primary && !enters(*primary)) return nullptr;
  BackendConnection* held = links_.primary();
  const bool own = keeps_sequences() && pins_.empty();
  if (held != nullptr && primary == held->server() && !own) return held;
  if (!primary) {
    // While nobody knows who the primary is, what only reads may still go where it went before.
    if (held != nullptr && only_looks(current_.facts)) return held;
    // A drained primary still serves those who cannot leave it.
    if (held != nullptr && !pins_.empty() && is_drained_primary(held->server())) return held;
    wait_for_server(context_.topology->no_primary_why);
    return nullptr;
  }
  if (held != nullptr && pins_.holds_state()) {
    carry_out(LossVerdict::session_lost, held->options().server_name,
              "another server is the primary now", host_.answer_sequence());
    return nullptr;
  }
  if (own) return choose_own_primary(*primary);
  put_away(links_.take(Slot::primary));
  const sql::Effect asks =
      sql::Effect::asks_diagnostics | sql::Effect::asks_row_count | sql::Effect::asks_found_rows;
  if (any(current_.facts.effects & asks) && mark_.server == *primary) {
    if (auto last = pool_.take_unused_since(mark_)) return &adopt(Slot::primary, std::move(last));
  }
  return obtain(Slot::primary, *primary, false);
}

// What LASTVAL() answers belongs to the connection, and what draws from a sequence cannot always be
// seen. So whoever asks gets a primary of its own before it may draw; but the first one who asks
// may have drawn already, most likely in the statement before.
bool CommandRunner::keeps_sequences() {
  if (current_.info->handling == Handling::prepare || !context_.topology->is_mariadb())
    return false;
  const SequenceUsers& users = context_.process->sequence_users;
  if (!asks_sequences_ && users.count() != sequence_users_seen_) {
    sequence_users_seen_ = users.count();
    asks_sequences_ = users.contains(identity_.user);
  }
  return current_.facts.has(sql::Effect::asks_sequence) ||
         (asks_sequences_ && !only_looks(current_.facts));
}

// One that no other session has used. There are no pins yet.
BackendConnection* CommandRunner::choose_own_primary(std::size_t primary) {
  BackendConnection* held = links_.primary();
  const bool fits = held != nullptr && held->server() == primary;
  if (fits && held->is_only_of(host_.session_id())) return held;
  if (!asks_sequences_ && fits) return held;
  if (!asks_sequences_ && mark_.server == primary) {
    if (auto last = pool_.take_unused_since(mark_)) return &adopt(Slot::primary, std::move(last));
  }
  put_away(links_.take(Slot::primary));
  return obtain(Slot::primary, primary, true);
}

void CommandRunner::wait_for_server(std::string why) {
  if (!opening_ && current_.why.empty()) ++context_.counters.held;
  current_.why = std::move(why);
  stage_ = Stage::waiting;
}

}  // namespace weir
