#include "sql_classifier/tables.h"
#include "test/unit/sql_classifier/verdicts.h"

namespace weir::test {

using sql::Effect;
using sql::Reason;
using sql::StatementKind;

TEST_CASE("plain queries of every shape may run anywhere", "[classifier][query]") {
  check_reads({
      {"SELECT 1", Reason::plain_read},
      {"TABLE t ORDER BY a LIMIT 1", Reason::plain_read},
      {"VALUES ROW(1, 2), ROW(3, 4)", Reason::plain_read},
      {"((SELECT 1) UNION ALL (SELECT 2)) EXCEPT TABLE t", Reason::plain_read},
      {"WITH RECURSIVE a (x) AS (SELECT 1), b (y, z) AS (SELECT 2, 3) SELECT * FROM a JOIN b USING "
       "(y)",
       Reason::plain_read},
      {"WITH a AS (SELECT 1) (SELECT * FROM a)", Reason::plain_read},
      {"SELECT * FROM (SELECT 1) AS t (a), (SELECT 2) u (b), LATERAL (SELECT 3) v",
       Reason::plain_read},
      {"SELECT CAST(a AS DECIMAL(10,2)), CAST(b AS DATETIME(6)), CONVERT(c USING utf8mb4), CHAR(65 "
       "USING latin1)",
       Reason::plain_read},
      {"SELECT a FROM t USE INDEX FOR ORDER BY (i) IGNORE KEY (j) WHERE (b, c) IN ((1, 2)) AND "
       "EXISTS (SELECT 1)",
       Reason::plain_read},
      {"SELECT a FROM t PARTITION (p0) WHERE b = ANY (SELECT 1) OR b > ALL (SELECT 2)",
       Reason::plain_read},
      {"SELECT RANK() OVER (PARTITION BY a), SUM(b) OVER w FROM t WINDOW w AS (ORDER BY c)",
       Reason::plain_read},
      {"SELECT d + INTERVAL (1) DAY, CASE WHEN (a) THEN (b) ELSE (c) END FROM t",
       Reason::plain_read},
      {"SELECT * FROM JSON_TABLE('[]', '$[*]' COLUMNS (n FOR ORDINALITY, d DATETIME(3) PATH '$.d', "
       "NESTED PATH '$.b' "
       "COLUMNS (v VARCHAR(9) PATH '$'))) AS jt",
       Reason::plain_read},
      {"SELECT MATCH (a) AGAINST ('x' WITH QUERY EXPANSION), 1 MEMBER OF ('[1]') FROM t",
       Reason::plain_read},
      {"SELECT GROUP_CONCAT(DISTINCT a ORDER BY b SEPARATOR ',') FROM t GROUP BY a WITH ROLLUP",
       Reason::plain_read},
      {"SELECT {fn NOW()}, {d '2020-01-01'}, DATE '2020-01-01'", Reason::plain_read},
      {"SELECT t.for, t.into, t.`lock`, `update` FROM t", Reason::plain_read},
  });
}

TEST_CASE("locks and INTO are found at any depth", "[classifier][query]") {
  check_reads({
      {"SELECT a FROM t FOR UPDATE", Reason::locking_read},
      {"SELECT a FROM t FOR\n/* x */ SHARE OF t SKIP LOCKED", Reason::locking_read},
      {"((SELECT a FROM t) FOR UPDATE)", Reason::locking_read},
      {"SELECT (SELECT a FROM t LOCK IN SHARE MODE)", Reason::locking_read},
      {"SELECT 1.FOR UPDATE", Reason::locking_read},
      {"SELECT 1e5FOR UPDATE", Reason::locking_read},
      {"WITH a AS (SELECT 1 FROM t FOR UPDATE) SELECT * FROM a", Reason::locking_read},
      {"SELECT a FROM t FOR SYSTEM_TIME AS OF TIMESTAMP('2020-01-01')", Reason::plain_read},
      {"SELECT SUBSTRING('abc' FROM 1 FOR 2)", Reason::plain_read},
      {"SELECT 1 INTO OUTFILE '/x'", Reason::select_into},
      {"SELECT 1 INTO v", Reason::select_into},
      {"SELECT 1, @c INTO @a, @b", Reason::select_into,
       Effect::sets_user_variable | Effect::uses_user_variable},
      {"SELECT 1 INTO @a FROM t WHERE f IN (@b)", Reason::select_into,
       Effect::sets_user_variable | Effect::uses_user_variable},
  });
  check_primary({
      {"WITH a AS (SELECT 1) UPDATE t SET x = 1", StatementKind::write},
      {"WITH a (x) AS (SELECT 1) DELETE FROM t USING t JOIN a", StatementKind::write},
  });
}

TEST_CASE("variables in queries", "[classifier][query]") {
  check_reads({
      {"SELECT @v", Reason::user_variable, Effect::uses_user_variable},
      {"SELECT @`v` := @'w' + 1", Reason::user_variable,
       Effect::sets_user_variable | Effect::uses_user_variable},
      {"SELECT @v := 1", Reason::user_variable, Effect::sets_user_variable},
      {"SELECT a := 1", Reason::unknown_statement},
      {"SELECT @@sql_mode, @@session.time_zone, @@LOCAL . wait_timeout, @@`sql_mode`",
       Reason::plain_read},
      {"SELECT @@server_id, @@global.hostname, @@port, @@server_uuid, @@version_comment",
       Reason::plain_read},
      {"SELECT @@global.sql_mode", Reason::server_variable},
      {"SELECT @@read_only", Reason::server_variable},
      {"SELECT @@autocommit", Reason::server_variable},
      {"SELECT @@hot.key_buffer_size", Reason::server_variable},
      {"SELECT @@identity", Reason::last_insert_id, Effect::uses_last_insert_id},
      {"SELECT @@session.last_insert_id", Reason::last_insert_id, Effect::uses_last_insert_id},
      {"SELECT @@warning_count", Reason::previous_statement, Effect::asks_diagnostics},
      {"SELECT @@error_count, @@gtid_executed", Reason::server_variable, Effect::asks_diagnostics},
      {"SELECT @@pseudo_thread_id", Reason::server_variable, Effect::asks_connection_id},
      {"SELECT @@hot.identity", Reason::server_variable},
  });
}

TEST_CASE("functions that are not plain", "[classifier][query]") {
  check_reads({
      {"SELECT f(1)", Reason::stored_function, Effect::calls_routine},
      {"SELECT db.abs(1)", Reason::stored_function, Effect::calls_routine},
      {"SELECT `abs`(1)", Reason::stored_function, Effect::calls_routine},
      {"SELECT a, f (1) FROM t", Reason::stored_function, Effect::calls_routine},
      {"SELECT NOW(), COUNT(*), UUID(), SLEEP(1), RAND ()", Reason::plain_read},
      {"SELECT COUNT (*) FROM t", Reason::stored_function, Effect::calls_routine},
      {"SELECT any(1)", Reason::stored_function, Effect::calls_routine},
      {"SELECT columns (1)", Reason::stored_function, Effect::calls_routine},
      {"SELECT GET_LOCK('a', 1)", Reason::locking_function, Effect::takes_user_lock},
      {"SELECT RELEASE_ALL_LOCKS()", Reason::locking_function, Effect::releases_user_lock},
      {"SELECT IS_FREE_LOCK('a')", Reason::locking_function},
      {"SELECT CONNECTION_ID()", Reason::unsafe_function, Effect::asks_connection_id},
      {"SELECT LAST_INSERT_ID ( )", Reason::last_insert_id, Effect::uses_last_insert_id},
      {"SELECT LAST_INSERT_ID(/* none */)", Reason::last_insert_id, Effect::uses_last_insert_id},
      {"SELECT LAST_INSERT_ID((1))", Reason::last_insert_id, Effect::sets_last_insert_id},
      {"SELECT FOUND_ROWS()", Reason::previous_statement, Effect::asks_found_rows},
      {"SELECT db.row_count(), `found_rows`()", Reason::stored_function, Effect::calls_routine},
      {"SELECT ROW_COUNT(), LAST_INSERT_ID()", Reason::last_insert_id,
       Effect::asks_row_count | Effect::uses_last_insert_id},
      {"SELECT NEXTVAL(s)", Reason::sequence},
      {"SELECT NEXT VALUE FOR s", Reason::sequence},
      {"SELECT LASTVAL(s), NEXTVAL(s)", Reason::sequence, Effect::asks_sequence},
      {"SELECT PREVIOUS VALUE FOR db.s", Reason::sequence, Effect::asks_sequence},
      {"SELECT s.nextval FROM t", Reason::sequence},
      {"SELECT s.nextval, db.s.CURRVAL", Reason::sequence, Effect::asks_sequence},
      {"SELECT SQL_CALC_FOUND_ROWS a FROM t", Reason::plain_read, Effect::calc_found_rows},
      {"SELECT a FROM t PROCEDURE ANALYSE()", Reason::stored_function, Effect::calls_routine},
  });
}

TEST_CASE("tables of the server itself", "[classifier][query]") {
  check_reads({
      {"SELECT * FROM performance_schema.threads", Reason::server_variable},
      {"SELECT * FROM `sys` . `session`", Reason::server_variable},
      {"SELECT user FROM MySQL.user", Reason::server_variable},
      {"SELECT * FROM information_schema.PROCESSLIST", Reason::server_variable},
      {"SELECT * FROM information_schema.innodb_trx", Reason::server_variable},
      {"SELECT * FROM information_schema.global_status", Reason::server_variable},
      {"SELECT * FROM information_schema.events", Reason::server_variable},
      {"SELECT table_name FROM information_schema.tables", Reason::plain_read},
      {"SELECT * FROM information_schema.columns", Reason::plain_read},
  });
}

TEST_CASE("incomplete queries are the primary's to refuse", "[classifier][query]") {
  check_reads({
      {"SELECT", Reason::unknown_statement},
      {"(SELECT 1", Reason::unknown_statement},
      {"SELECT 1)", Reason::unknown_statement},
      {"WITH a AS (SELECT 1)", Reason::unknown_statement},
  });
  const Effect any_change = Effect::changes_routines;
  check_primary({{"(DELETE FROM t)", StatementKind::unknown, any_change},
                 {"(", StatementKind::unknown, any_change}});
}

TEST_CASE("deep nesting is only slower", "[classifier][query]") {
  std::string text = "SELECT ";
  for (int i = 0; i < 1000; ++i) text += "(";
  text += "1";
  for (int i = 0; i < 1000; ++i) text += ")";
  CHECK(sql::classify(text).placement == sql::Placement::any);
  CHECK(sql::classify(text + " FOR UPDATE").reason == Reason::locking_read);
}

TEST_CASE("a read that certainly names no table", "[classifier][query]") {
  for (const char* text :
       {"SELECT 1", "/* a */ select @@version, 'from', 1 -- from", "SELECT `from`"}) {
    INFO(text);
    CHECK(sql::uses_no_table(text, {}));
  }
  for (const char* text : {"SELECT * FROM t", "SELECT (SELECT 1 from t)", "TABLE t", "SHOW TABLES",
                           "", "(SELECT 1)", "SELECT 1 UNION TABLE t"}) {
    INFO(text);
    CHECK_FALSE(sql::uses_no_table(text, {}));
  }
}

}  // namespace weir::test
