#include "sql_classifier/routine_body.h"

#include <string>
#include <string_view>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::test {
namespace {

using sql::Object;
using sql::ObjectEvent;
using sql::TextOptions;

// "no", or "yes" and the functions that it depends on: "yes: f db.g ?".
std::string verdict_on_text(std::string_view definition, const TextOptions& options = {}) {
  std::string calls;
  const bool reads = sql::function_reads_only(definition, options, [&](const Object& object) {
    calls += calls.empty() ? ": " : " ";
    if (object.event != ObjectEvent::calls_function) {
      calls += "?";
      return;
    }
    if (!object.schema.empty()) calls.append(object.schema).append(".");
    calls += object.name;
  });
  return reads ? "yes" + calls : "no";
}

std::string verdict(std::string_view body, const TextOptions& options = {}) {
  return verdict_on_text(
      "CREATE DEFINER=`root`@`%` FUNCTION `f`(a INT, `b c` DECIMAL(10,2))"
      " RETURNS enum('x','y') CHARSET utf8mb4\n    READS SQL DATA\n"
      "    COMMENT 'begin; return'\n" +
          std::string(body),
      options);
}

struct Row {
  std::string_view body;
  std::string_view verdict = "yes";
};

}  // namespace

TEST_CASE("routine body: what only reads", "[routine_body]") {
  const Row kRows[] = {
      {"RETURN 1"},
      {"return (SELECT max(v) FROM t WHERE id = a);"},
      {"RETURN CASE a WHEN 1 THEN 2 ELSE (SELECT 3) END"},
      {"BEGIN RETURN a; END"},
      {"l: BEGIN DECLARE n, m INT DEFAULT 0; SELECT count(*) INTO n FROM t; RETURN n; END l"},
      {"BEGIN DECLARE n INT; SELECT a, b FROM t ORDER BY a LIMIT 1 INTO n, m; RETURN n; END"},
      {"BEGIN DECLARE n INT; WITH c AS (SELECT 1) SELECT * INTO n FROM c; RETURN n; END"},
      {"BEGIN DECLARE n INT; SET n = 1, a = n + 2, `B C` := 3; RETURN n; END"},
      {"BEGIN DECLARE n INT; SET n = if(a > 1, 2, 3); RETURN replace(insert(n, 1, 1, 'x'), 'a', "
       "truncate(1.5, 1)); END"},
      {"BEGIN IF a > 1 THEN RETURN 1; ELSEIF CASE a WHEN 1 THEN 1 ELSE 0 END THEN RETURN 2; ELSE "
       "RETURN 3; END IF; END"},
      {"BEGIN CASE a WHEN 1 THEN RETURN 1; ELSE RETURN 2; END CASE; END"},
      {"BEGIN CASE WHEN a = 1 THEN BEGIN END; WHEN a = 2 THEN RETURN 2; END CASE; RETURN 1; END"},
      {"BEGIN DECLARE i INT DEFAULT 0; l: WHILE i < 3 DO SET i = i + 1; ITERATE l; END WHILE l; "
       "REPEAT SET i = i - 1; UNTIL i = 0 END REPEAT; m: LOOP LEAVE m; END LOOP; RETURN i; END"},
      {"BEGIN DECLARE done BOOL DEFAULT FALSE; DECLARE v INT; DECLARE c CURSOR FOR SELECT v FROM "
       "t; DECLARE CONTINUE HANDLER FOR NOT FOUND, SQLSTATE VALUE '02000', 1329 SET done = TRUE; "
       "OPEN c; FETCH NEXT FROM c INTO v; FETCH c INTO v; CLOSE c; RETURN v; END"},
      {"BEGIN DECLARE odd CONDITION FOR SQLSTATE '45000'; DECLARE EXIT HANDLER FOR odd BEGIN RETURN"
       " 0; END; SIGNAL odd SET MESSAGE_TEXT = 'DELETE'; RETURN 1; END"},
      {"BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION RESIGNAL; RETURN 1; END"},
      {"BEGIN DECLARE c CURSOR FOR (SELECT v FROM t) UNION (SELECT w FROM u); OPEN c; RETURN 1; "
       "END"},
      {"BEGIN DECLARE n, m INT; SELECT v, w INTO n, m FROM t WHERE id IN (SELECT 1); RETURN n; "
       "END"},
      {"BEGIN RETURN 'DELETE FROM t; it''s'; END"},
      {"BEGIN /* INSERT */ RETURN 1; -- UPDATE\n END"},
      {"RETURN @@server_id"},
      {"RETURN g(a) + db.h(1, i())", "yes: g db.h i"},
      {"RETURN `g`(a)", "yes: g"},
      {"BEGIN DECLARE n INT DEFAULT g(1); RETURN n; END", "yes: g"},
      {"BEGIN IF g() THEN RETURN (SELECT v FROM t WHERE h(v)); END IF; END", "yes: g h"},
      {"RETURN (SELECT v FROM t AS OF TIMESTAMP now() WHERE id = a)"},
  };
  for (const Row& row : kRows) {
    INFO(row.body);
    CHECK(verdict(row.body) == row.verdict);
  }
}

