// What a session sets is the same on whichever server answers.

#include "test/integration/proxy_fixture.h"
#include "test/support/statement.h"

using namespace weir::test;

namespace {

// Reads an expression on a replica and on the primary.
struct Both {
  std::string replica;
  std::string primary;
};

Both on_both(Client& client, const std::string& expression) {
  Both both;
  const Result read = client.query("SELECT " + expression + ", @@server_id FROM (SELECT 1) AS t");
  INFO(expression);
  CHECK(is_replica(*read.rows.at(0).at(1)));
  both.replica = read.value();
  both.primary = client.value("/* weir: primary */ SELECT " + expression);
  return both;
}

}  // namespace

TEST_CASE_METHOD(ProxyTest, "session state: variables are equal on both sides", "[state]") {
  const std::vector<std::pair<std::string, std::string>> variables = {
      {"SET group_concat_max_len = 4321", "@@group_concat_max_len"},
      {"SET time_zone = '+03:30'", "@@time_zone"},
      {"SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'", "@@sql_mode"},
      {"SET @@session.sql_select_limit = 7", "@@sql_select_limit"},
      {"SET NAMES latin1 COLLATE latin1_german1_ci", "@@collation_connection"},
      {"SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci", "@@collation_connection"},
      {"SET NAMES utf8mb4", "@@character_set_client"},
      {"SET CHARACTER SET latin1", "@@character_set_results"},
      {"SET character_set_results = NULL", "IFNULL(@@character_set_results, 'none')"},
      {"SET lock_wait_timeout = 77", "@@lock_wait_timeout"},
      {"SET max_sort_length = 2048, wait_timeout = 4444",
       "CONCAT(@@max_sort_length, '/', @@wait_timeout)"},
      {"SET lc_time_names = 'de_DE'", "DATE_FORMAT('2020-05-01', '%M')"},
      {"SET div_precision_increment = 9", "1/3"},
      {"SET optimizer_search_depth = 3", "@@optimizer_search_depth"},
      {"SET sql_mode = CONCAT(@@sql_mode, ',NO_ZERO_DATE')", "@@sql_mode"},
      {"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
       cluster.mariadb() ? "@@tx_isolation" : "@@transaction_isolation"},
      {"SET timestamp = 1500000000.5", "NOW(1)"},
      {"SET foreign_key_checks = 0", "@@foreign_key_checks"},
      {"SET sql_safe_updates = 1", "@@sql_safe_updates"},
  };
  Client direct = cluster.server(1);
  direct.use("weir_test");
  for (const auto& [set, expression] : variables) {
    Client client = weir.connect();
    CHECK(is_replica(client.value("SELECT @@server_id")));  // it has a connection there already
    Client expected = cluster.server(1);
    client.query(set);
    expected.query(set);
    const std::string value = expected.value("SELECT " + expression);
    INFO(set);
    // It may have pinned the session instead; the answer is the same.
    CHECK(client.value("SELECT " + expression) == value);
    CHECK(client.value("/* weir: primary */ SELECT " + expression) == value);
    CHECK(client.value("SELECT " + expression) == value);
  }
}

TEST_CASE_METHOD(ProxyTest, "session state: the common ones do not cost the replicas", "[state]") {
  Client client = weir.connect();
  for (const std::string set :
       {"SET sql_mode = 'STRICT_TRANS_TABLES'", "SET time_zone = '+01:00'", "SET NAMES utf8mb4",
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin", "SET group_concat_max_len = 100000",
        "SET autocommit = 1", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET character_set_results = NULL", "SET wait_timeout = 1000", "USE app",
        "SET SESSION sql_mode = ''"}) {
    client.query(set);
    INFO(set);
    CHECK(is_replica(client.value("SELECT @@server_id")));
  }
  const Both mode = on_both(client, "@@sql_mode");
  CHECK(mode.replica == mode.primary);
  const Both zone = on_both(client, "@@time_zone");
  CHECK(zone.replica == "+01:00");
  CHECK(zone.primary == "+01:00");
  const Both length = on_both(client, "@@group_concat_max_len");
  CHECK(length.replica == "100000");
  CHECK(length.primary == "100000");
  const Both collation = on_both(client, "@@collation_connection");
  CHECK(collation.replica == "utf8mb4_bin");
  CHECK(collation.primary == "utf8mb4_bin");
}

