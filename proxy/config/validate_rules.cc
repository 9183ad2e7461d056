#include "proxy/config/validate_rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "proxy/config/rule_text.h"

namespace weir::config {
namespace {

struct Condition {
  std::string_view key;
  std::string RuleConfig::*value;
};

constexpr std::array<Condition, 5> kConditions = {{{"user", &RuleConfig::user},
                                                   {"schema", &RuleConfig::schema},
                                                   {"digest", &RuleConfig::digest},
                                                   {"pattern", &RuleConfig::pattern},
                                                   {"client", &RuleConfig::client}}};

unsigned line_in(const Node& table, std::string_view key) {
  const Node* const value = table.find(key);
  return value == nullptr ? table.line : value->line;
}

bool has_condition(const Node& table) {
  return std::any_of(kConditions.begin(), kConditions.end(),
                     [&](const Condition& each) { return table.find(each.key) != nullptr; });
}

bool is_right(const RuleConfig& rule) {
  return std::any_of(kConditions.begin(), kConditions.end(),
                     [&](const Condition& each) { return !(rule.*each.value).empty(); });
}

// Every condition of the earlier rule is one of the later's, so what meets these meets those.
bool takes_all_of(const RuleConfig& earlier, const RuleConfig& later) {
  return std::all_of(kConditions.begin(), kConditions.end(), [&](const Condition& each) {
    const std::string& wanted = earlier.*each.value;
    return wanted.empty() || wanted == later.*each.value;
  });
}

void check_effect(const Node& table, const RuleConfig& rule, Context& context) {
  if (rule.to == "reject" && table.find("timeout") != nullptr) {
    context.problem(line_in(table, "timeout"),
                    "rule.timeout has no meaning with to = \"reject\"; remove one");
  }
  const bool freshness = table.find("max_lag") != nullptr || table.find("consistency") != nullptr;
  const bool effects = freshness || table.find("timeout") != nullptr;
  if (table.find("to") == nullptr && !effects) {
    return context.problem(
        table.line,
        fmt::format("{} changes nothing; add to, max_lag, consistency or timeout", rule.name));
  }
  if (!freshness || (rule.to != "primary" && rule.to != "reject")) return;
  const std::string_view key = table.find("max_lag") != nullptr ? "max_lag" : "consistency";
  context.problem(line_in(table, key),
                  fmt::format("rule.{} has no meaning with to = \"{}\"; remove one", key, rule.to));
}

void check_server(const Node& table, const RuleConfig& rule, const Config& config,
                  Context& context) {
  const auto target = parse_rule_target(rule.to);
  if (!target || target->kind != RuleTarget::Kind::server) return;
  std::string names;
  for (const ServerConfig& server : config.servers) {
    if (server.name == target->server) return;
    names += (names.empty() ? "" : ", ") + server.name;
  }
  context.problem(line_in(table, "to"),
                  fmt::format("no [[server]] is called {}; there are {}", in_quotes(target->server),
                              names.empty() ? "none" : names));
}

void check_earlier(const std::vector<Node>& tables, std::size_t index, const Config& config,
                   Context& context) {
  const RuleConfig& rule = config.rules[index];
  const Node& table = tables[index];
  for (std::size_t i = 0; i < index; ++i) {
    const RuleConfig& earlier = config.rules[i];
    if (table.find("name") != nullptr && earlier.name == rule.name) {
      context.problem(line_in(table, "name"),
                      fmt::format("a rule named {} is listed already; each needs a name of its own",
                                  in_quotes(rule.name)));
    }
    if (is_right(earlier) && takes_all_of(earlier, rule)) {
      return context.warning(
          table.line,
          fmt::format("{} can never match: {} (line {}) takes everything that it would take",
                      rule.name, earlier.name, tables[i].line));
    }
  }
}

}  // namespace

void check_rules(const Node& root, const Config& config, Context& context) {
  const Node* const list = root.find("rule");
  // Refused for its shape; then there are no rules either.
  if (list == nullptr || list->children.size() != config.rules.size()) return;
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const Node& table = list->children[i];
    if (!has_condition(table)) {
      context.problem(table.line,
                      fmt::format("{} has no condition; add user, schema, digest, pattern or "
                                  "client",
                                  config.rules[i].name));
    }
    check_effect(table, config.rules[i], context);
    check_server(table, config.rules[i], config, context);
    check_earlier(list->children, i, config, context);
  }
}

}  // namespace weir::config
