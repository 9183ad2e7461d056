#include "proxy/firewall/allow_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "test/support/catch.h"

namespace weir::test {
namespace {

AllowLists lists_of(std::string_view text) {
  AllowListProblem problem;
  AllowLists lists = parse_allow_lists(text, problem);
  CHECK(problem.message == "");
  return lists;
}

std::string problem_of(std::string_view text) {
  AllowListProblem problem;
  const AllowLists lists = parse_allow_lists(text, problem);
  CHECK(lists.size() == 0);
  return fmt::format("{}: {}", problem.line, problem.message);
}

// The text of a file without its comments.
std::string body(const AllowLists& lists) {
  const std::string text = format_allow_lists(lists);
  return text.substr(std::min(text.find("\n["), text.size()));
}

struct Said {
  std::string_view text;
  sql::TextOptions options = {};
};

Allowance say(const AllowLists& lists, const Said& said,
              std::vector<AllowedStatement>* unlisted = nullptr) {
  std::string room;
  RuleText text(said.text, said.options, room);
  return judge(said.text, said.options, text, lists.find("app"), unlisted).allowance;
}

sql::TextOptions truncated() {
  sql::TextOptions options;
  options.truncated = true;
  return options;
}

sql::TextOptions gbk() {
  sql::TextOptions options;
  options.ascii_safe_charset = false;
  return options;
}

sql::TextOptions unknown_mode() {
  sql::TextOptions options;
  options.sql_mode_known = false;
  return options;
}

}  // namespace

TEST_CASE("allow-list: what is listed, and what only looks like it", "[firewall]") {
  const AllowLists lists = lists_of(
      "[app]\n"
      "select * from users where id = 5 and owner = 'me'\n"
      "DELETE FROM cart WHERE id = 5\n"
      "INSERT INTO log VALUES (1, 'a')\n"
      "UPDATE t SET a = 1 WHERE b = @x AND c = 2\n"
      "SELECT name FROM users WHERE id IN (1)\n"
      "[other]\n"
      "DROP TABLE t\n");
  const struct {
    Said said;
    Allowance allowance;
  } rows[] = {
      {{"SELECT * FROM users WHERE id = -17 AND owner='you' -- x"}, Allowance::listed},
      {{"/* weir: primary */ DELETE FROM cart WHERE id = ?;"}, Allowance::listed},
      {{"SELECT name FROM users WHERE id IN (1, 2, 3)"}, Allowance::listed},
      {{"INSERT INTO log VALUES (1, 'a'), (2, 'b')"}, Allowance::listed},
      {{"DELETE FROM cart WHERE id = 1; DELETE FROM cart WHERE id = 2"}, Allowance::listed},
      {{" /* nothing */ ;"}, Allowance::listed},
      // Others.
      {{"DROP TABLE t"}, Allowance::unlisted},
      {{"SELECT * FROM users WHERE id = 5 OR 1 = 1 AND owner = 'me'"}, Allowance::unlisted},
      {{"SELECT * FROM users WHERE id = 5 UNION SELECT 1"}, Allowance::unlisted},
      {{"DELETE FROM cart WHERE id = id"}, Allowance::unlisted},
      {{"DELETE FROM cart WHERE id IS NULL"}, Allowance::unlisted},
      {{"SELECT name FROM users WHERE id IN (1, (SELECT 2))"}, Allowance::unlisted},
      {{"INSERT INTO log VALUES (1, 'a'), (2, (SELECT p FROM secrets))"}, Allowance::unlisted},
      {{"SELECT * FROM users WHERE id = 5 AND owner = 'me'; DELETE FROM cart WHERE id = 5"},
       Allowance::unlisted},
      // A server may see less of it than stands there.
      {{"SELECT * FROM users WHERE id = 5 /*!99999 AND owner = 'me' */"}, Allowance::unlisted},
      {{"DELETE FROM cart /*M! WHERE id = 5 */"}, Allowance::unlisted},
      {{"UPDATE t SET a = 1 WHERE b = @`x AND c = 2`"}, Allowance::unlisted},
      {{"DELETE /*+ SET_VAR(foreign_key_checks = 0) */ FROM cart WHERE id = 5"},
       Allowance::unlisted},
      // Not for certain.
      {{"DELETE FROM cart WHERE id = 5 /*"}, Allowance::unclear},
      {{"DELETE FROM cart WHERE id = 'x"}, Allowance::unclear},
      {{"DELETE FROM cart WHERE id = 5", truncated()}, Allowance::unclear},
      {{"DELETE FROM cart WHERE id = '\xbf\\' OR 1 -- '", gbk()}, Allowance::unclear},
      {{"DELETE FROM cart WHERE id = \"x\"", unknown_mode()}, Allowance::unclear},
      {{"DELETE FROM cart WHERE id = 'x'", unknown_mode()}, Allowance::listed},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.said.text));
    CHECK(in_words(say(lists, row.said)) == in_words(row.allowance));
  }
  std::string room;
  RuleText text("SELECT 1", {}, room);
  CHECK(judge("SELECT 1", {}, text, nullptr).allowance == Allowance::unlisted);
}