TEST_CASE_METHOD(ProxyTest, "session state: the schema follows USE and COM_INIT_DB", "[state]") {
  Client client = weir.connect("APP", "");
  CHECK(client.value("SELECT DATABASE()") == "NULL");
  client.query("USE weir_test");
  CHECK(on_both(client, "DATABASE()").replica == "weir_test");
  client.use("app");
  Both schema = on_both(client, "DATABASE()");
  CHECK(schema.replica == "app");
  CHECK(schema.primary == "app");
  CHECK(client.error_of("USE not_there").code == 1049);
  schema = on_both(client, "DATABASE()");
  CHECK(schema.replica == "app");
  CHECK(schema.primary == "app");
  client.query("CREATE DATABASE weir_test_2");
  Finally put_right{[&] { cluster.sql(1, {"DROP DATABASE IF EXISTS weir_test_2"}); }};
  client.use("weir_test_2");  // the replicas may not have it yet
  CHECK(client.value("SELECT DATABASE()") == "weir_test_2");
  client.query("CREATE TABLE here (a INT)");
  CHECK(client.text("SHOW TABLES") == "here\n");
  client.query("DROP DATABASE weir_test_2");
  CHECK(client.value("SELECT DATABASE()") == "NULL");
  CHECK(client.error_of("SHOW TABLES").code == 1046);
}

TEST_CASE_METHOD(ProxyTest, "session state: sql_mode changes how texts are read", "[state]") {
  table("t (id INT PRIMARY KEY, v VARCHAR(40))");
  Client client = weir.connect();
  CHECK(client.value("SELECT \"it's 1; DROP\" AS a") == "it's 1; DROP");
  client.query("SET sql_mode = 'ANSI_QUOTES'");
  // Now this is a name, and what follows it is a locking read.
  CHECK(client.text("SELECT @@server_id AS \"a' \" FROM t RIGHT JOIN (SELECT 1 AS b) d ON 1 = 0 "
                    "FOR UPDATE") == "1\n");
  CHECK(client.error_of("SELECT \"no such column\"").code == 1054);
  client.query("SET sql_mode = 'NO_BACKSLASH_ESCAPES'");
  // The first text is a lone backslash; what looks like the inside of a text is SQL.
  client.query("INSERT INTO t VALUES (1, '\\'), (2, 'x')");
  cluster.catch_up();
  CHECK(client.value("SELECT v FROM t WHERE id = 1") == "\\");
  CHECK(client.text("SELECT @@server_id, '\\' FROM t LIMIT 1 FOR UPDATE -- '") == "1|\\\n");
  client.query("SET sql_mode = ''");
  CHECK(is_replica(client.value("SELECT @@server_id, '\\' FROM t FOR UPDATE -- '")));
}

TEST_CASE_METHOD(ProxyTest, "session state: temporary tables stay at hand", "[state]") {
  table("t (id INT PRIMARY KEY, v INT)");
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES (1, 1)"});
  cluster.catch_up();
  Client client = weir.connect();
  CHECK(is_replica(client.value("SELECT @@server_id")));
  client.query("CREATE TEMPORARY TABLE t (id INT, v INT)");  // hides the other one
  client.query("INSERT INTO t VALUES (5, 5), (6, 6)");
  CHECK(client.text("SELECT id FROM t ORDER BY id") == "5\n6\n");
  CHECK(client.value("SELECT @@server_id") == "1");
  Client other = weir.connect();
  CHECK(other.text("SELECT id FROM t") == "1\n");
  client.query("DROP TEMPORARY TABLE t");
  CHECK(client.text("SELECT id FROM t") == "1\n");
  client.query("CREATE TEMPORARY TABLE gone (id INT)");
  client.reset();
  CHECK(client.error_of("SELECT * FROM gone").code == 1146);
  CHECK(comes_to_a_replica(client));
}

TEST_CASE_METHOD(ProxyTest, "session state: user locks", "[state]") {
  Client first = weir.connect();
  Client second = weir.connect();
  CHECK(first.value("SELECT GET_LOCK('weir-state', 0)") == "1");
  CHECK(second.value("SELECT GET_LOCK('weir-state', 0)") == "0");
  CHECK(second.value("SELECT IS_FREE_LOCK('weir-state')") == "0");
  CHECK(first.value("SELECT IS_USED_LOCK('weir-state') = CONNECTION_ID()") == "1");
  CHECK(first.value("SELECT RELEASE_LOCK('weir-state')") == "1");
  CHECK(second.value("SELECT GET_LOCK('weir-state', 10)") == "1");
  second.vanish();
  CHECK(first.value("SELECT GET_LOCK('weir-state', 60)") == "1");
  first.reset();
  Client third = weir.connect();
  CHECK(third.value("SELECT GET_LOCK('weir-state', 60)") == "1");
}

TEST_CASE_METHOD(ProxyTest, "session state: LOCK TABLES", "[state]") {
  table("t (id INT PRIMARY KEY, v INT)");
  Client client = weir.connect();
  client.query("LOCK TABLES t WRITE");
  client.query("INSERT INTO t VALUES (1, 1)");
  CHECK(client.text("SELECT v, @@server_id FROM t") == "1|1\n");
  Client other = weir.connect();
  other.query("SET lock_wait_timeout = 1");
  CHECK(other.error_of("INSERT INTO t VALUES (2, 2)").code == 1205);
  client.query("UNLOCK TABLES");
  CHECK(other.query("INSERT INTO t VALUES (2, 2)").affected == 1);
  CHECK(until([&] { return is_replica(client.value("SELECT @@server_id FROM t LIMIT 1")); }));
}

