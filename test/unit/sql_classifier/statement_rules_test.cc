#include "test/unit/sql_classifier/verdicts.h"

namespace weir::test {

using sql::Effect;
using sql::Placement;
using sql::Reason;
using sql::StatementKind;

TEST_CASE("EXPLAIN is as safe as what it explains", "[classifier][explain]") {
  check_reads({
      {"EXPLAIN SELECT 1", Reason::plain_read},
      {"EXPLAIN FORMAT = JSON SELECT 1", Reason::plain_read},
      {"EXPLAIN EXTENDED SELECT 1", Reason::plain_read},
      {"EXPLAIN ANALYZE FORMAT=TREE WITH a AS (SELECT 1) SELECT * FROM a", Reason::plain_read},
      {"EXPLAIN FORMAT=JSON FOR SCHEMA s (SELECT 1)", Reason::plain_read},
      {"EXPLAIN FORMAT=JSON INTO @v SELECT 1", Reason::select_into, Effect::sets_user_variable},
      {"EXPLAIN SELECT a FROM t FOR UPDATE", Reason::locking_read},
      {"EXPLAIN FOR CONNECTION 5", Reason::server_variable},
      {"DESC t", Reason::plain_read},
      {"DESCRIBE db.t a", Reason::plain_read},
      {"EXPLAIN t 'a%'", Reason::plain_read},
      {"DESC format", Reason::plain_read},
      {"DESC partitions", Reason::plain_read},
      {"EXPLAIN route", Reason::plain_read},
      {"EXPLAIN route id", Reason::plain_read},
      {"ANALYZE FORMAT=JSON SELECT 1", Reason::plain_read},
  });
  check_primary({
      {"EXPLAIN", StatementKind::unknown, Effect::changes_routines},
      {"EXPLAIN ANALYZE", StatementKind::unknown, Effect::changes_routines},
      {"EXPLAIN DROP TABLE t", StatementKind::unknown, Effect::changes_routines},
      {"EXPLAIN DELETE FROM t", StatementKind::write},
      {"EXPLAIN ANALYZE UPDATE t, u SET t.a = f(1)", StatementKind::write, Effect::calls_routine},
      {"EXPLAIN ANALYZE FORMAT=TREE DELETE t FROM t JOIN u", StatementKind::write},
      {"ANALYZE DELETE FROM t", StatementKind::write},
      {"ANALYZE DROP TABLE t", StatementKind::unknown, Effect::changes_routines},
      {"ANALYZE FORMAT JSON SELECT 1", StatementKind::unknown, Effect::changes_routines},
      {"EXPLAIN FORMAT=JSON FOR SCHEMA", StatementKind::unknown, Effect::changes_routines},
      {"GET WARNINGS", StatementKind::unknown, Effect::changes_routines},
      {"GET STACKED", StatementKind::unknown, Effect::changes_routines},
      {"ANALYZE LOCAL TABLE t", StatementKind::admin, Effect::ends_transaction},
      {"EXPLAIN ROUTE SELECT 1; DELETE FROM t", StatementKind::explain_route},
      {"explain route (SELECT 1)", StatementKind::explain_route},
      {"EXPLAIN ROUTE COMMIT", StatementKind::explain_route},
  });
}

TEST_CASE("SHOW of the catalogue may run anywhere, of the server it may not",
          "[classifier][show]") {
  for (std::string_view text :
       {"SHOW TABLES", "SHOW FULL TABLES FROM a LIKE 'x%'", "SHOW EXTENDED FULL COLUMNS FROM t",
        "SHOW CREATE VIEW `a`.`b`", "SHOW INDEX FROM t", "SHOW KEYS IN t", "SHOW DATABASES",
        "SHOW COLLATION WHERE Charset = 'utf8mb4'", "SHOW CHARSET", "SHOW CHARACTER SET",
        "SHOW TRIGGERS", "SHOW PROCEDURE STATUS", "SHOW CREATE PROCEDURE p", "SHOW PACKAGE STATUS",
        "SHOW PACKAGE BODY STATUS", "SHOW CREATE PACKAGE BODY p"}) {
    CAPTURE(std::string(text));
    CHECK(sql::classify(text).placement == Placement::any);
  }
  for (std::string_view text : {"SHOW",
                                "SHOW CREATE TABLE `a`.`b`",
                                "SHOW TABLE STATUS",
                                "SHOW PROCESSLIST",
                                "SHOW FULL PROCESSLIST",
                                "SHOW STATUS",
                                "SHOW GLOBAL STATUS",
                                "SHOW VARIABLES",
                                "SHOW ENGINE INNODB STATUS",
                                "SHOW BINARY LOGS",
                                "SHOW MASTER STATUS",
                                "SHOW REPLICA STATUS",
                                "SHOW GRANTS",
                                "SHOW PRIVILEGES",
                                "SHOW OPEN TABLES",
                                "SHOW PLUGINS",
                                "SHOW ENGINES",
                                "SHOW EVENTS",
                                "SHOW CREATE EVENT e",
                                "SHOW CREATE USER u",
                                "SHOW NOVELTY",
                                "SHOW COUNT(*)",
                                "SHOW COUNT(*) NOVELTIES",
                                "SHOW PACKAGE NOVELTY",
                                "SHOW TABLES FROM performance_schema",
                                "SHOW TABLES WHERE f(1)"}) {
    CAPTURE(std::string(text));
    CHECK(sql::classify(text).placement == Placement::primary);
  }
  check_reads({
      {"SHOW WARNINGS", Reason::previous_statement, Effect::asks_diagnostics},
      {"SHOW COUNT(*) ERRORS", Reason::previous_statement, Effect::asks_diagnostics},
      {"SHOW FULL PROCESSLIST", Reason::server_variable, Effect::shows_processlist},
      {"SHOW PROFILES", Reason::previous_statement, Effect::profiling},
      {"GET DIAGNOSTICS @n = NUMBER", Reason::previous_statement,
       Effect::sets_user_variable | Effect::asks_diagnostics},
      {"GET CURRENT DIAGNOSTICS CONDITION 1 @a = MESSAGE_TEXT", Reason::previous_statement,
       Effect::sets_user_variable | Effect::asks_diagnostics},
  });
}

TEST_CASE("transactions", "[classifier][transaction]") {
  const Effect read_only = Effect::begins_transaction | Effect::begins_read_only_transaction;
  for (std::string_view text :
       {"START TRANSACTION READ ONLY", "start transaction with consistent snapshot, read only",
        "START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT;"}) {
    CAPTURE(std::string(text));
    const auto got = sql::classify(text);
    CHECK(got.placement == Placement::any);
    CHECK(got.kind == StatementKind::begin);
    CHECK(got.reason == Reason::transaction_control);
    CHECK(got.effects == read_only);
  }
  check_primary({
      {"BEGIN", StatementKind::begin, Effect::begins_transaction},
      {"BEGIN WORK", StatementKind::begin, Effect::begins_transaction},
      {"START TRANSACTION", StatementKind::begin, Effect::begins_transaction},
      {"START TRANSACTION READ ONLY, READ WRITE", StatementKind::begin, Effect::begins_transaction},
      {"START TRANSACTION WITH ODD SNAPSHOT, READ ONLY", StatementKind::begin,
       Effect::begins_transaction},
      {"COMMIT", StatementKind::commit, Effect::ends_transaction},
      {"COMMIT WORK AND CHAIN", StatementKind::commit,
       Effect::ends_transaction | Effect::begins_transaction},
      {"ROLLBACK AND NO CHAIN RELEASE", StatementKind::rollback,
       Effect::ends_transaction | Effect::ends_session},
      {"ROLLBACK WORK TO SAVEPOINT a", StatementKind::savepoint},
      {"SAVEPOINT a", StatementKind::savepoint},
      {"RELEASE SAVEPOINT a", StatementKind::savepoint},
      {"XA START 'a'", StatementKind::xa, Effect::xa_statement},
      {"BEGIN NOT ATOMIC DELETE FROM t; END", StatementKind::unknown,
       Effect::calls_routine | Effect::changes_routines},
      {"IF 1 THEN DELETE FROM t; END IF", StatementKind::unknown,
       Effect::calls_routine | Effect::changes_routines},
      {"START REPLICA", StatementKind::admin, Effect::ends_transaction},
  });
}

TEST_CASE("changes of data", "[classifier][write]") {
  check_primary({
      {"INSERT INTO t (a, b) VALUES (1, 2)", StatementKind::write},
      {"INSERT LOW_PRIORITY IGNORE t(a) VALUES (f(1))", StatementKind::write,
       Effect::calls_routine},
      {"INSERT INTO db.t (a) SELECT @v := 1 ON DUPLICATE KEY UPDATE a = VALUES(a)",
       StatementKind::write, Effect::sets_user_variable},
      {"REPLACE INTO t VALUES (GET_LOCK('a', 1))", StatementKind::write, Effect::takes_user_lock},
      {"UPDATE t SET a = LAST_INSERT_ID(a + 1)", StatementKind::write, Effect::sets_last_insert_id},
      {"DELETE FROM t WHERE a = @v RETURNING a", StatementKind::write, Effect::uses_user_variable},
      {"DO RELEASE_LOCK('a')", StatementKind::write, Effect::releases_user_lock},
      {"CALL p(1, @out)", StatementKind::write,
       Effect::calls_routine | Effect::sets_user_variable | Effect::uses_user_variable},
      {"LOAD DATA LOCAL INFILE 'x' INTO TABLE t CHARACTER SET utf8 (a, @b) SET c = @b",
       StatementKind::write,
       Effect::local_infile | Effect::sets_user_variable | Effect::uses_user_variable},
      {"LOAD XML CONCURRENT LOCAL INFILE 'x' INTO TABLE t", StatementKind::write,
       Effect::local_infile},
      {"LOAD DATA INFILE 'x' INTO TABLE t IGNORE 1 LINES (a) SET b = f(a)", StatementKind::write,
       Effect::calls_routine},
      {"LOAD INDEX INTO CACHE t", StatementKind::admin, Effect::ends_transaction},
      {"HANDLER t OPEN", StatementKind::write, Effect::opens_handler},
      {"HANDLER t READ i = (1) LIMIT 1", StatementKind::write},
      {"HANDLER t CLOSE", StatementKind::write, Effect::closes_handler},
  });
}

TEST_CASE("definitions", "[classifier][ddl]") {
  const Effect ends = Effect::ends_transaction;
  check_primary({
      {"CREATE TABLE t (a INT, KEY k (a))", StatementKind::ddl, ends},
      {"CREATE OR REPLACE TABLE t AS SELECT @a := GET_LOCK('x', 1)", StatementKind::ddl,
       ends | Effect::sets_user_variable | Effect::takes_user_lock},
      {"CREATE TEMPORARY TABLE t (a INT)", StatementKind::ddl, Effect::creates_temporary_table},
      {"CREATE OR REPLACE TEMPORARY TABLE t (a INT)", StatementKind::ddl,
       Effect::creates_temporary_table},
      {"DROP TEMPORARY TABLE t", StatementKind::ddl, Effect::drops_temporary_table},
      {"DROP TABLE t", StatementKind::ddl, ends | Effect::drops_table},
      {"CREATE DEFINER = 'u'@'h' PROCEDURE p() BEGIN SET autocommit = 0; SELECT 1; END",
       StatementKind::ddl, ends | Effect::changes_routines},
      {"ALTER FUNCTION f COMMENT 'x'", StatementKind::ddl, ends | Effect::changes_routines},
      {"DROP PACKAGE BODY p", StatementKind::ddl, ends | Effect::changes_routines},
      {"DROP SCHEMA IF EXISTS d", StatementKind::ddl, ends | Effect::changes_routines},
      {"CREATE OR REPLACE DATABASE d", StatementKind::ddl, ends | Effect::changes_routines},
      {"CREATE SOMETHING new", StatementKind::ddl, ends | Effect::changes_routines},
      {"SET STATEMENT max_statement_time = 1 FOR DROP FUNCTION f", StatementKind::ddl,
       ends | Effect::changes_routines | Effect::sets_for_statement},
      {"CREATE DEFINER = trigger@h TRIGGER t BEFORE INSERT ON t FOR EACH ROW SET @a = 1; SELECT 1",
       StatementKind::ddl, ends},
      {"ALTER EVENT e DO BEGIN SELECT 1; END", StatementKind::ddl, ends},
      {"CREATE VIEW v AS SELECT f(1)", StatementKind::ddl, ends},
      {"CREATE UNIQUE INDEX i ON t (a)", StatementKind::ddl, ends},
      {"TRUNCATE t", StatementKind::ddl, ends},
      {"RENAME TABLE a TO b", StatementKind::ddl, ends | Effect::renames_table},
      {"CREATE SEQUENCE s", StatementKind::ddl, ends},
      {"CREATE USER u@h", StatementKind::admin, ends},
      {"DROP ROLE r", StatementKind::admin, ends},
      {"ALTER USER u IDENTIFIED BY 'x'", StatementKind::admin, ends},
      {"GRANT ALL ON *.* TO u", StatementKind::admin, ends},
  });
}

TEST_CASE("administration, locks and text prepares", "[classifier][admin]") {
  const Effect ends = Effect::ends_transaction;
  check_primary({
      {"LOCK TABLES t WRITE", StatementKind::lock, ends | Effect::locks_tables},
      {"LOCK INSTANCE FOR BACKUP", StatementKind::lock, Effect::locks_tables},
      {"UNLOCK TABLES", StatementKind::lock, Effect::unlocks_tables},
      {"FLUSH TABLES t, u WITH READ LOCK", StatementKind::admin, ends | Effect::locks_tables},
      {"FLUSH TABLES t FOR EXPORT", StatementKind::admin, ends | Effect::locks_tables},
      {"FLUSH PRIVILEGES", StatementKind::admin, ends},
      {"BACKUP STAGE START", StatementKind::admin, ends | Effect::locks_tables},
      {"BACKUP UNLOCK", StatementKind::admin, Effect::unlocks_tables},
      {"KILL QUERY 5", StatementKind::admin, Effect::kills},
      {"KILL CONNECTION_ID()", StatementKind::admin, Effect::kills | Effect::asks_connection_id},
      {"SHUTDOWN", StatementKind::admin},
      {"PREPARE s FROM @v", StatementKind::prepare,
       Effect::prepares_text | Effect::uses_user_variable},
      {"EXECUTE s USING @a", StatementKind::prepare,
       Effect::calls_routine | Effect::changes_routines | Effect::uses_user_variable},
      {"EXECUTE IMMEDIATE 'SELECT 1'", StatementKind::prepare,
       Effect::calls_routine | Effect::changes_routines},
      {"DEALLOCATE PREPARE s", StatementKind::prepare, Effect::deallocates_text},
      {"DROP PREPARE s", StatementKind::prepare, Effect::deallocates_text},
      {"USE a", StatementKind::use, Effect::changes_schema},
      {"FROBNICATE t", StatementKind::unknown, Effect::changes_routines},
      {"1", StatementKind::unknown, Effect::changes_routines},
      {"'SELECT 1'", StatementKind::unknown, Effect::changes_routines},
      {"`SELECT` 1", StatementKind::unknown, Effect::changes_routines},
      {"?", StatementKind::unknown, Effect::changes_routines},
  });
}

}  // namespace weir::test