TEST_CASE("allow-list: texts inside of texts", "[firewall]") {
  const AllowLists lists = lists_of(
      "[app]\nPREPARE s FROM 'x'\nPREPARE s FROM @v\nPREPARE s FROM CONCAT('a')\n"
      "EXECUTE IMMEDIATE 'x'\nSELECT a FROM t WHERE b = 'x'\n");
  CHECK(say(lists, {"PREPARE s FROM 'SELECT a FROM t WHERE b = ?'"}) == Allowance::listed);
  CHECK(say(lists, {"EXECUTE IMMEDIATE 'SELECT a FROM t WHERE b = \\'y\\''"}) == Allowance::listed);
  CHECK(say(lists, {"PREPARE s FROM 'DROP TABLE t'"}) == Allowance::unlisted);
  CHECK(say(lists, {"PREPARE r FROM 'SELECT a FROM t WHERE b = ?'"}) == Allowance::unlisted);
  CHECK(say(lists, {"PREPARE s FROM @v"}) == Allowance::listed);  // whatever it holds
  CHECK(say(lists, {"PREPARE s FROM CONCAT('DROP TABLE t')"}) == Allowance::unclear);
  CHECK(say(lists, {"PREPARE s FROM 'PREPARE r FROM \\'x\\''"}) == Allowance::unclear);
  CHECK(say(lists, {"PREPARE s FROM 'SELECT \\''"}) == Allowance::unclear);
  std::vector<AllowedStatement> unlisted;
  CHECK(say(lists, {"PREPARE r FROM 'SELECT 17'"}, &unlisted) == Allowance::unlisted);
  REQUIRE(unlisted.size() == 2);
  CHECK(unlisted[0].text == "PREPARE r FROM ?");
  CHECK(unlisted[1].text == "SELECT ?");
  CHECK(unlisted[1].digest == sql::digest("SELECT 1"));
}

TEST_CASE("allow-list: a digest does not open the door", "[firewall]") {
  AllowLists lists;
  const std::string_view text = "SELECT ?";
  CHECK(lists.add("app", {sql::digest("DROP TABLE t"), std::string(text)}) ==
        AllowLists::Added::yes);
  CHECK(lists.contains("app", sql::digest("DROP TABLE t"), text));
  CHECK_FALSE(lists.contains("app", sql::digest("DROP TABLE t"), "DROP TABLE t"));
}

TEST_CASE("allow-list: what is written is read", "[firewall]") {
  AllowLists lists;
  const auto add = [&](std::string_view user, std::string_view said,
                       const sql::TextOptions& options = {}) {
    std::string room;
    RuleText text(said, options, room);
    const Judgement judgement = judge(said, options, text, nullptr);
    REQUIRE(judgement.allowance == Allowance::unlisted);
    CHECK(lists.add(user, judgement.statement) == AllowLists::Added::yes);
    CHECK(lists.add(user, judgement.statement) == AllowLists::Added::was_there);
  };
  sql::TextOptions ansi;
  ansi.ansi_quotes = true;
  add("app", "SELECT `a\nb`, `c\\d`, `\t` FROM t WHERE a = 'secret'");
  add("app", "SELECT \"a`b\", \"c\"\"d\" FROM t", ansi);
  add("app", "SELECT \xc3\xa9 FROM `\xe9`");
  add("app", "SELECT \xc3\xa9 FROM t /*!80000 WHERE a = 1 */ LIMIT 1");
  add("app", "SELECT @a, @`b c`, @@x, - -a, a<=>b, f(1), (1), t.*");
  add("app", "[x");
  add("a]b [\n#", "SELECT 1");
  add("", "SELECT 1");
  lists.add_user("nobody");
  const std::string text = format_allow_lists(lists);
  CHECK(text.find("secret") == std::string::npos);
  const AllowLists again = lists_of(text);
  CHECK(format_allow_lists(again) == text);
  CHECK(again.size() == lists.size());
  CHECK(again.bytes() == lists.bytes());
  CHECK(again.users().size() == 4);
  for (const auto& [user, statements] : lists.users()) {
    for (const AllowedStatement* each : statements.sorted()) {
      CAPTURE(user, each->text);
      CHECK(again.contains(user, each->digest, each->text));
    }
  }
}

