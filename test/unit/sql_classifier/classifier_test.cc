// The text as a whole: hints, several statements, several readings, and hostile bytes.

#include "sql_classifier/classifier.h"

#include <iterator>
#include <random>
#include <set>
#include <string>

#include "test/support/catch.h"

namespace weir::sql {
namespace {

constexpr const char* kTexts[] = {
    "SELECT a, 'b\\'c', \"d\" FROM t WHERE e = 0x1F -- x\n AND f(1) FOR UPDATE",
    "/* weir: replica */ WITH a (b) AS (SELECT @@sql_mode) SELECT * FROM a INTO @x",
    "SET NAMES 'utf8' COLLATE utf8_bin, @a := 1; BEGIN; /*!99999 DELETE */ SELECT 1",
    "SELECT /*M! 1, */ 2; INSERT INTO t (a) VALUES (@v), (`x``y`.z)",
    "CREATE PROCEDURE p() BEGIN SELECT 1; END",
    "EXPLAIN FORMAT=JSON SELECT 1",
    "SHOW FULL COLUMNS FROM t",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    "LOAD DATA LOCAL INFILE 'x' INTO TABLE t (a, @b)",
};

bool same(const Classification& a, const Classification& b) {
  return a.kind == b.kind && a.placement == b.placement && a.reason == b.reason &&
         a.hint == b.hint && a.statements == b.statements && a.effects == b.effects &&
         a.hint_max_lag_ms == b.hint_max_lag_ms && a.hint_consistency == b.hint_consistency &&
         a.names_collation == b.names_collation;
}

}  // namespace

TEST_CASE("every reason and kind has a name, every reason a sentence", "[classifier]") {
  std::set<std::string_view> names;
  for (unsigned i = 0; i <= static_cast<unsigned>(Reason::hint); ++i) {
    const auto reason = static_cast<Reason>(i);
    CHECK(reason_name(reason) != "invalid");
    CHECK(reason_text(reason).size() > 20);
    CHECK(names.insert(reason_name(reason)).second);
  }
  for (unsigned i = 0; i <= static_cast<unsigned>(StatementKind::unknown); ++i) {
    const auto name = kind_name(static_cast<StatementKind>(i));
    CHECK(name != "invalid");
    CHECK(names.insert(std::string_view(name) == "hint" ? "?" : name).second);
  }
  CHECK(reason_name(static_cast<Reason>(200)) == "invalid");
}

TEST_CASE("a text without a statement is empty", "[classifier]") {
  for (std::string_view text : {"", " \n", ";;", "/* a */ ; -- b", "#"}) {
    const auto got = classify(text);
    CHECK(got.kind == StatementKind::empty);
    CHECK(got.placement == Placement::any);
    CHECK(got.reason == Reason::empty_statement);
    CHECK(got.statements == 0);
  }
}

TEST_CASE("several statements stay together unless all are plain reads", "[classifier]") {
  const auto reads = classify("SELECT 1; SHOW TABLES;; (SELECT 2); -- end");
  CHECK(reads.placement == Placement::any);
  CHECK(reads.statements == 3);
  for (std::string_view text :
       {"SELECT 1; DELETE FROM t", "SELECT 1; SELECT f(1)", "SELECT 1; SHOW WARNINGS",
        "START TRANSACTION READ ONLY; SELECT 1"}) {
    CAPTURE(std::string(text));
    const auto got = classify(text);
    CHECK(got.placement == Placement::primary);
    CHECK(got.reason == Reason::several_statements);
    CHECK(got.statements == 2);
  }
  const auto mixed = classify("SELECT @a; SET autocommit = 0; COMMIT; SELECT GET_LOCK('a', 1)");
  CHECK(mixed.kind == StatementKind::set);
  CHECK(mixed.effects == (Effect::uses_user_variable | Effect::sets_autocommit |
                          Effect::ends_transaction | Effect::takes_user_lock));
  CHECK(classify("DELETE FROM t;").reason == Reason::write_statement);
  CHECK(classify("SELECT 1 WHERE a = ';'").statements == 1);
  std::string many;
  for (int i = 0; i < 70000; ++i) many += "TABLE t;";
  CHECK(classify(many).statements == 65535);
  CHECK(classify(many).placement == Placement::any);
}

TEST_CASE("hints in leading comments", "[classifier][hint]") {
  const auto primary = classify("/* WEIR: Primary */ SELECT 1");
  CHECK(primary.hint == Hint::primary);
  CHECK(primary.placement == Placement::primary);
  CHECK(primary.reason == Reason::hint);
  for (std::string_view text :
       {"/*FORCE_MASTER*/ SELECT 1", "-- maxscale route to master\nSELECT 1",
        "# weir: primary\nSELECT 1", "/* a */ /* maxscale  route to MASTER */ SELECT 1",
        "/* weir: replica, primary */ SELECT 1"}) {
    CAPTURE(std::string(text));
    CHECK(classify(text).reason == Reason::hint);
    CHECK(classify(text, {.hints = false}).placement == Placement::any);
    CHECK(classify(text, {.hints = false}).hint == Hint::none);
  }
  for (std::string_view text :
       {"/*force_slave*/ SELECT f(1)", "-- maxscale route to slave\nSELECT f(1)",
        "/* weir: replica */ SELECT f(1)"}) {
    CAPTURE(std::string(text));
    const auto got = classify(text);
    CHECK(got.hint == Hint::replica);
    CHECK(got.placement == Placement::any);
    CHECK(got.reason == Reason::hint);
    CHECK(got.effects == Effect::calls_routine);
  }
}

TEST_CASE("a replica hint never breaks the promise", "[classifier][hint]") {
  for (std::string_view text : {"DELETE FROM t", "SELECT f(1) FOR UPDATE", "SELECT @v, f(1)",
                                "CALL p()", "SELECT LAST_INSERT_ID()", "SELECT f(1); DELETE FROM t",
                                "SELECT f('a", "BEGIN", "SELECT FOUND_ROWS(), f(1)"}) {
    CAPTURE(std::string(text));
    CHECK(classify("/* weir: replica */ " + std::string(text)).placement == Placement::primary);
  }
  CHECK(classify("SELECT f(1) /* weir: replica */").placement == Placement::primary);
  CHECK(classify("SELECT /* weir: primary */ 1").hint == Hint::none);
  CHECK(classify("/*! weir: primary */ SELECT 1").hint == Hint::none);
  CHECK(classify("/* weir: primary */ SHOW WARNINGS").placement == Placement::last_connection);
}

TEST_CASE("a hint of how fresh an answer has to be", "[classifier][hint]") {
  const auto wanted = [](std::string_view options) {
    return classify("/* weir:" + std::string(options) + "*/ SELECT 1").hint_consistency;
  };
  CHECK(wanted("consistency=eventual") == Freshness::eventual);
  CHECK(wanted(" replica, Consistency=Session ") == Freshness::session);
  CHECK(wanted("consistency=global max_lag=1s") == Freshness::global);
  for (std::string_view bad : {"", "consistency=", "consistency=all", "consistency = global"}) {
    CAPTURE(std::string(bad));
    CHECK(wanted(bad) == Freshness::unsaid);
  }
}

TEST_CASE("a hint of how old an answer may be", "[classifier][hint]") {
  const auto lag = [](std::string_view options) {
    return classify("/* weir:" + std::string(options) + "*/ SELECT 1").hint_max_lag_ms;
  };
  CHECK(lag("max_lag=500ms") == 500);
  CHECK(lag(" max_lag=2s, replica") == 2000);
  CHECK(lag(" replica max_lag=1m ") == 60000);
  CHECK(lag("max_lag=0s") == 0);
  for (std::string_view bad : {"", "max_lag=", "max_lag=5", "max_lag=-1s", "max_lag=s",
                               "max_lag=99999999999s", "max_lag=999999999m"}) {
    CAPTURE(std::string(bad));
    CHECK(lag(bad) == -1);
  }
  CHECK(classify("SELECT 1").hint_max_lag_ms == -1);
}

TEST_CASE("sql_mode decides how quotes are read", "[classifier][options]") {
  const char* text = "SELECT \"f\" (1)";
  CHECK(classify(text).placement == Placement::any);
  CHECK(classify(text, {.ansi_quotes = true}).reason == Reason::stored_function);
  CHECK(classify(text, {.sql_mode_known = false}).placement == Placement::primary);
  const char* lock = "SELECT 'a\\' FOR UPDATE -- '";
  CHECK(classify(lock).placement == Placement::any);
  CHECK(classify(lock, {.no_backslash_escapes = true}).reason == Reason::locking_read);
  CHECK(classify(lock, {.sql_mode_known = false}).reason == Reason::ambiguous_text);
  CHECK(classify("SELECT \"a\", 'b\\n'", {.sql_mode_known = false}).placement == Placement::any);
  const auto both = classify("SELECT 'a\\', @v, '", {.sql_mode_known = false});
  CHECK(both.placement == Placement::primary);
  CHECK(both.has(Effect::uses_user_variable));
}

TEST_CASE("in a character set where half a letter can be a quote, bytes above ASCII are doubt",
          "[classifier][options]") {
  CHECK(classify("SELECT '\xbf'", {.ascii_safe_charset = false}).reason == Reason::ambiguous_text);
  CHECK(classify("SELECT 'a'", {.ascii_safe_charset = false}).placement == Placement::any);
  CHECK(classify("SET autocommit = 0 -- \xbf", {.ascii_safe_charset = false}).effects ==
        Effect::sets_autocommit);
  CHECK(classify("SELECT '\xc3\xa9'").placement == Placement::any);
}

TEST_CASE("comments that only some servers execute are read both ways", "[classifier][options]") {
  CHECK(classify("SELECT /*!40001 SQL_NO_CACHE */ 1").placement == Placement::any);
  CHECK(classify("SELECT /*!99999 1 + */ 1").placement == Placement::any);
  for (std::string_view text :
       {"/*!99999 SELECT */ DELETE FROM t", "SELECT 1 /*!50000 INTO OUTFILE 'x' */",
        "SELECT 1 /*M! FOR UPDATE */", "SELECT a FROM t FOR /*!99999 x */ UPDATE",
        "SELECT 1 /*!99999 ' */ FOR UPDATE /* ' */", "SELECT /*!99999 a */ /*M! b */ 1",
        "/*!50000 DELETE FROM t */", "SELECT 1 /*! ; DROP TABLE t */"}) {
    CAPTURE(std::string(text));
    CHECK(classify(text).placement == Placement::primary);
  }
}

TEST_CASE("truncated text is never safe, and keeps its effects", "[classifier][options]") {
  const TextOptions cut{.truncated = true};
  CHECK(classify("SELECT a FROM", cut).reason == Reason::truncated_text);
  CHECK(classify("SELECT 'abc", cut).reason == Reason::truncated_text);
  CHECK(classify("", cut).placement == Placement::primary);
  const auto insert = classify("INSERT INTO t VALUES (@v, 'abc", cut);
  CHECK(insert.reason == Reason::write_statement);
  CHECK(insert.effects == Effect::uses_user_variable);
  for (const char* text : kTexts) {
    const std::string whole = text;
    for (std::size_t n = 0; n <= whole.size(); ++n) {
      CAPTURE(whole.substr(0, n));
      CHECK(classify(std::string_view(whole).substr(0, n), cut).placement == Placement::primary);
    }
  }
}

TEST_CASE("any bytes are accepted", "[classifier][hostile]") {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    for (const std::string& text :
         {one, one + one, "SELECT " + one, "SELECT 1" + one + "1", "SELECT '" + one + "'"}) {
      const auto got = classify(text);
      CHECK(got.statements <= 2);
      CHECK(same(got, classify(text)));
    }
  }
  CHECK(classify(std::string_view("SELECT 1\0 FOR UPDATE", 20)).placement == Placement::primary);
  CHECK(classify("SELECT 1\x01").reason == Reason::ambiguous_text);
  CHECK(classify("SELECT a\xa0").reason == Reason::ambiguous_text);
  std::mt19937 random(20240229);
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 60, ' ');
    for (char& c : text) c = static_cast<char>(random());
    const TextOptions options{random() % 2 == 0, random() % 2 == 0, random() % 2 == 0,
                              random() % 2 == 0, random() % 2 == 0, random() % 2 == 0};
    const auto got = classify(text, options);
    if (options.truncated && got.placement != Placement::primary)
      FAIL_CHECK("truncated text was safe");
    if (!same(got, classify(text, options))) FAIL_CHECK("two answers to one text");
  }
}

