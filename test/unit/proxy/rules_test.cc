#include "proxy/core/rules.h"

#include "sql_classifier/digest.h"
#include "test/support/catch.h"

namespace weir {
namespace {

Config with_rules(std::vector<RuleConfig> rules) {
  Config config;
  config.servers.resize(2);
  config.servers[0].name = "db1";
  config.servers[1].name = "db2";
  config.rules = std::move(rules);
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    if (config.rules[i].name.empty()) config.rules[i].name = "rule " + std::to_string(i + 1);
  }
  return config;
}

RuleConfig rule(std::string RuleConfig::*condition, const std::string& value) {
  RuleConfig made;
  made.*condition = value;
  made.to = "replica";
  return made;
}

struct Statement {
  std::string text = "SELECT 1";
  std::string user = "app";
  std::string schema = "shop";
  std::string client = "10.1.2.3";
  bool truncated = false;
};

// The name of the rule that the statement falls under; "" for none. Both ways must say the same.
std::string match(const Config& config, const Statement& statement) {
  const auto rules = RuleSet::make(config);
  REQUIRE(rules != nullptr);
  sql::TextOptions options;
  options.truncated = statement.truncated;
  std::string room;
  RuleText text(statement.text, options, room);
  const auto client = parse_ip_address(statement.client);
  RuleInput input{statement.user, statement.schema, client ? &*client : nullptr, &text};
  const Rule* found = rules->match(input);
  const TextMatches matches = rules->match_text(text);
  input.text = nullptr;
  input.matches = &matches;
  CHECK(rules->match(input) == found);
  return found != nullptr ? found->name : "";
}

TEST_CASE("rules: none is no set", "[rules]") {
  CHECK(RuleSet::make(with_rules({})) == nullptr);
}

TEST_CASE("rules: each condition", "[rules]") {
  const std::string digest = digest_text(sql::digest("SELECT * FROM t WHERE a = 5"));
  struct Case {
    std::string RuleConfig::*condition;
    const char* value;
    Statement statement;
    bool matches;
  };
  const std::string reports = "select  x /* all of it */ from reports where a in (1, 2, 3)";
  const Case cases[] = {
      {&RuleConfig::user, "app", {}, true},
      {&RuleConfig::user, "App", {}, false},
      {&RuleConfig::user, "ap", {}, false},
      {&RuleConfig::schema, "shop", {}, true},
      {&RuleConfig::schema, "Shop", {}, false},
      {&RuleConfig::schema, "shop", {.schema = ""}, false},
      {&RuleConfig::client, "10.0.0.0/8", {}, true},
      {&RuleConfig::client, "10.1.2.3", {}, true},
      {&RuleConfig::client, "10.1.2.4", {}, false},
      {&RuleConfig::client, "11.0.0.0/8", {}, false},
      {&RuleConfig::client, "::/0", {}, false},
      {&RuleConfig::client, "0.0.0.0/0", {}, true},
      {&RuleConfig::client, "0.0.0.0/0", {.client = ""}, false},
      {&RuleConfig::client, "2001:db8::/32", {.client = "2001:db8:1::5"}, true},
      {&RuleConfig::client, "2001:db8::/32", {.client = "2001:db9::5"}, false},
      {&RuleConfig::client, "0.0.0.0/0", {.client = "2001:db8::1"}, false},
      {&RuleConfig::client, "10.0.0.0/8", {.client = "::ffff:10.9.9.9"}, true},
      {&RuleConfig::digest, digest.c_str(), {.text = "SELECT * FROM t WHERE a = 17"}, true},
      {&RuleConfig::digest, digest.c_str(), {.text = "select * from t where a=?"}, true},
      {&RuleConfig::digest, digest.c_str(), {.text = "SELECT * FROM t WHERE b = 17"}, false},
      {&RuleConfig::digest,
       digest.c_str(),
       {.text = "SELECT * FROM t WHERE a = 17", .truncated = true},
       false},
      {&RuleConfig::pattern, "^SELECT .* FROM reports", {.text = reports}, true},
      {&RuleConfig::pattern, "WHERE a IN \\(\\.\\.\\.\\)$", {.text = reports}, true},
      {&RuleConfig::pattern, "(?i)REPORTS", {.text = reports}, true},
      {&RuleConfig::pattern, "all of it", {.text = reports}, false},
      {&RuleConfig::pattern, "^reports", {.text = reports}, false},
      {&RuleConfig::pattern, "^SELECT", {.text = reports, .truncated = true}, true},
      {&RuleConfig::pattern,
       "^SELECT \xc3\xa9. FROM",
       {.text = "SELECT \xc3\xa9\xff FROM t"},
       true},
      {&RuleConfig::pattern, "^SELECT `a.b`", {.text = "SELECT `a\nb`"}, true},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.value), c.statement.text, c.statement.client);
    const std::string found = match(with_rules({rule(c.condition, c.value)}), c.statement);
    CHECK(found == (c.matches ? "rule 1" : ""));
  }
}

TEST_CASE("rules: all conditions must hold, and the first rule counts", "[rules]") {
  RuleConfig both = rule(&RuleConfig::user, "app");
  both.pattern = "FROM a$";
  RuleConfig named = rule(&RuleConfig::pattern, "FROM a$");
  named.name = "named";
  const Config config =
      with_rules({both, rule(&RuleConfig::schema, "lab"), named, rule(&RuleConfig::user, "app")});
  CHECK(match(config, {.text = "SELECT 1 FROM a"}) == "rule 1");
  CHECK(match(config, {.text = "SELECT 1 FROM a", .user = "x", .schema = "lab"}) == "rule 2");
  CHECK(match(config, {.text = "SELECT 1 FROM a", .user = "x"}) == "named");
  CHECK(match(config, {.text = "SELECT 1 FROM b"}) == "rule 4");
  CHECK(match(config, {.text = "SELECT 1 FROM b", .user = "x"}).empty());
}