TEST_CASE("allow-list: as people write it", "[firewall]") {
  const AllowLists lists = lists_of(
      "# words\r\n"
      "\r\n"
      "[app]\r\n"
      "   # more\n"
      "  select 1 from `t`;  \r\n"
      "0123456789abcdef SELECT 2 FROM t\n"  // of whichever version of weir
      "\n"
      "[app]\n"
      "SELECT 3 FROM t");
  CHECK(body(lists) ==
        "\n[app]\n" + fmt::format("{:016x} SELECT ? FROM `t`\n", sql::digest("SELECT 1 FROM `t`")) +
            fmt::format("{:016x} SELECT ? FROM t\n", sql::digest("SELECT 1 FROM t")));
  CHECK(lists_of("").users().empty());
  CHECK(lists_of("[x]").users().size() == 1);
}

TEST_CASE("allow-list: what is wrong with a file", "[firewall]") {
  const std::string escape =
      "a backslash is written \\\\ here, and any other byte \\x and two hexadecimal digits";
  const std::string unclear =
      "the statement cannot be read for certain: are all its quotes and comments closed?";
  const std::pair<std::string, std::string> rows[] = {
      {"SELECT 1", "1: a statement stands in front of the first user; write [user] above it"},
      {"# x\n\n[app\nSELECT 1", "3: the name of a user ends with ]"},
      {"[", "1: the name of a user ends with ]"},
      {"[a\\b]", "1: " + escape},
      {"[app]\nSELECT '\\n'", "2: " + escape},
      {"[app]\nSELECT '\\x4", "2: " + escape},
      {"[app]\nSELECT '\\xgg'", "2: " + escape},
      {"[app]\nSELECT \\", "2: " + escape},
      {"[app]\nSELECT 1\nSELECT 'a", "3: " + unclear},
      {"[app]\nSELECT 1 /* a", "2: " + unclear},
      {"[app]\n/* a */", "2: there is no statement, only a comment"},
      {"[app]\n;", "2: there is no statement, only a comment"},
      {"[app]\nSELECT " + std::string(kLongestAllowed, 'a'),
       "2: the statement is longer than 65536 bytes"},
  };
  for (const auto& [text, problem] : rows) {
    CAPTURE(text.substr(0, 100));
    CHECK(problem_of(text) == problem);
  }
  std::string many = "[app]\n";
  for (std::size_t i = 0; i <= kMostAllowed; ++i) many += fmt::format("SELECT a{}\n", i);
  CHECK(problem_of(many) ==
        "10002: there are more statements than the 10000 that a user, or 64 MiB that all may have");
}

TEST_CASE("allow-list: it has an end", "[firewall]") {
  AllowLists lists;
  for (std::size_t i = 0; i < kMostAllowed; ++i) {
    lists.add("app", {i, fmt::format("SELECT a{}", i)});
  }
  CHECK_FALSE(lists.has_room("app"));
  CHECK(lists.add("app", {0, "SELECT b"}) == AllowLists::Added::no_room);
  CHECK(lists.add("app", {7, "SELECT a7"}) == AllowLists::Added::was_there);
  CHECK(lists.size() == kMostAllowed);
  CHECK(lists.has_room("other"));
  const std::string longest(kLongestAllowed, 'x');
  std::size_t user = 0;
  while (lists.has_room(fmt::format("{}", user))) {
    lists.add(fmt::format("{}", user), {user, longest});
    ++user;
  }
  CHECK(lists.bytes() <= kMostAllowedBytes);
  CHECK(lists.add("other", {0, "SELECT b"}) == AllowLists::Added::no_room);
}

}  // namespace weir::test