TEST_CASE("the time a text takes grows with its length only", "[classifier][hostile]") {
  // Each of these would take hours if a token were looked for anew from every place.
  for (const char* piece :
       {"/*!99999", "/*M!", "'\\\\", "''", "/*!*/", "((", "`", "@'", "f(", "/*/", "--\n", "@@a."}) {
    CAPTURE(piece);
    std::string text = "SELECT ";
    while (text.size() < (1u << 20)) text += piece;
    CHECK(classify(text, {.sql_mode_known = false}).statements == 1);
  }
}

TEST_CASE("pieces of statements in any order are accepted, and letter case changes nothing",
          "[classifier][hostile]") {
  static constexpr const char* kPieces[] = {
      "SELECT ", "FROM t ", "FOR ",    "UPDATE ", "(",         ")",        "'",     "\"",    "`",
      "\\",      "/*",      "*/",      "/*!",     "/*!99999 ", "/*M!",     "-- ",   "#",     "\n",
      ";",       "@",       "@@",      "global.", ".",         ",",        "f",     "WITH ", "a (",
      "AS ",     "SET ",    "=",       ":=",      "NAMES ",    "EXPLAIN ", "INTO ", "1",     "1e",
      "SHOW ",   "BEGIN ",  "CREATE ", "\xa0",    "x'"};
  std::mt19937 random(7);
  for (int round = 0; round < 30000; ++round) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
    std::string folded = text;
    for (char& c : folded) c = c >= 'A' && c <= 'Z' && c != 'M' ? static_cast<char>(c + 32) : c;
    CAPTURE(text);
    const auto a = classify(text);
    const auto b = classify(folded);
    if (a.placement != b.placement || a.effects != b.effects || a.kind != b.kind)
      FAIL_CHECK("letter case changed the verdict");
  }
}