TEST_CASE("routine body: what does not, or not for certain", "[routine_body]") {
  const std::string_view kBodies[] = {
      "BEGIN INSERT INTO t VALUES (1); RETURN 1; END",
      "BEGIN IF a THEN REPLACE t VALUES (1); END IF; RETURN 1; END",
      "BEGIN IF a THEN RETURN 1; ELSE UPDATE t SET v = 1; RETURN 2; END IF; END",
      "BEGIN CASE WHEN a THEN DELETE FROM t; END CASE; RETURN 1; END",
      "BEGIN l: LOOP TRUNCATE t; LEAVE l; END LOOP; RETURN 1; END",
      "BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION DELETE FROM t; RETURN 1; END",
      "BEGIN CREATE TEMPORARY TABLE x (a INT); RETURN 1; END",
      "BEGIN DROP TEMPORARY TABLE x; RETURN 1; END",
      "BEGIN CALL p(); RETURN 1; END",
      "BEGIN DO g(); RETURN 1; END",
      "BEGIN SET @v = 1; RETURN 1; END",
      "RETURN @v",
      "RETURN @v := 1",
      "BEGIN SELECT 1 INTO @v; RETURN 1; END",
      "BEGIN DECLARE n INT; SELECT 1, 2 INTO n, @v; RETURN 1; END",
      "BEGIN SELECT 1 INTO OUTFILE '/tmp/x'; RETURN 1; END",
      "BEGIN SELECT 1 INTO DUMPFILE '/tmp/x'; RETURN 1; END",
      "BEGIN DECLARE n INT; SELECT v INTO n FROM t FOR UPDATE; RETURN n; END",
      "BEGIN DECLARE n INT; SELECT v FROM t LOCK IN SHARE MODE INTO n; RETURN n; END",
      "BEGIN DECLARE c CURSOR FOR SELECT v FROM t FOR SHARE; RETURN 1; END",
      "BEGIN SET sql_mode = ''; RETURN 1; END",
      "BEGIN SET SESSION sql_mode = ''; RETURN 1; END",
      "BEGIN SET @@sql_mode = ''; RETURN 1; END",
      "BEGIN SET NAMES latin1; RETURN 1; END",
      "BEGIN DECLARE n INT; SET n = 1, autocommit = 0; RETURN 1; END",
      "BEGIN BEGIN DECLARE autocommit INT; END; SET autocommit = 0; RETURN 1; END",
      "RETURN get_lock('x', 1)",
      "RETURN release_lock('x')",
      "RETURN is_free_lock('x')",
      "RETURN nextval(s)",
      "RETURN NEXT VALUE FOR s",
      "RETURN last_insert_id()",
      "RETURN last_insert_id(5)",
      "RETURN row_count()",
      "RETURN found_rows()",
      "RETURN connection_id()",
      "RETURN @@global.read_only",
      "RETURN @@warning_count",
      "BEGIN DECLARE n INT; SELECT SQL_CALC_FOUND_ROWS v INTO n FROM t; RETURN n; END",
      "BEGIN GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END",
      "BEGIN FLUSH TABLES; RETURN 1; END",
      "BEGIN KILL (1); RETURN 1; END",
      "BEGIN PREPARE s FROM 'x'; RETURN 1; END",
      "BEGIN HANDLER t OPEN; RETURN 1; END",
      "BEGIN XA START 'x'; RETURN 1; END",
      "BEGIN p(1); RETURN 1; END",
      "BEGIN FOR i IN 1..3 DO SET a = i; END FOR; RETURN 1; END",
      "BEGIN WITH c AS (SELECT 1) DELETE FROM t; RETURN 1; END",
      // Beginnings that are not followed, and ends that are missing or too many.
      "IF a THEN RETURN 1; END IF",
      "IF a THEN DELETE FROM t; RETURN 1; ELSE RETURN 2; END IF",
      "CASE g() WHEN 1 THEN RETURN 1; END CASE",
      "BEGIN RETURN 1",
      "BEGIN RETURN 1; END; DELETE FROM t",
      "RETURN 1; RETURN 2",
      "BEGIN RETURN 1 END",
      "RETURN ",
      "",
      "BEGIN IF a THEN RETURN 1; END; END",
      "BEGIN WHILE a DO RETURN 1; END LOOP; END",
      "BEGIN /*!50000 DELETE FROM t; */ RETURN 1; END",
      "BEGIN RETURN 'x; END",
      "BEGIN RETURN 1; /* END",
      "RETURN 1)",
  };
  for (const std::string_view body : kBodies) {
    INFO(body);
    CHECK(verdict(body) == "no");
  }
}

