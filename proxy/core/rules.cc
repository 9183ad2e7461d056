#include "proxy/core/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t kUsualText = 4096;

std::optional<std::size_t> index_of(const Config& config, const std::string& server) {
  for (std::size_t i = 0; i < config.servers.size(); ++i) {
    if (config.servers[i].name == server) return i;
  }
  return std::nullopt;
}

Rule rule_of(const Config& config, std::size_t index) {
  const RuleConfig& from = config.rules[index];
  Rule rule;
  rule.index = index;
  rule.name = from.name;
  rule.to = parse_rule_target(from.to).value_or(RuleTarget{});
  if (rule.to.kind == RuleTarget::Kind::server) rule.server = index_of(config, rule.to.server);
  rule.max_lag = from.max_lag;
  rule.consistency = from.consistency;
  rule.timeout = from.timeout;
  return rule;
}

}  // namespace

void RuleText::read() {
  if (std::exchange(read_, true)) return;
  if (room_.size() < kUsualText) room_.resize(kUsualText);
  form_ = sql::normal_form(text_, options_, room_.data(), room_.size());
  if (form_.length > room_.size() && room_.size() < kMaxLength) {
    room_.resize(std::min(form_.length, kMaxLength));
    form_ = sql::normal_form(text_, options_, room_.data(), room_.size());
  }
}

std::string_view RuleText::normalised() {
  read();
  return std::string_view(room_).substr(0, form_.written);
}

std::optional<std::uint64_t> RuleText::digest() {
  if (options_.truncated) return std::nullopt;
  read();
  return form_.digest;
}

const sql::NormalForm& RuleText::form() {
  read();
  return form_;
}

std::shared_ptr<const RuleSet> RuleSet::make(const Config& config) {
  if (config.rules.empty()) return nullptr;
  return std::shared_ptr<const RuleSet>(new RuleSet(config));
}

RuleSet::RuleSet(const Config& config) {
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const RuleConfig& from = config.rules[i];
    Row row;
    row.rule = rule_of(config, i);
    row.user = from.user;
    row.schema = from.schema;
    if (!from.client.empty()) row.client = parse_network(from.client);
    if (!from.digest.empty()) row.digest = parse_digest(from.digest);
    if (!from.pattern.empty()) row.pattern.emplace(from.pattern);
    reads_texts_ = reads_texts_ || row.reads_text();
    rows_.push_back(std::move(row));
  }
}

bool RuleSet::Row::admits(const RuleInput& input) const {
  if (!user.empty() && user != input.user) return false;
  if (!schema.empty() && schema != input.schema) return false;
  return !client || (input.client != nullptr && client->contains(*input.client));
}

bool RuleSet::Row::admits(RuleText& text) const {
  if (digest && text.digest() != digest) return false;
  return !pattern || pattern->matches(text.normalised());
}

const Rule* RuleSet::match(const RuleInput& input) const {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    if (!row.admits(input)) continue;
    if (!row.reads_text()) return &row.rule;
    const bool admits = input.matches != nullptr ? (*input.matches)[i] : row.admits(*input.text);
    if (admits) return &row.rule;
  }
  return nullptr;
}

TextMatches RuleSet::match_text(RuleText& text) const {
  TextMatches matches;
  if (!reads_texts_) return matches;
  matches.reserve(rows_.size());
  for (const Row& row : rows_) matches.push_back(row.reads_text() && row.admits(text));
  return matches;
}

std::string conditions_text(const RuleConfig& rule) {
  const std::pair<std::string_view, const std::string*> conditions[] = {{"user", &rule.user},
                                                                        {"schema", &rule.schema},
                                                                        {"digest", &rule.digest},
                                                                        {"pattern", &rule.pattern},
                                                                        {"client", &rule.client}};
  std::string text;
  for (const auto& [key, value] : conditions) {
    if (value->empty()) continue;
    text += fmt::format("{}{} = \"{}\"", text.empty() ? "" : ", ", key, *value);
  }
  return text;
}

}  // namespace weir