TEST_CASE("reads that only stored functions keep from a replica", "[classifier]") {
  struct Row {
    std::string_view text;
    bool only;
  };
  const std::initializer_list<Row> rows = {
      {"SELECT f(a), db.g(b) FROM t", true},
      {"SELECT f(1); SELECT 2", true},
      {"SHOW TABLES WHERE f(1)", true},
      {"EXPLAIN SELECT f(1)", true},
      {"/* comment */ SELECT f(1)", true},
      {"SELECT 1", false},
      {"SELECT f(1) FOR UPDATE", false},
      {"SELECT f(1), @v", false},
      {"SELECT f(1), FOUND_ROWS()", false},
      {"SELECT f(1), SLEEP(1), UUID_SHORT()", false},
      {"SELECT f(1) FROM mysql.user", false},
      {"SELECT f(1); DELETE FROM t", false},
      {"SELECT f(1", false},
      {"SELECT f('1", false},
      {"SELECT f(1) /*!99999 FOR UPDATE */", false},
      {"SELECT f(1)\x01", false},
      {"DO f(1)", false},
      {"CALL p(f(1))", false},
      {"INSERT INTO t VALUES (f(1))", false},
      {"WITH a AS (SELECT f(1)) UPDATE t SET x = 1", false},
      {"/* weir: primary */ SELECT f(1)", false},
      {"/* weir: replica */ SELECT f(1)", false},  // already Placement::any
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.text));
    CHECK(classify(row.text).only_stored_functions == row.only);
  }
  TextOptions options;
  options.truncated = true;
  CHECK_FALSE(classify("SELECT f(1)", options).only_stored_functions);
  options = {};
  options.ascii_safe_charset = false;
  CHECK(classify("SELECT f('a')", options).only_stored_functions);
  CHECK_FALSE(classify("SELECT f('\x81')", options).only_stored_functions);
}

TEST_CASE("reads of which only doubts speak against a replica", "[classifier]") {
  struct Row {
    std::string_view text;
    bool only_doubts;
  };
  const Row rows[] = {
      {"SELECT f(1)", true},
      {"SELECT f(1); SELECT g(2)", true},
      {"SELECT a := 1 FROM t", true},
      {"SELECT a := f(1) FROM t", true},
      {"SELECT 1", false},
      {"SELECT f(1) FOR UPDATE", false},
      {"SELECT a := 1 FROM t FOR UPDATE", false},
      {"SELECT @a := 1", false},
      {"SELECT f(1), GET_LOCK('a', 0)", false},
      {"SELECT f(1); DELETE FROM t", false},
      {"FROBNICATE t", false},
      {"CALL f(1)", false},
      {"SELECT f(1), 'open", false},
      {"/* weir: primary */ SELECT f(1)", false},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.text));
    CHECK(classify(row.text).only_doubts == row.only_doubts);
  }
  TextOptions options;
  options.truncated = true;
  CHECK_FALSE(classify("SELECT f(1)", options).only_doubts);
}

}  // namespace weir::sql
