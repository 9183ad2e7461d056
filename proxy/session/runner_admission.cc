// As many statements as a server can do: the part of CommandRunner that asks to be let in, and
// waits in line when it is not.

#include "proxy/session/command_runner.h"

namespace weir {

using protocol::Handling;

// What begins something on a server. A session in a transaction or with pinned state may hold locks
// that those inside wait for, so it is never held up; nor is what only adjusts the session.
bool CommandRunner::is_new_work() const {
  if (links_.transaction() != nullptr || !pins_.empty()) return false;
  const Handling handling = current_.info->handling;
  if (handling != Handling::text && handling != Handling::execute) return false;
  using Kind = sql::StatementKind;
  const Kind kind = current_.facts.kind;
  const bool adjusts =
      kind == Kind::set || kind == Kind::use || kind == Kind::commit || kind == Kind::rollback;
  return !adjusts || current_.facts.statements > 1;
}

// Whether the statement may go to this server now. If not, it stands in line there, or has been
// answered with an error.
bool CommandRunner::enters(std::size_t server) {
  Admission* admission = context_.admission;
  if (admission == nullptr || place_.inside(server) || !is_new_work()) return true;
  switch (admission->enter(place_, server)) {
    case Admission::Answer::inside:
      return true;
    case Admission::Answer::in_line:
      stand_in_line(server);
      return false;
    case Admission::Answer::full:
      break;
  }
  answer_error(errors::overloaded(context_.topology->servers[server].name, admission->limit(server),
                                  admission->in_line(server), 0));
  return false;
}

// Those inside may need the connections that it could do without meanwhile.
void CommandRunner::stand_in_line(std::size_t server) {
  put_away_spare(SessionLinks::Slot::primary);
  put_away_spare(SessionLinks::Slot::replica);
  if (current_.in_line_since == TimePoint{}) current_.in_line_since = context_.loop_time();
  wait_for_server("in line for server " + context_.topology->servers[server].name);
}

// The one that would answer if it were not full.
std::optional<std::size_t> CommandRunner::pick_full_replica() {
  ReadNeeds needs = read_needs(consistency());
  needs.takes_full = true;
  return select_replica(*context_.topology, needs, balancing(), context_.work, context_.random());
}

// All replicas that may answer are full. The primary takes the read over if it has room to spare,
// else it waits for the replica.
BackendConnection* CommandRunner::choose_at_full(std::size_t replica) {
  if (may_spill_over()) {
    current_.only_primary = true;
    return choose_primary();
  }
  return read_from(replica);
}

// Half of the primary's places are kept for what nobody else can do.
bool CommandRunner::may_spill_over() {
  const std::optional<std::size_t> primary = context_.topology->primary;
  if (!primary || only_replicas() || !context_.admission->has_room_to_spare(*primary)) return false;
  if (!current_.spill) current_.spill = context_.process->spill_guard.take();
  return static_cast<bool>(current_.spill);
}

// When the topology has changed: a line that leads nowhere any more is left.
bool CommandRunner::stays_in_line() {
  if (!place_.in_line()) return false;
  const Topology& topology = *context_.topology;
  const std::size_t server = place_.server();
  if (topology.primary == server || topology.servers[server].serves_reads()) return true;
  place_.leave();
  return false;
}

void CommandRunner::expire_in_line(TimePoint now) {
  const auto waited = std::chrono::duration_cast<Milliseconds>(now - current_.in_line_since);
  if (waited < context_.config().pool.queue_timeout) return;
  const std::size_t server = place_.server();
  Admission& admission = *context_.admission;
  admission.shed(server);
  answer_error(errors::overloaded(context_.topology->servers[server].name, admission.limit(server),
                                  admission.in_line(server), waited.count()));
}

// Whether the time until its answer begins is that of the server: what begins outside of
// transactions, and only reads, or writes. The rest takes as long as it is asked to.
bool CommandRunner::measures_server() const {
  if (!place_.inside() || current_.waits || !current_.whole || !is_new_work()) return false;
  return current_.facts.statements == 1 && (current_.facts.kind == sql::StatementKind::read ||
                                            current_.facts.kind == sql::StatementKind::write);
}

}  // namespace weir