// A function exists only if its server could read it: what reads otherwise is a statement that
// weir does not know.
TEST_CASE("routine body: statements that are not what they begin like", "[routine_body]") {
  const std::string_view kStatements[] = {
      "DECLARE 1 INT",
      "DECLARE a, 1 INT",
      "DECLARE n INT = 1",
      "DECLARE n INT DEFAULT @v",
      "DECLARE c CURSOR SELECT 1",
      "DECLARE c CURSOR FOR TABLE t",
      "DECLARE odd CONDITION '45000'",
      "DECLARE odd CONDITION FOR @v",
      "DECLARE EXIT FOR NOT FOUND RETURN 1",
      "DECLARE EXIT HANDLER NOT FOUND RETURN 1",
      "DECLARE EXIT HANDLER FOR NOT THERE RETURN 1",
      "DECLARE EXIT HANDLER FOR SQLSTATE 2000 RETURN 1",
      "DECLARE EXIT HANDLER FOR = RETURN 1",
      "DECLARE EXIT HANDLER FOR NOT FOUND p(1)",
      "SET a 1",
      "SET a = @v",
      "SET 1 = a",
      "IF a RETURN 1; END IF",
      "IF @v THEN RETURN 1; END IF",
      "IF a THEN p(1); END IF",
      "IF a THEN RETURN 1; ELSE p(1); END IF",
      "IF a THEN RETURN 1; END CASE",
      "CASE @v WHEN 1 THEN RETURN 1; END CASE",
      "CASE a END CASE",
      "CASE WHEN a RETURN 1; END CASE",
      "CASE WHEN @v THEN RETURN 1; END CASE",
      "CASE WHEN a THEN p(1); END CASE",
      "CASE WHEN a THEN RETURN 1; ELSE p(1); END CASE",
      "CASE WHEN a THEN RETURN 1; END IF",
      "WHILE a RETURN 1; END WHILE",
      "WHILE @v DO RETURN 1; END WHILE",
      "WHILE a DO p(1); END WHILE",
      "LOOP RETURN 1; END LOOP 1",
      "LOOP RETURN 1; END `LOOP`",
      "REPEAT RETURN 1; END REPEAT",
      "REPEAT RETURN 1; UNTIL @v END REPEAT",
      "REPEAT RETURN 1; UNTIL a REPEAT",
      "BEGIN RETURN 1; END 1",
      "FETCH NEXT c INTO a",
      "FETCH 1 INTO a",
      "FETCH c a",
      "FETCH c INTO 1",
      "FETCH c INTO a b",
      "SELECT 1 INTO 1",
      "SELECT 1 INTO a + 1",
      "SELECT @v INTO a",
      "SELECT f(1 INTO a FROM t",
      "LEAVE 1",
      "OPEN",
      "RESIGNAL SET MESSAGE_TEXT = @v",
      "SIGNAL",
  };
  for (const std::string_view statement : kStatements) {
    INFO(statement);
    CHECK(verdict("BEGIN " + std::string(statement) + "; RETURN 1; END") == "no");
  }
}

