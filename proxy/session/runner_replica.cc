// Which replica: the part of CommandRunner that says what a read needs of one, and how fresh it has
// to be.

#include <uv.h>

#include <algorithm>
#include <utility>

#include "protocol/query_attributes.h"
#include "proxy/core/own_reply.h"
#include "proxy/core/replica_selector.h"
#include "proxy/session/command_runner.h"
#include "sql_classifier/words.h"

namespace weir {

// The statement's own wish comes first, then its rule's, the session's, the user's, the
// configuration's.
Consistency CommandRunner::consistency() const {
  if (const auto hinted = hinted_consistency(current_.facts)) return *hinted;
  if (current_.rule != nullptr && current_.rule->consistency) return *current_.rule->consistency;
  if (consistency_) return *consistency_;
  if (identity_.listed != nullptr && identity_.listed->consistency) {
    return *identity_.listed->consistency;
  }
  return context_.config().routing.consistency;
}

ReadNeeds CommandRunner::read_needs(Consistency consistency) const {
  ReadNeeds needs;
  needs.avoid = current_.avoid;
  needs.only_replicas = only_replicas();
  if (place_.inside()) needs.preferred = needs.admitted = place_.server();
  needs.takes_full = context_.admission == nullptr || !is_new_work();
  // A session that keeps its connections keeps to their replica.
  const bool keeps = context_.config().pool.mode == PoolMode::session;
  if (keeps && !place_.inside() && links_.replica() != nullptr)
    needs.preferred = links_.replica()->server();
  needs.only = ruled_server();
  if (current_.facts.hint_max_lag_ms >= 0) {
    needs.max_lag = Milliseconds(current_.facts.hint_max_lag_ms);
  } else if (current_.rule != nullptr) {
    needs.max_lag = current_.rule->max_lag;
  }
  if (consistency != Consistency::eventual) {
    needs.fresh_after = fresh_after_;
    needs.seen_on = read_on_;
    needs.seen_at = read_at_;
    needs.seen_until = read_until_;
  }
  if (consistency == Consistency::global) {
    needs.fresh_after = std::max(needs.fresh_after, context_.process->global_writes.last());
  }
  if (current_.trust != nullptr)
    needs.fresh_after = std::max(needs.fresh_after, current_.trust->since);
  return needs;
}

// The one server that the statement's rule sends it to; nothing: whichever.
std::optional<std::size_t> CommandRunner::ruled_server() const {
  return current_.route.cause == RouteCause::rule ? current_.route.rule->server : std::nullopt;
}

Balancing CommandRunner::balancing() const {
  return {context_.config().routing.balance, context_.config().routing.zone};
}

// A replica that is fresh enough, or one that soon will be (current_.waits).
std::optional<std::size_t> CommandRunner::pick_replica() {
  const RoutingConfig& routing = context_.config().routing;
  const Consistency wanted = consistency();
  if (wanted == Consistency::global) context_.process->global_writes.follow(Clock::now());
  const ReadNeeds needs = read_needs(wanted);
  current_.waits = false;
  if (needs.only && needs.only == context_.topology->primary) return needs.only;
  // A rule that says "replica" has no turn for the primary.
  if (routing.primary_reads == PrimaryReads::always && current_.route.cause != RouteCause::rule) {
    // Replicas have their turn also when they have to be waited for.
    ReadNeeds of_any_age = needs;
    of_any_age.fresh_after = {};
    if (is_primarys_turn(*context_.topology, of_any_age, context_.random())) {
      return context_.topology->primary;
    }
  }
  const auto server =
      select_replica(*context_.topology, needs, balancing(), context_.work, context_.random());
  if (server) {
    context_.work[*server].trial = false;
    if (wanted != Consistency::eventual) position_.clear();
    return server;
  }
  return pick_replica_to_wait_on(needs, wanted);
}

// The monitor has not yet seen the session's last write on any replica. One that keeps up otherwise
// has most likely got it by now, or will in a moment: it is asked to wait for it, ahead of the
// read. When it was in vain, or the replica is too far behind for it to make sense, the primary
// answers.
std::optional<std::size_t> CommandRunner::pick_replica_to_wait_on(const ReadNeeds& needs,
                                                                  Consistency wanted) {
  const Milliseconds limit = context_.config().routing.wait;
  const bool global = wanted == Consistency::global;
  if (limit.count() <= 0 || (!global && !position_.usable())) return std::nullopt;
  if (!context_.topology->replicas_wait) return std::nullopt;
  // Of a statement that is too long to be kept there would be nothing left to ask the primary.
  if (!current_.repeatable) return std::nullopt;
  if (context_.loop_time() < no_waits_until_) return std::nullopt;
  // Its functions are as they are trusted to be now, not after a wait.
  if (current_.trust != nullptr) return std::nullopt;
  // The position speaks of what was written, not of what was read on another replica: that stays a
  // demand.
  ReadNeeds waiting = needs;
  waiting.fresh_after = {};
  const Milliseconds near = near_lag();
  waiting.max_lag = needs.max_lag ? std::min(*needs.max_lag, near) : near;
  const auto server =
      select_replica(*context_.topology, waiting, balancing(), context_.work, context_.random());
  if (!server || (!global && server == reached_on_)) return server;
  if (context_.work[*server].waits >= context_.most_waits) return std::nullopt;
  current_.wait_for = global ? global_position(*server) : position_;
  current_.waits = current_.wait_for.usable();
  return current_.waits ? server : std::nullopt;
}

// Lag is known to one interval: a replica that keeps up shows as much while the primary writes.
Milliseconds CommandRunner::near_lag() const {
  return context_.config().routing.wait + context_.config().monitor.interval;
}

// --- after a read that the primary answered in the replicas' place -------------------------------

// No replica may show less than the primary has just shown. Where it cannot be waited for, this
// would keep the session on the primary for good; there a replica may show a little less.
void CommandRunner::demand_what_primary_showed(const BackendConnection& link) {
  if (current_.route.destination != Destination::replica || &link != links_.primary()) return;
  if (current_.info->handling == protocol::Handling::prepare || current_.failed) return;
  if (cannot_ask_) return;
  if (!context_.topology->replicas_wait || context_.config().routing.wait.count() <= 0) return;
  if (consistency() == Consistency::eventual) return;
  fresh_after_ = Clock::now();
  position_.mark_unknown();
  reached_on_.reset();
  current_.outdoes_replicas = true;
}

// A replica can be waited for, and nothing that the client may ask for about its statement is lost.
bool CommandRunner::may_ask_position(const BackendConnection& link) const {
  if (!current_.outdoes_replicas || link.warnings() > 0 || calc_found_rows_) return false;
  const auto& servers = context_.topology->servers;
  return std::any_of(servers.begin(), servers.end(), [&](const ServerState& server) {
    return server.serves_reads() && server.lag && *server.lag <= near_lag();
  });
}

// The client has its answer, and its next command is only a moment away at the earliest. Where new
// transactions get no GTIDs, the set says nothing about them.
void CommandRunner::ask_position(BackendConnection& link) {
  stage_ = Stage::asking;
  current_.on = &link;
  errand_reply_.clear();
  std::string command;
  protocol::append_query(
      command,
      link.is_mariadb() ? "SELECT @@GLOBAL.gtid_binlog_pos"
                        : "SELECT IF(@@GLOBAL.gtid_mode LIKE 'ON%', @@GLOBAL.gtid_executed, '')",
      link.capabilities());
  link.expect(ReplyPurpose::position, protocol::ReplyShape::result);
  link.send({protocol::as_bytes(command)});
  // It is not as the client's statement has left it.
  links_.set_last(nullptr);
  link.set_last_command({});
}

void CommandRunner::on_position() {
  const auto values = single_row(std::exchange(errand_reply_, {}));
  if (values.size() == 1 && values[0] && !values[0]->empty()) {
    cannot_ask_ = !position_.assign(*values[0]);
  }
  end_command();
}

// --- what a session sets for itself --------------------------------------------------------------

// As far as its facts tell: SET weir.consistency = '...'
bool CommandRunner::may_be_own_setting() const {
  return current_.facts.kind == sql::StatementKind::set &&
         current_.facts.has(sql::Effect::sets_untracked_variable) &&
         current_.info->handling == protocol::Handling::text;
}

// False when the text is something else.
bool CommandRunner::begin_own_setting(std::string_view text) {
  const auto setting = read_own_setting(text, text_options());
  if (!setting) return false;
  const bool resets = setting->well_formed && sql::equals_lower(setting->value, "default");
  const auto value = read_consistency(setting->value);
  if (setting->name != "consistency") {
    answer_error(errors::unknown_setting(setting->name));
  } else if (!setting->well_formed || (!value && !resets)) {
    answer_error(errors::wrong_setting(setting->name, setting->value));
  } else {
    consistency_ = value;
    answer_ok();
  }
  return true;
}

// How long a statement took until its answer began; the rest depends on the client as well. What
// waited for replication says nothing of the server's speed.
void CommandRunner::note_latency() {
  const std::uint64_t sent_at = std::exchange(current_.sent_at, 0);
  if (current_.waits || current_.on == nullptr) return;
  const double microseconds = static_cast<double>(uv_hrtime() - sent_at) / 1000;
  if (measures_server()) context_.admission->answered(place_.server(), microseconds);
  if (!current_.repeatable || current_.on != links_.replica()) return;
  ServerWork& work = context_.work[current_.on->server()];
  if (work.outlier) {
    work.latency.add_trial(microseconds, work.outstanding);
  } else {
    work.latency.add(microseconds, work.outstanding);
  }
}

// What the replica has to reach to show everything that was written through this weir.
WritePosition CommandRunner::global_position(std::size_t server) const {
  const auto fresh_until = context_.topology->servers[server].fresh_until;
  return context_.process->global_writes.position_after(fresh_until.value_or(TimePoint{}));
}

}  // namespace weir
