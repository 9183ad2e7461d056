#include "sql_classifier/digest.h"

#include <array>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "sql_classifier/lexer.h"
#include "test/support/catch.h"
#include "test/support/sql_corpus.h"
#include "test/support/sql_mutations.h"

namespace weir::test {
namespace {

std::string normalised(std::string_view text, const sql::TextOptions& options = {}) {
  std::string out(4 * text.size() + 16, '\0');
  out.resize(sql::normalise(text, options, out.data(), out.size()));
  return out;
}

struct Row {
  std::string_view text;
  std::string_view normalised;
};

void check(std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    CAPTURE(std::string(row.text));
    CHECK(normalised(row.text) == row.normalised);
    CHECK(sql::digest(row.text) == sql::digest(row.normalised));
    CHECK(normalised(row.normalised) == row.normalised);
  }
}

}  // namespace

TEST_CASE("both at once, and how much room it takes", "[classifier][digest]") {
  const std::string_view text = "select a from t where b = 'x'";
  char out[16];
  const sql::NormalForm form = sql::normal_form(text, {}, out, sizeof out);
  CHECK(form.written == sizeof out);
  CHECK(form.length == normalised(text).size());
  CHECK(form.digest == sql::digest(text));
  CHECK(std::string_view(out, form.written) == normalised(text).substr(0, sizeof out));
  CHECK(sql::normal_form("", {}, nullptr, 0).length == 0);
}

TEST_CASE("values are ? in the normalised text", "[classifier][digest]") {
  check({
      {"SELECT 1, 'a', \"b\", 1.5e3, .5, 0x1f, 0b01", "SELECT ?, ?, ?, ?, ?, ?, ?"},
      {"SELECT x'41', N'a', _utf8mb4'a', _latin1 'a', 'a' 'b' \"c\"",
       "SELECT ?, ?, ?, _latin1 ?, ?"},
      {"SELECT _name'a', _latin1'a', x'4', X'4f', x'zz', b'01', b'2'",
       "SELECT _name ?, ?, x ?, ?, x ?, ?, b ?"},
      {"SELECT - - - - - - - - - - 1", "SELECT - - ?"},
      {"SELECT -1, + 1, a-1, a - -1, f(-1), -a", "SELECT ?, ?, a - ?, a - ?, f (...), - a"},
      {"SELECT NULL, true, a IS NULL, a IS NOT NULL, a IS TRUE",
       "SELECT ?, ?, a IS NULL, a IS NOT NULL, a IS TRUE"},
      {"SELECT * FROM t WHERE a = ? AND b = 'x''y\\'z' LIMIT 10, 20",
       "SELECT * FROM t WHERE a = ? AND b = ? LIMIT ?, ?"},
      {"SELECT @a, @@session.sql_mode, @`b c`, @'d'",
       "SELECT @a, @@session.sql_mode, @`b c`, @'d'"},
      {"SELECT t.0x1f, `t`.`null`, t.null", "SELECT t.0x1f, `t`.`null`, t.null"},
  });
}

TEST_CASE("lists of values and rows are one", "[classifier][digest]") {
  check({
      {"SELECT a FROM t WHERE b IN (1)", "SELECT a FROM t WHERE b IN (...)"},
      {"select a from t where b in(1,'2' , -3,NULL, ?)", "SELECT a FROM t WHERE b IN (...)"},
      {"SELECT a FROM t WHERE (b, c) IN ((1, 2), (3, 4),(5,6))",
       "SELECT a FROM t WHERE (b, c) IN ((...))"},
      {"SELECT a FROM t WHERE b IN (1, c)", "SELECT a FROM t WHERE b IN (?, c)"},
      {"INSERT INTO t (a, b) VALUES (1, 2)", "INSERT INTO t (a, b) VALUES (...)"},
      {"INSERT INTO t VALUES (1, 2), (3, 'x'), (4, ')');", "INSERT INTO t VALUES (...)"},
      {"INSERT INTO t VALUES (1, NOW()), (-2, NOW()), ('x', NOW())",
       "INSERT INTO t VALUES (?, NOW ())"},
      {"INSERT INTO t VALUES (1, NOW()), (2, NOW()) ON DUPLICATE KEY UPDATE a = VALUES(a), b = 1",
       "INSERT INTO t VALUES (?, NOW ()) ON DUPLICATE KEY UPDATE a = VALUES (a), b = ?"},
      {"VALUES ROW(1, 2), ROW(3, 4)", "VALUES ROW (...)"},
      {"SELECT f(), (SELECT 1), ()", "SELECT f (), (SELECT ?), ()"},
  });
}

