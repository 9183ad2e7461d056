// Routing rules: which of them a statement falls under. Pure, but for the regular expressions'
// memory of states (see config/pattern.h): each thread makes a set of its own.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/config/network.h"
#include "proxy/config/pattern.h"
#include "proxy/config/rule_text.h"
#include "sql_classifier/classification.h"
#include "sql_classifier/digest.h"

namespace weir {

// What a rule wants of the statements that fall under it.
struct Rule {
  std::size_t index = 0;  // in the configuration
  std::string name;
  RuleTarget to;
  std::optional<std::size_t> server;  // index of the one that `to` names
  std::optional<Milliseconds> max_lag;
  std::optional<Consistency> consistency;
  std::optional<Milliseconds> timeout;

  // It says where statements go.
  bool routes() const { return to.kind != RuleTarget::Kind::as_ever; }
  bool rejects() const { return to.kind == RuleTarget::Kind::reject; }
};

// A statement's text as rules see it: normalised, and only when one asks.
class RuleText {
 public:
  // Rules do not see what is behind this many bytes of the normalised text.
  static constexpr std::size_t kMaxLength = 1 << 20;

  // `room` is for the normalised text; it grows as needed, and is best used again. Both outlive
  // this. A text that is truncated (see `options`) has no digest.
  RuleText(std::string_view text, const sql::TextOptions& options, std::string& room)
      : text_(text), options_(options), room_(room) {}

  std::string_view normalised();
  std::optional<std::uint64_t> digest();
  // All that is known of it; what `written` bytes of it are, normalised() says.
  const sql::NormalForm& form();

 private:
  void read();

  const std::string_view text_;
  const sql::TextOptions options_;
  std::string& room_;
  bool read_ = false;
  sql::NormalForm form_;
};

// For each rule, whether a text meets its conditions on texts; empty when no rule has any.
using TextMatches = std::vector<bool>;

// What conditions are about.
struct RuleInput {
  std::string_view user;
  std::string_view schema;
  const IpAddress* client = nullptr;     // null: a unix socket, or nobody
  RuleText* text = nullptr;              // one of these two
  const TextMatches* matches = nullptr;  // of this set
};

class RuleSet {
 public:
  // Null when the configuration has no rules.
  static std::shared_ptr<const RuleSet> make(const Config& config);

  // The first rule whose conditions all hold; null: none. Valid as long as the set.
  const Rule* match(const RuleInput& input) const;
  // What does not change while the text does not: for statements that are run again and again.
  TextMatches match_text(RuleText& text) const;
  // Some rule has conditions on texts.
  bool reads_texts() const { return reads_texts_; }
  std::size_t size() const { return rows_.size(); }

 private:
  struct Row {
    Rule rule;
    std::string user;
    std::string schema;
    std::optional<Network> client;
    std::optional<std::uint64_t> digest;
    std::optional<Pattern> pattern;

    bool reads_text() const { return digest || pattern; }
    bool admits(const RuleInput& input) const;
    bool admits(RuleText& text) const;
  };
  explicit RuleSet(const Config& config);

  std::vector<Row> rows_;
  bool reads_texts_ = false;
};

// The conditions in one line, as they stand in the configuration: user = "app", schema = "shop".
std::string conditions_text(const RuleConfig& rule);

}  // namespace weir
