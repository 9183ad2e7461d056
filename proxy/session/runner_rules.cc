// The rules of the configuration: the part of CommandRunner that finds out which of them a
// statement falls under. What comes of it: core/router.cc, and read_needs() in runner_replica.cc.

#include <spdlog/spdlog.h>

#include <utility>

#include "proxy/session/command_runner.h"

namespace weir {

RuleInput CommandRunner::rule_input() const {
  RuleInput input;
  input.user = identity_.user;
  input.schema = state_->schema();
  const std::optional<IpAddress>& client = host_.client_address();
  input.client = client ? &*client : nullptr;
  return input;
}

// Of a text that is run or prepared, which is normalised at most once. False when it was answered:
// a rule rejects it, or the firewall refuses it.
bool CommandRunner::admit_text(std::string_view said) {
  sql::TextOptions options = text_options();
  options.truncated = !current_.whole_when_classified;
  RuleText text(said, options, context_.rule_room);
  if (context_.rules != nullptr && !obey_rules(text)) return false;
  return firewall_ == FirewallMode::off || passes_firewall(said, options, text);
}

bool CommandRunner::obey_rules(RuleText& text) {
  RuleInput input = rule_input();
  input.text = &text;
  if (current_.info->handling == protocol::Handling::prepare && context_.rules->reads_texts()) {
    current_.text_matches = std::make_unique<TextMatches>(context_.rules->match_text(text));
    input.matches = current_.text_matches.get();
  }
  return follow(context_.rules->match(input));
}

// Its text stays as it is; the session's schema may be another one than when it was prepared.
bool CommandRunner::obey_rules(const PreparedStatement& statement) {
  RuleInput input = rule_input();
  input.matches = &statement.rules;
  return follow(context_.rules->match(input));
}

bool CommandRunner::follow(const Rule* rule) {
  current_.rule = rule;
  if (rule == nullptr) return true;
  ++context_.counters.rule_matches[rule->index];
  if (!rule->rejects()) return true;
  spdlog::debug("session {}: rule \"{}\" rejects a statement", host_.session_id(), rule->name);
  answer_error(errors::rejected(rule->name));
  return false;
}

// Whoever lets functions run on a replica by a rule vouches for them, so they do not pin the
// session. What they have left on the connection all the same, no other session shall see.
void CommandRunner::fold_rule(BackendConnection& link) {
  if (current_.route.cause != RouteCause::rule || &link != links_.replica()) return;
  if (current_.info->handling == protocol::Handling::prepare) return;
  if (!current_.facts.has(sql::Effect::calls_routine)) return;
  current_.facts.effects = current_.facts.effects & ~sql::Effect::calls_routine;
  link.doom();
}

}  // namespace weir