TEST_CASE("rules: what they want", "[rules]") {
  RuleConfig server = rule(&RuleConfig::user, "a");
  server.to = "server:db2";
  RuleConfig fresh = rule(&RuleConfig::user, "b");
  fresh.to = "";
  fresh.max_lag = Milliseconds(30000);
  fresh.consistency = Consistency::eventual;
  RuleConfig rejects = rule(&RuleConfig::user, "c");
  rejects.to = "reject";
  const auto rules = RuleSet::make(with_rules({server, fresh, rejects}));
  CHECK_FALSE(rules->reads_texts());
  CHECK(rules->size() == 3);
  std::string room;
  RuleText text("SELECT 1", {}, room);
  const Rule* found = rules->match({"a", {}, nullptr, &text});
  REQUIRE(found != nullptr);
  CHECK(found->server == 1u);
  CHECK(found->routes());
  CHECK_FALSE(found->rejects());
  found = rules->match({"b", {}, nullptr, &text});
  REQUIRE(found != nullptr);
  CHECK_FALSE(found->routes());
  CHECK(found->max_lag == Milliseconds(30000));
  CHECK(found->consistency == Consistency::eventual);
  found = rules->match({"c", {}, nullptr, &text});
  REQUIRE(found != nullptr);
  CHECK(found->rejects());
  CHECK(room.empty());  // nobody has asked for the text
  CHECK(rules->match_text(text).empty());
}

TEST_CASE("rules: the room grows with the text and is used again", "[rules]") {
  std::string list = "SELECT a0";
  for (int i = 1; i < 2000; ++i) list += ",a" + std::to_string(i);
  list += " FROM t";
  std::string room;
  RuleText text(list, {}, room);
  CHECK(text.normalised().ends_with(" FROM t"));
  CHECK(text.digest() == sql::digest(list));
  const char* const place = room.data();
  RuleText other("select 2", {}, room);
  CHECK(other.normalised() == "SELECT ?");
  CHECK(room.data() == place);
}

TEST_CASE("rules: hostile expressions and texts take time that grows with the text", "[rules]") {
  const Pattern pattern("(a+)+$");
  CHECK(pattern.why().empty());
  CHECK_FALSE(pattern.matches(std::string(100000, 'a') + "b"));
  CHECK_FALSE(Pattern("((a{1,1000}){1,1000}").why().empty());
  CHECK_FALSE(Pattern("(a").matches("a"));
}

TEST_CASE("rules: conditions as text", "[rules]") {
  RuleConfig all = rule(&RuleConfig::user, "app");
  all.client = "10.0.0.0/8";
  all.pattern = "FROM x";
  CHECK(conditions_text(all) == "user = \"app\", pattern = \"FROM x\", client = \"10.0.0.0/8\"");
}

TEST_CASE("networks: how they are written, and what is wrong with others", "[rules]") {
  for (const char* right : {"0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32", "10.1.2.3", "::/0", "::1",
                            "2001:db8::/32", "fe80::/10", "::ffff:10.0.0.0/8", "128.0.0.0/1"}) {
    CAPTURE(right);
    CHECK(what_is_wrong_with_network(right).empty());
    CHECK(parse_network(right).has_value());
  }
  const std::pair<const char*, const char*> wrong[] = {
      {"", "it must be an address"},
      {"localhost", "it must be an address"},
      {"10.0.0/8", "it must be an address"},
      {"10.0.0.0/33", "a number from 0 to 32"},
      {"10.0.0.0/", "a number from 0 to 32"},
      {"10.0.0.0/8x", "a number from 0 to 32"},
      {"10.0.0.0/-1", "a number from 0 to 32"},
      {"::/129", "a number from 0 to 128"},
      {"10.0.0.1/8", "write \"10.0.0.0/8\""},
      {"2001:db8::1/32", "write \"2001:db8::/32\""},
      {"10.0.0.0 /8", "it must be an address"},
  };
  for (const auto& [text, why] : wrong) {
    CAPTURE(text);
    CHECK_FALSE(parse_network(text).has_value());
    CHECK(what_is_wrong_with_network(text).find(why) != std::string::npos);
  }
  CHECK(address_of_peer("10.0.0.1:4711") == parse_ip_address("10.0.0.1"));
  CHECK(address_of_peer("::1:4711") == parse_ip_address("::1"));
  CHECK_FALSE(address_of_peer("unix"));
  CHECK_FALSE(address_of_peer(""));
}

TEST_CASE("rules: digests are the words that weir prints", "[rules]") {
  CHECK(digest_text(0xabc) == "0000000000000abc");
  CHECK(parse_digest("0000000000000abc") == 0xabcu);
  CHECK(parse_digest("0000000000000ABC") == 0xabcu);
  for (const char* wrong :
       {"", "abc", "0000000000000abg", "00000000000000abc", "0x00000000000abc"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_digest(wrong));
    CHECK_FALSE(what_is_wrong_with_digest(wrong).empty());
  }
}

}  // namespace
}  // namespace weir