TEST_CASE("rows and statements that are like the first are left out, others are not",
          "[classifier][digest]") {
  check({
      {"INSERT INTO t VALUES (1, 2), (3, (SELECT p FROM u)), (4, 5)",
       "INSERT INTO t VALUES (...), (?, (SELECT p FROM u)), (...)"},
      {"INSERT INTO t VALUES (1, a), (2, b)", "INSERT INTO t VALUES (?, a), (?, b)"},
      {"INSERT INTO t VALUES (1, a), (2, a, b)", "INSERT INTO t VALUES (?, a), (?, a, b)"},
      {"INSERT INTO t VALUES (1, a), (2, a /*!99999 + b */)",
       "INSERT INTO t VALUES (?, a), (?, a /*!99999 + b */)"},
      {"VALUES ROW(1, f()), ROW(2, f()), ROW(3, g())", "VALUES ROW (?, f ()), ROW (?, g ())"},
      {"INSERT INTO t VALUES (1, a IS NULL), (2, a IS TRUE)",
       "INSERT INTO t VALUES (?, a IS NULL), (?, a IS TRUE)"},
      {"INSERT INTO t VALUES (1, a), (2, a", "INSERT INTO t VALUES (?, a), (?, a"},
      {"UPDATE t SET a = 1 WHERE b = -2; UPDATE t SET a = 'x' WHERE b = 3;",
       "UPDATE t SET a = ? WHERE b = ?"},
      {"SELECT 1; SELECT 2; SELECT a; SELECT a; SELECT 3", "SELECT ?; SELECT a; SELECT ?"},
      {"DELETE FROM t WHERE a = 1; DELETE FROM t", "DELETE FROM t WHERE a = ?; DELETE FROM t"},
  });
}

TEST_CASE("what only some servers execute is marked", "[classifier][digest]") {
  check({
      {"DELETE FROM t /*!99999 WHERE a = 1 */", "DELETE FROM t /*!99999 WHERE a = ? */"},
      {"DELETE FROM t /*M! WHERE a = 1 */ LIMIT 1", "DELETE FROM t /*M! WHERE a = ? */ LIMIT ?"},
      {"DELETE FROM t /*M!100500WHERE a*/", "DELETE FROM t /*M!100500 WHERE a */"},
      {"SELECT a /*!80000 , b */ /*!80000 , c */ FROM t",
       "SELECT a /*!80000, b */ /*!80000, c */ FROM t"},
      {"SELECT a /*!80000 */ FROM t", "SELECT a FROM t"},
      {"/*!40101 SET NAMES utf8 */;", "SET NAMES utf8"},
      {"SELECT /*+ SET_VAR(foreign_key_checks = OFF) */ 1",
       "SELECT /*+ SET_VAR (foreign_key_checks = OFF) */ ?"},
      {"SELECT /*+ MAX_EXECUTION_TIME(1000) */ 1", "SELECT /*+ MAX_EXECUTION_TIME (...) */ ?"},
  });
}

TEST_CASE("quotes of names stay", "[classifier][digest]") {
  // As one name, that is: not as the condition that the name looks like.
  CHECK(normalised("SELECT 1 WHERE a = @`x AND b = 2`") !=
        normalised("SELECT 1 WHERE a = @x AND b = 2"));
  sql::TextOptions ansi;
  ansi.ansi_quotes = true;
  CHECK(normalised("SELECT \"a\"\"b`c\" FROM t", ansi) == "SELECT `a\"b``c` FROM t");
  CHECK(sql::digest("SELECT \"a\"", ansi) == sql::digest("SELECT `a`"));
}

TEST_CASE("what is certain, and what prepares", "[classifier][digest]") {
  const auto form = [](std::string_view text, const sql::TextOptions& options = {}) {
    return sql::normal_form(text, options, nullptr, 0);
  };
  CHECK(form("SELECT 'a' /* b */").certain);
  CHECK(form("SELECT /*!80000 a */ b").certain);
  CHECK(form("SELECT \xc3\xa9").certain);
  CHECK_FALSE(form("SELECT 'a").certain);
  CHECK_FALSE(form("SELECT 1 /* a").certain);
  CHECK_FALSE(form("SELECT /*!80000 '*/' */ b").certain);
  CHECK_FALSE(form("SELECT /*+ it's */ b, 'c'").certain);
  sql::TextOptions options;
  options.truncated = true;
  CHECK_FALSE(form("SELECT 1", options).certain);
  options = {};
  options.sql_mode_known = false;
  CHECK(form("SELECT 'a'", options).certain);
  CHECK_FALSE(form("SELECT \"a\"", options).certain);
  CHECK_FALSE(form("SELECT 'a\\''", options).certain);
  options = {};
  options.ascii_safe_charset = false;
  CHECK(form("SELECT 'a'", options).certain);
  CHECK_FALSE(form("SELECT '\xbf\x5c'", options).certain);
  CHECK(form("PREPARE s FROM 'x'").prepares);
  CHECK(form("begin not atomic execute immediate 'x'; end").prepares);
  CHECK_FALSE(form("EXECUTE s USING @a").prepares);
}

