// EXPLAIN ROUTE <sql>: the part of CommandRunner that says where a statement would go if the
// session sent it now. No server is asked.

#include "proxy/core/replica_selector.h"
#include "proxy/core/route_answer.h"
#include "proxy/session/command_runner.h"
#include "sql_classifier/digest.h"

namespace weir {

// False when the text is something else. What is asked about takes the place of the question, and
// the same ways as when it is sent, up to the decision.
bool CommandRunner::begin_explain_route(std::string_view text) {
  const bool asks = current_.facts.kind == sql::StatementKind::explain_route &&
                    current_.facts.statements == 1 && current_.whole_when_classified;
  if (!asks) return false;
  const sql::TextOptions options = text_options();
  const std::string_view sql = asked_statement(text, options);
  if (sql.empty()) return false;
  current_.explains = true;
  current_.facts = classify_text(protocol::as_bytes(sql));
  if (current_.facts.only_stored_functions) trust_functions(sql, options, state_->schema());
  stay_with_diagnostics(sql);
  if (context_.rules != nullptr) {
    RuleText rule_text(sql, options, context_.rule_room);
    RuleInput input = rule_input();
    input.text = &rule_text;
    current_.rule = context_.rules->match(input);
  }
  decide_route();
  answer_table(
      route_table(current_.route, server_of_route(), digest_text(sql::digest(sql, options))));
  return true;
}

// Empty: none.
std::string_view CommandRunner::server_of_route() {
  const Topology& topology = *context_.topology;
  std::optional<std::size_t> server = topology.primary;
  switch (current_.route.destination) {
    case Destination::reject:
      return {};
    case Destination::transaction:
      server = links_.transaction()->server();
      break;
    case Destination::last_connection:
      if (links_.last() != nullptr) {
        server = links_.last()->server();
      } else if (const BackendConnection* last = pool_.unused_since(mark_)) {
        server = last->server();
      }
      break;
    case Destination::replica:
      server = server_of_read();
      break;
    case Destination::primary:
      break;
  }
  return server ? std::string_view(topology.servers[*server].name) : std::string_view();
}

// One that may answer, without a choice being made.
std::optional<std::size_t> CommandRunner::server_of_read() {
  const Topology& topology = *context_.topology;
  const Consistency wanted = consistency();
  const ReadNeeds needs = read_needs(wanted);
  if (needs.only && needs.only == topology.primary) return needs.only;
  auto server = select_replica(topology, needs, balancing(), context_.work, context_.random());
  if (!server) server = pick_replica_to_wait_on(needs, wanted);
  return server || only_replicas() ? server : topology.primary;
}

void CommandRunner::answer_table(const protocol::ResultSet& set) {
  std::uint8_t sequence = host_.answer_sequence();
  std::string packets;
  protocol::append_result_set(packets, set, own_status(), identity_.capabilities, sequence);
  host_.client().write(packets);
  end_command();
}

}  // namespace weir