TEST_CASE("routine body: read under the mode it was created with", "[routine_body]") {
  TextOptions quotes;
  quotes.ansi_quotes = true;
  TextOptions no_escapes;
  no_escapes.no_backslash_escapes = true;
  const std::string_view hidden = "BEGIN RETURN 'a\\'; DELETE FROM t; RETURN '; END";
  CHECK(verdict(hidden) == "yes");
  CHECK(verdict(hidden, no_escapes) == "no");
  CHECK(verdict("RETURN \"g\"(1)") == "yes");
  CHECK(verdict("RETURN \"g\"(1)", quotes) == "yes: g");

  TextOptions foreign;
  foreign.ascii_safe_charset = false;
  CHECK(verdict("RETURN 1", foreign) == "no");
  TextOptions unknown;
  unknown.sql_mode_known = false;
  CHECK(verdict("RETURN 1", unknown) == "no");
  TextOptions cut;
  cut.truncated = true;
  CHECK(verdict("RETURN 1", cut) == "no");
}

TEST_CASE("routine body: as servers print definitions", "[routine_body]") {
  CHECK(verdict_on_text("CREATE DEFINER=\"root\"@\"%\" FUNCTION \"begin\"() RETURNS int(11)\n"
                        "    NO SQL\nRETURN 1",
                        {.ansi_quotes = true}) == "yes");
  CHECK(verdict_on_text("CREATE AGGREGATE FUNCTION `f`(x INT) RETURNS int(11)\n    READS SQL DATA\n"
                        "BEGIN DECLARE s INT DEFAULT 0; LOOP FETCH GROUP NEXT ROW; SET s = s + x; "
                        "END LOOP; END") == "no");
  CHECK(verdict_on_text("") == "no");
  CHECK(verdict_on_text("CREATE FUNCTION `f`(") == "no");
}

TEST_CASE("routine body: any beginning of a text is read within its bounds", "[routine_body]") {
  const std::string whole =
      "CREATE FUNCTION `f`(a INT) RETURNS int(11) READS SQL DATA l: BEGIN DECLARE n INT DEFAULT "
      "g(1); DECLARE EXIT HANDLER FOR SQLSTATE '02000' RETURN 0; IF CASE a WHEN 1 THEN 0 END THEN "
      "SELECT v INTO n FROM t; END IF; REPEAT SET n = 1; UNTIL n END REPEAT; RETURN 'x'; END l";
  CHECK(verdict_on_text(whole) == "yes: g");
  for (std::size_t size = 0; size < whole.size() - 2; ++size) {
    INFO(size);
    const ExactBytes bytes(whole.substr(0, size));
    CHECK(verdict_on_text(protocol::as_text(bytes)) == "no");
  }
  std::string deep = "CREATE FUNCTION f() RETURNS int ";
  for (int i = 0; i < 100000; ++i) deep += "BEGIN ";
  CHECK(verdict_on_text(deep) == "no");
}

}  // namespace weir::test