TEST_CASE_METHOD(ProxyTest, "session state: PREPARE and EXECUTE as text", "[state]") {
  table("t (id INT PRIMARY KEY, v INT)");
  Client client = weir.connect();
  client.query("PREPARE put FROM 'INSERT INTO t VALUES (?, ?)'");
  client.query("PREPARE fetch_one FROM 'SELECT v, @@server_id FROM t WHERE id = ?'");
  client.query("SET @id = 3, @v = 30");
  CHECK(client.query("EXECUTE put USING @id, @v").affected == 1);
  CHECK(client.text("EXECUTE fetch_one USING @id") == "30|1\n");
  CHECK(client.value("SELECT COUNT(*) FROM t") == "1");
  client.query("DEALLOCATE PREPARE put");
  CHECK(client.error_of("EXECUTE put USING @id, @v").code == 1243);
  CHECK(client.text("EXECUTE fetch_one USING @id") == "30|1\n");
  // A text that is not known before it runs.
  client.query("SET @text = 'BEGIN'");
  CHECK(client.error_of("PREPARE b FROM @text").code == (cluster.mariadb() ? 0 : 1295));
  client.query("SET @text = 'DELETE FROM t'");
  client.query("PREPARE d FROM @text");
  CHECK(client.query("EXECUTE d").affected == 1);
  client.reset();
  CHECK(client.error_of("EXECUTE fetch_one USING @id").code == 1243);
}

TEST_CASE_METHOD(ProxyTest, "session state: a failing SET changes nothing anywhere", "[state]") {
  Client client = weir.connect();
  client.query("SET group_concat_max_len = 2000");
  Client direct = cluster.server(1);
  for (const std::string set :
       {"SET group_concat_max_len = 5000, time_zone = 'nowhere/at all'",
        "SET sql_mode = 'NOT_A_MODE'", "SET no_such_variable = 1", "SET NAMES no_such_charset"}) {
    INFO(set);
    CHECK(client.error_of(set) == direct.error_of(set));
  }
  const std::string expected =
      direct.value("SELECT @@group_concat_max_len") == "5000" ? "5000" : "2000";
  const Both both = on_both(client, "@@group_concat_max_len");
  CHECK(both.replica == both.primary);
  CHECK(both.primary == expected);
}

TEST_CASE_METHOD(ProxyTest, "session state: the charset of the login", "[state]") {
  for (const std::string charset : {"latin1", "utf8mb4", "koi8r"}) {
    Login login = weir.login();
    login.charset = charset;
    Login straight = cluster.root(1);
    straight.charset = charset;
    Client direct(straight);
    direct.reset();
    const std::string after_reset = direct.value("SELECT @@character_set_connection");
    for (int i = 0; i < 4; ++i) {  // also on connections that others have used before
      INFO(charset << ", session " << i);
      Client client(login);
      const Both both = on_both(client, "@@character_set_client");
      CHECK(both.replica == charset);
      CHECK(both.primary == charset);
      client.reset();  // a MySQL forgets it then, a MariaDB does not
      CHECK(on_both(client, "@@character_set_connection").replica == after_reset);
      CHECK(client.value("/* weir: primary */ SELECT @@character_set_connection") == after_reset);
    }
  }
}

TEST_CASE_METHOD(ClusterTest, "session state: the log says what pinned a session", "[state]") {
  WeirOptions options;
  options.sections["log"] = "level = \"debug\"\n";
  Weir weir(cluster, options);
  Client client = weir.connect();
  const std::string id = std::to_string(mysql_thread_id(client.raw()));
  client.query("SET @secret = 'value'");
  client.query("SET @secret = 'another'");  // no pin that it did not have
  client.query("CREATE TEMPORARY TABLE t (a INT)");
  Statement(client, "SELECT GET_LOCK('secret', 1)").execute();
  end(weir);
  const std::string log = weir.log();
  INFO(log);
  const auto count = [&](const std::string& text) {
    std::size_t found = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
    return found;
  };
  const std::string pinned = "session " + id + " pinned to the primary: ";
  CHECK(count(pinned) == 3);
  CHECK(count(pinned + "user_variable by 'SET @secret = ?'") == 1);
  CHECK(count(pinned + "temporary_table by 'CREATE TEMPORARY TABLE t") == 1);
  CHECK(count(pinned + "user_lock by 'SELECT GET_LOCK (...)'") == 1);
  CHECK(count("sessions pinned to the primary: user_variable 1, temporary_table 1, user_lock 1;") ==
        1);
}