TEST_CASE("white space, comments and letter case of keywords do not count",
          "[classifier][digest]") {
  check({
      {"/* a */ select\n a,b /*!40000 , c */ from t -- x", "SELECT a, b, c FROM t"},
      {"select Id from Users order by Id asc , Name desc",
       "SELECT Id FROM Users ORDER BY Id ASC, Name DESC"},
      {"SELECT a.b , `c` . d FROM x . y", "SELECT a.b, `c`.d FROM x.y"},
      {"SELECT a<=b,a <> b, a!=b,a||b, a->>'$.x', @a:=1",
       "SELECT a <= b, a <> b, a != b, a || b, a ->> ?, @a := ?"},
      {"SELECT a=-b, a = - b", "SELECT a = - b, a = - b"},
      {"select count(*), now() from date", "SELECT COUNT (*), NOW () FROM date"},
      {";;SELECT 1;; SELECT a;", "SELECT ?; SELECT a"},
      {"", ""},
  });
}

TEST_CASE("other names have other digests", "[classifier][digest]") {
  const std::initializer_list<std::string_view> texts = {
      "SELECT a FROM t",           "SELECT b FROM t",
      "SELECT a FROM u",           "SELECT a FROM T",
      "SELECT `a` FROM t",         "SELECT a, b FROM t",
      "SELECT a FROM t LIMIT 1",   "SELECT a FROM t, u",
      "SELECT a FROM db.t",        "SELECT @a FROM t",
      "SELECT a FROM t WHERE b",   "DELETE FROM t",
      "SELECT a FROM t; SELECT 1", ""};
  std::set<std::uint64_t> digests;
  for (std::string_view text : texts) digests.insert(sql::digest(text));
  CHECK(digests.size() == texts.size());
}

TEST_CASE("the way a text is read follows sql_mode", "[classifier][digest]") {
  sql::TextOptions options;
  options.ansi_quotes = true;
  CHECK(normalised("SELECT \"a\" FROM t", options) == "SELECT `a` FROM t");
  options = {};
  options.no_backslash_escapes = true;
  CHECK(normalised("SELECT 'a\\', 'b'", options) == "SELECT ?, ?");
}

TEST_CASE("the normalised text is cut, the digest is of the whole", "[classifier][digest]") {
  std::array<char, 8> out{};
  out.back() = '!';
  CHECK(sql::normalise("SELECT a FROM t", {}, out.data(), 7) == 7);
  CHECK(std::string_view(out.data(), out.size()) == "SELECT !");
  CHECK(sql::normalise("SELECT a", {}, nullptr, 0) == 0);
  const std::string longer(100000, 'a');
  CHECK(sql::digest("SELECT " + longer) != sql::digest("SELECT " + longer + "b"));
}

TEST_CASE("mutations of the corpus keep their digests", "[classifier][digest][corpus]") {
  for (const auto& line : load_sql_corpus(WEIR_CORPUS_DIR)) {
    sql::Lexer lexer(line.text,
                     {line.options.ansi_quotes, line.options.no_backslash_escapes, false});
    lexer.skip_text();
    // What is added at the end would be inside quotes, or make a comment none.
    if (lexer.unterminated() || line.text.ends_with("--")) continue;
    const std::string expected = normalised(line.text, line.options);
    for (const auto& mutation : mutations_of(line.text, line.options)) {
      // It changes the case of names, too.
      if (mutation.name.find("case") != std::string::npos) continue;
      const std::string got = normalised(mutation.text, line.options);
      if (got != expected)
        FAIL_CHECK(line.where() << ": " << mutation.name << ": [" << got << "] is not [" << expected
                                << "]");
      CHECK(sql::digest(mutation.text, line.options) == sql::digest(line.text, line.options));
    }
  }
}

}  // namespace weir::test
