#include "sql_classifier/objects.h"

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "sql_classifier/classifier.h"
#include "test/support/catch.h"
#include "test/support/sql_corpus.h"

namespace weir::test {
namespace {

using sql::Effect;
using sql::Object;
using sql::ObjectEvent;
using sql::TextOptions;

constexpr std::string_view kNames[] = {"creates",     "drops",      "renames",  "prepares",
                                       "deallocates", "takes",      "releases", "releases all",
                                       "opens",       "closes",     "calls",    "connection",
                                       "row count",   "found rows", "kill",     "unclear"};

std::string_view name_of(ObjectEvent event) {
  return kNames[static_cast<std::size_t>(event)];
}

// "calls db.f; connection [CONNECTION_ID()]; unclear takes". The piece of the text is shown for
// questions, and for all others checked against the name.
std::string events_of(std::string_view text, const TextOptions& options = {}) {
  std::string all;
  sql::visit_objects(text, options, [&](const Object& object) {
    if (!all.empty()) all += "; ";
    all += name_of(object.event);
    REQUIRE(object.offset + object.length <= text.size());
    const std::string piece(text.substr(object.offset, object.length));
    switch (object.event) {
      case ObjectEvent::unclear:
        if (object.family != ObjectEvent::unclear) all.append(" ").append(name_of(object.family));
        return;
      case ObjectEvent::asks_connection_id:
      case ObjectEvent::asks_row_count:
      case ObjectEvent::asks_found_rows:
        all += " [" + piece + "]";
        break;
      case ObjectEvent::releases_all_locks:
        break;
      default:
        CHECK(piece == object.name);
        all += ' ';
        if (!object.schema.empty()) all.append(object.schema).append(".");
        all += object.name;
        break;
    }
    CHECK(object.family == object.event);
  });
  return all;
}

struct Row {
  std::string_view text;
  std::string_view events;
};

void check(std::initializer_list<Row> rows, const TextOptions& options = {}) {
  for (const Row& row : rows) {
    CAPTURE(std::string(row.text));
    CHECK(events_of(row.text, options) == row.events);
  }
}

}  // namespace

TEST_CASE("temporary tables by their names", "[classifier][objects]") {
  check({
      {"CREATE TEMPORARY TABLE t (a INT)", "creates t"},
      {"create/**/temporary table if not exists `Db` . `T` select 1", "creates Db.T"},
      {"CREATE OR REPLACE TEMPORARY TABLE t LIKE u", "creates t"},
      {"CREATE /*!32312 TEMPORARY */ TABLE t (a INT)", "creates t"},
      {"CREATE TABLE temporary (a INT)", ""},
      {"CREATE TEMPORARY SEQUENCE s", "unclear creates"},
      {"CREATE TEMPORARY TABLE `a``b` (a INT)", "unclear creates"},
      {"CREATE TEMPORARY TABLE", "unclear creates"},
      {"DROP TABLE t", "drops t"},
      {"DROP TEMPORARY TABLE IF EXISTS a, db.b, `c` CASCADE", "drops a; drops db.b; drops c"},
      {"drop tables a,b", "drops a; drops b"},
      {"DROP TABLE a, `b```, c", "drops a; unclear drops; drops c"},
      {"DROP TABLE a, ?", "drops a; unclear drops"},
      {"DROP VIEW v", ""},
      {"RENAME TABLE a TO b", "renames a"},
      {"RENAME TABLE IF EXISTS a TO b, db.c NOWAIT TO d", "renames a; renames db.c"},
      {"RENAME USER a TO b", ""},
      {"ALTER TABLE a ADD COLUMN c INT, RENAME TO b", "renames a"},
      {"ALTER IGNORE TABLE IF EXISTS db.a RENAME b", "renames db.a"},
      {"ALTER TABLE a RENAME COLUMN b TO c, RENAME INDEX d TO e, RENAME KEY f TO g", ""},
      {"ALTER TABLE a RENAME COLUMN b TO c, RENAME b", "renames a"},
      {"ALTER VIEW v AS SELECT f()", ""},
      {"SET STATEMENT max_statement_time = 1 FOR DROP TABLE t", "drops t"},
  });
}

TEST_CASE("prepared texts and handlers by their names", "[classifier][objects]") {
  check({
      {"PREPARE s FROM 'SELECT GET_LOCK(1, 1)'", "prepares s"},
      {"prepare `S` from @q", "prepares S"},
      {"EXECUTE s", ""},
      {"DEALLOCATE PREPARE s", "deallocates s"},
      {"DROP PREPARE `s`;", "deallocates s"},
      {"DEALLOCATE PREPARE", "unclear deallocates"},
      {"HANDLER db.t OPEN", "opens t"},
      {"HANDLER db.t OPEN AS a", "opens a"},
      {"handler t open `a`", "opens a"},
      {"HANDLER a READ FIRST", ""},
      {"HANDLER a CLOSE", "closes a"},
      {"HANDLER 1 CLOSE", "unclear closes"},
      {"PREPARE a FROM 'SELECT 1'; DEALLOCATE PREPARE b", "prepares a; deallocates b"},
  });
}

TEST_CASE("locks that are certainly taken and released", "[classifier][objects]") {
  check({
      {"SELECT GET_LOCK('a b', 10)", "takes a b"},
      {"select get_lock ( \"a\" , -1 ) as `l`, 1", "takes a"},
      {"DO RELEASE_LOCK('a'), RELEASE_ALL_LOCKS()", "releases a; releases all"},
      {"SELECT 1, GET_LOCK('a', 1) got INTO @a", "takes a"},
      {"SELECT GET_LOCK('a', 1); SELECT RELEASE_LOCK('a');", "takes a; releases a"},
      {"/*!40000 SELECT RELEASE_LOCK('a') */", "releases a"},
      {"SELECT IS_FREE_LOCK('a')", ""},
  });
}

TEST_CASE("locks that may be taken never or more than once", "[classifier][objects]") {
  check({
      {"SELECT GET_LOCK('a', 1) FROM t", "unclear takes"},
      {"SELECT RELEASE_LOCK('a') LIMIT 0", "unclear releases"},
      {"SELECT RELEASE_ALL_LOCKS() WHERE 0", "unclear releases all"},
      {"SELECT IF(0, RELEASE_LOCK('a'), 1)", "unclear releases"},
      {"SELECT 0 AND RELEASE_LOCK('a')", "unclear releases"},
      {"SELECT RELEASE_LOCK('a') AND 0", "unclear releases"},
      {"SELECT RELEASE_LOCK('a') IS NULL", "unclear releases"},
      {"EXPLAIN SELECT RELEASE_LOCK('a')", "unclear releases"},
      {"ANALYZE SELECT RELEASE_LOCK('a')", "unclear releases"},
      {"SELECT 1 UNION SELECT RELEASE_LOCK('a')", "unclear releases"},
      {"INSERT INTO t VALUES (GET_LOCK('a', 1))", "unclear takes"},
      {"SET @a = GET_LOCK('a', 1)", "unclear takes"},
      {"SELECT GET_LOCK(@a, 1)", "unclear takes"},
      {"SELECT GET_LOCK(?, ?)", "unclear takes"},
      {"SELECT GET_LOCK('a' 'b', 1)", "unclear takes"},
      {"SELECT GET_LOCK(_utf8'a', 1)", "unclear takes"},
      {"SELECT GET_LOCK(CONCAT('a', 'b'), 1)", "unclear takes"},
      {"SELECT GET_LOCK('a''b', 1)", "unclear takes"},
      {"SELECT GET_LOCK('a\\'b', 1)", "unclear takes"},
      {"SELECT RELEASE_LOCK()", "unclear releases"},
      {"SELECT GET_LOCK('a', GET_LOCK('b', 1))", "takes a; unclear takes"},
      {"SELECT GET_LOCK(", "unclear takes"},
  });
  TextOptions ansi;
  ansi.ansi_quotes = true;
  check({{"SELECT GET_LOCK(\"a\", 1)", "unclear takes"}}, ansi);
}

TEST_CASE("functions that are called and not built in", "[classifier][objects]") {
  check({
      {"SELECT f(1), Db.g(2), `h`(3), `a`.`i` (4)", "calls f; calls Db.g; calls h; calls a.i"},
      {"SELECT f(g(1)) FROM t WHERE h(a)", "calls f; calls g; calls h"},
      {"SELECT COUNT (*), NOW(), connection_id FROM t", "calls COUNT"},
      {"SELECT db.connection_id(), `row_count`()", "calls db.connection_id; calls row_count"},
      {"SELECT `a``b`.f(), `c``d`()", "unclear calls; unclear calls"},
      {"WITH f (a) AS (SELECT 1) SELECT * FROM f", ""},
      {"INSERT INTO f (a) VALUES (g(1))", "calls g"},
      {"CREATE FUNCTION f() RETURNS INT RETURN g()", ""},
  });
}

TEST_CASE("questions with their place in the text", "[classifier][objects]") {
  check({
      {"SELECT CONNECTION_ID()", "connection [CONNECTION_ID()]"},
      {"SELECT a, connection_id ( ) FROM t", "connection [connection_id ( )]"},
      {"INSERT INTO t VALUES (ROW_COUNT(), found_rows())",
       "row count [ROW_COUNT()]; found rows [found_rows()]"},
      {"SET @a = CONNECTION_ID(), @b = @@session . pseudo_thread_id",
       "connection [CONNECTION_ID()]; connection [@@session . pseudo_thread_id]"},
      {"SELECT @@pseudo_thread_id", "connection [@@pseudo_thread_id]"},
      {"SELECT @@`pseudo_thread_id`", "unclear connection"},
      {"SELECT @@pseudo_thread_id = 5", "unclear connection"},
      {"SET @@pseudo_thread_id = 5", ""},
      {"SELECT CONNECTION_ID/* */()", "unclear connection"},
      {"SELECT CONNECTION_ID(1)", "unclear connection"},
      {"CREATE TABLE t (a INT DEFAULT (CONNECTION_ID()))", "unclear connection"},
      {"CREATE TABLE t AS SELECT CONNECTION_ID()", "unclear connection"},
      {"CREATE TABLE t AS SELECT @@pseudo_thread_id", "unclear connection"},
      {"CREATE VIEW v AS SELECT CONNECTION_ID()", ""},
      {"SELECT ROW_COUNT(); SELECT FOUND_ROWS(), CONNECTION_ID()",
       "row count [ROW_COUNT()]; unclear found rows; connection [CONNECTION_ID()]"},
      {"SELECT 'CONNECTION_ID()' -- CONNECTION_ID()", ""},
  });
}

TEST_CASE("what is killed", "[classifier][objects]") {
  check({
      {"KILL 5", "kill 5"},
      {"kill hard query 5;", "kill 5"},
      {"KILL CONNECTION /* x */ 17", "kill 17"},
      {"KILL QUERY ID 5", "unclear kill"},
      {"KILL USER app", "unclear kill"},
      {"KILL 5 + 1", "unclear kill"},
      {"KILL 5.0", "unclear kill"},
      {"KILL @id", "unclear kill"},
      {"KILL CONNECTION_ID()", "unclear kill; connection [CONNECTION_ID()]"},
      {"KILL", "unclear kill"},
  });
}

TEST_CASE("a text that is not certain is told as a whole", "[classifier][objects]") {
  check({
      {"SELECT RELEASE_LOCK('a') /*!99999 FROM t */", "unclear"},
      {"SELECT RELEASE_LOCK('a') /*M! FROM t */", "unclear"},
      {"SELECT RELEASE_LOCK('a), 1", "unclear"},
      {"SELECT RELEASE_LOCK('a')\x01", "unclear"},
      {"", ""},
  });
  const std::string_view text = "SELECT RELEASE_LOCK(\"a\")";
  TextOptions options;
  options.truncated = true;
  CHECK(events_of(text, options) == "unclear");
  options = {};
  options.sql_mode_known = false;
  CHECK(events_of(text, options) == "unclear");
  CHECK(events_of("SELECT RELEASE_LOCK('a')", options) == "releases a");
  options = {};
  options.ascii_safe_charset = false;
  CHECK(events_of(text, options) == "releases a");
  CHECK(events_of("SELECT RELEASE_LOCK('\x81')", options) == "unclear");
}

TEST_CASE("no effect of a line of the corpus is without its event",
          "[classifier][objects][corpus]") {
  struct Pair {
    Effect effect;
    ObjectEvent family;
  };
  constexpr Pair kPairs[] = {
      {Effect::creates_temporary_table, ObjectEvent::creates_temporary_table},
      {Effect::drops_table, ObjectEvent::drops_table},
      {Effect::prepares_text, ObjectEvent::prepares},
      {Effect::deallocates_text, ObjectEvent::deallocates},
      {Effect::takes_user_lock, ObjectEvent::takes_lock},
      {Effect::opens_handler, ObjectEvent::opens_handler},
      {Effect::closes_handler, ObjectEvent::closes_handler},
      {Effect::asks_connection_id, ObjectEvent::asks_connection_id},
      {Effect::asks_row_count, ObjectEvent::asks_row_count},
      {Effect::asks_found_rows, ObjectEvent::asks_found_rows},
      {Effect::kills, ObjectEvent::kill_target},
  };
  for (const CorpusLine& line : load_sql_corpus(WEIR_CORPUS_DIR)) {
    CAPTURE(line.where(), line.text);
    std::set<ObjectEvent> families;
    sql::visit_objects(line.text, line.options,
                       [&](const Object& object) { families.insert(object.family); });
    if (families.count(ObjectEvent::unclear) != 0) continue;  // anything, as a whole
    const auto verdict = sql::classify(line.text, line.options);
    for (const Pair& pair : kPairs) {
      if (verdict.has(pair.effect)) CHECK(families.count(pair.family) != 0);
    }
    if (verdict.only_stored_functions) CHECK(families.count(ObjectEvent::calls_function) != 0);
  }
}

}  // namespace weir::test
