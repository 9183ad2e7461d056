// Where statements are answered, by the servers' own word: @@server_id in the answer, and their
// counters.

#include <set>

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

namespace {

constexpr const char* kOnPrimary = "/* weir: primary */ ";

// Which server answers the session's plain reads.
std::string where(Client& client) {
  return client.value("SELECT @@server_id");
}

}  // namespace

TEST_CASE_METHOD(ProxyTest, "routing: reads land on both replicas, by name and by counter",
                 "[routing]") {
  constexpr int kReads = 200;
  std::map<int, long> selects, collations;
  for (const int n : {1, 2, 3}) {
    selects[n] = cluster.counter(n, "Com_select");
    collations[n] = cluster.counter(n, "Com_show_collations");
  }
  std::map<std::string, int> answers;
  for (int session = 0; session < 20; ++session) {
    Client client = weir.connect();
    for (int i = 0; i < kReads / 20; ++i) ++answers[where(client)];
    client.query("SHOW COLLATION LIKE 'utf8mb4_bin'");
  }
  CHECK(answers["2"] > 0);
  CHECK(answers["3"] > 0);
  CHECK(answers["2"] + answers["3"] == kReads);
  for (const int n : {1, 2, 3}) {
    selects[n] = cluster.counter(n, "Com_select") - selects[n];
    collations[n] = cluster.counter(n, "Com_show_collations") - collations[n];
  }
  CHECK(selects[2] >= answers["2"]);
  CHECK(selects[3] >= answers["3"]);
  CHECK(collations[1] == 0);  // nobody but the test asks for these
  CHECK(collations[2] > 0);
  CHECK(collations[3] > 0);
  CHECK(collations[2] + collations[3] == 20);
}

TEST_CASE_METHOD(ProxyTest, "routing: writes land on the primary, by counter", "[routing]") {
  table("t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)");
  const std::vector<std::string> kinds = {"Com_insert",  "Com_update",   "Com_delete",
                                          "Com_replace", "Com_truncate", "Com_create_table"};
  std::map<std::string, long> before;
  for (const std::string& kind : kinds) before[kind] = cluster.counter(1, kind);
  Client client = weir.connect();
  for (int i = 0; i < 10; ++i) {
    CHECK(client.query("INSERT INTO t (v) VALUES (1), (2)").affected == 2);
    CHECK(comes_to_a_replica(client));
  }
  CHECK(client.query("UPDATE t SET v = v + 1").affected == 20);
  CHECK(client.query("DELETE FROM t LIMIT 3").affected == 3);
  CHECK(client.query("REPLACE INTO t VALUES (100, 1)").affected == 1);
  client.query("TRUNCATE t");
  client.query("CREATE TABLE t2 (a INT)");
  const std::vector<long> expected = {10, 1, 1, 1, 1, 1};
  // A replica counts what it applies, too: that it ran nothing of its own, its GTIDs tell (see
  // ClusterTest).
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    INFO(kinds[i]);
    CHECK(cluster.counter(1, kinds[i]) - before[kinds[i]] == expected[i]);
  }
}

TEST_CASE_METHOD(ProxyTest, "routing: what must not be answered by a replica", "[routing]") {
  table("t (id INT PRIMARY KEY, v INT)");
  cluster.sql(
      1, {"INSERT INTO weir_test.t VALUES (1, 10)",
          "CREATE FUNCTION weir_test.writes() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN "
          "INSERT INTO weir_test.t VALUES (FLOOR(RAND() * 1000000000) + 10, 0); RETURN "
          "@@server_id; END",
          "CREATE PROCEDURE weir_test.whereami() SELECT @@server_id"});
  cluster.catch_up();
  const std::vector<std::string> statements = {
      "SELECT @@server_id FROM t WHERE id = 1 FOR UPDATE",
      "SELECT @@server_id FROM t WHERE id = 1 LOCK IN SHARE MODE",
      "SELECT @@server_id FROM (SELECT * FROM t FOR UPDATE) d LIMIT 1",
      "(SELECT @@server_id FROM t LIMIT 1) FOR UPDATE",
      "/*! SELECT */ @@server_id FROM t LIMIT 1 /*!FOR UPDATE*/",
      "SELECT @@server_id, GET_LOCK('weir-routing', 0)",
      "SELECT @@server_id, RELEASE_ALL_LOCKS()",
      "SELECT @@server_id, LAST_INSERT_ID(5)",
      "SELECT writes()",
      "CALL whereami()",
      "/* weir: primary */ SELECT @@server_id",
      "/*FORCE_MASTER*/ SELECT @@server_id",
      "-- maxscale route to master\nSELECT @@server_id",
      "SELECT @x := @@server_id",
  };
  for (const std::string& statement : statements) {
    Client client = weir.connect();
    CHECK(is_replica(where(client)));
    INFO(statement);
    CHECK(client.value(statement) == "1");
  }
}

TEST_CASE_METHOD(ProxyTest, "routing: what a replica may answer", "[routing]") {
  table("t (id INT PRIMARY KEY, v INT)");
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES (1, 10)"});
  cluster.catch_up();
  const std::vector<std::string> statements = {
      "SELECT @@server_id",
      "  \n/* a comment */ SELECT @@server_id -- and its end",
      "(SELECT @@server_id)",
      "SELECT @@server_id UNION SELECT @@server_id",
      "WITH c AS (SELECT @@server_id AS id) SELECT id FROM c",
      "SELECT @@server_id /* FOR UPDATE */",
      "SELECT @@server_id, 'FOR UPDATE', \"INTO OUTFILE\" FROM t",
      "/* weir: replica */ SELECT @@server_id",
      "SELECT /*! @@server_id */",
  };
  for (const std::string& statement : statements) {
    Client client = weir.connect();
    INFO(statement);
    CHECK(is_replica(client.value(statement)));
  }
}

TEST_CASE_METHOD(ProxyTest, "routing: user variables keep the session where they live",
                 "[routing]") {
  Client client = weir.connect();
  client.query("SET @a = 5");
  CHECK(client.text("SELECT @a, @@server_id") == "5|1\n");
  client.query("SELECT @@server_id INTO @b");
  CHECK(client.text("SELECT @a, @b, @@server_id") == "5|1|1\n");
  CHECK(client.text("SELECT @c := @a + 1") == "6\n");
  CHECK(client.value("SELECT @c") == "6");
  client.reset();
  CHECK(client.value("SELECT @a") == "NULL");
  CHECK(comes_to_a_replica(client));
}

TEST_CASE_METHOD(ProxyTest, "routing: several statements in one packet", "[routing]") {
  table("t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)");
  Login login = weir.login();
  login.flags = CLIENT_MULTI_STATEMENTS;
  Client client(login);
  auto results = client.results(
      "INSERT INTO t (v) VALUES (7); SELECT v, @@server_id FROM t; SELECT LAST_INSERT_ID()");
  REQUIRE(results.size() == 3);
  CHECK(results[0].affected == 1);
  CHECK(results[1].text() == "7|1\n");
  CHECK(results[2].text() == "1\n");
  results = client.results("SELECT 1; SELECT @@server_id; SELECT COUNT(*) FROM t");
  REQUIRE(results.size() == 3);
  CHECK(results[2].text() == "1\n");
  // An error in the middle ends the rest, and the session goes on.
  CHECK(client.error_of("SELECT 1; SELECT * FROM missing; INSERT INTO t (v) VALUES (8)").code ==
        1146);
  CHECK(client.value("SELECT COUNT(*) FROM t") == "1");
  results = client.results("BEGIN; INSERT INTO t (v) VALUES (9)");
  CHECK(client.text("SELECT COUNT(*), MAX(@@server_id) FROM t") == "2|1\n");
  client.results("ROLLBACK; SELECT 1");
  CHECK(client.value("SELECT COUNT(*) FROM t") == "1");
  // Without the capability, a second statement is a syntax error, as on the server itself.
  Client plain = weir.connect();
  CHECK(plain.error_of("SELECT 1; SELECT 2").code == 1064);
  REQUIRE(mysql_set_server_option(plain.raw(), MYSQL_OPTION_MULTI_STATEMENTS_ON) == 0);
  CHECK(plain.results("SELECT 1; SELECT 2").size() == 2);
  CHECK(plain.results("INSERT INTO t (v) VALUES (3); SELECT 2").size() == 2);
  REQUIRE(mysql_set_server_option(plain.raw(), MYSQL_OPTION_MULTI_STATEMENTS_OFF) == 0);
  CHECK(plain.error_of("SELECT 1; SELECT 2").code == 1064);
}

TEST_CASE_METHOD(ProxyTest,
                 "routing: LAST_INSERT_ID, ROW_COUNT and FOUND_ROWS speak of the session",
                 "[routing]") {
  table("t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)");
  Client client = weir.connect();
  const Result inserted = client.query("INSERT INTO t (v) VALUES (1), (2), (3)");
  CHECK(inserted.insert_id == 1);
  CHECK(client.value("SELECT ROW_COUNT()") == "3");
  CHECK(client.value("SELECT LAST_INSERT_ID()") == "1");
  CHECK(client.value("SELECT @@identity") == "1");
  CHECK(comes_to_a_replica(client));
  CHECK(client.value("SELECT LAST_INSERT_ID()") == "1");  // also after a read elsewhere
  client.query("UPDATE t SET v = 5 WHERE v < 3");
  CHECK(client.value("SELECT ROW_COUNT()") == "2");
  cluster.catch_up();
  until([&] { return is_replica(client.value("SELECT @@server_id FROM t LIMIT 1")); });
  CHECK(client.query("SELECT SQL_CALC_FOUND_ROWS id FROM t ORDER BY id LIMIT 1").text() == "1\n");
  CHECK(client.value("SELECT FOUND_ROWS()") == "3");
  CHECK(client.query("SELECT id FROM t ORDER BY id LIMIT 2").rows.size() == 2);
  CHECK(client.value("SELECT FOUND_ROWS()") == "2");
}

TEST_CASE_METHOD(ProxyTest, "routing: warnings are those of the last statement, on either server",
                 "[routing]") {
  table("t (id INT PRIMARY KEY AUTO_INCREMENT, v TINYINT, w VARCHAR(3))");
  Client client = weir.connect();
  Client direct = cluster.server(1);
  direct.use("weir_test");
  const std::string mode = "SET sql_mode = ''";
  client.query(mode);
  direct.query(mode);
  for (const std::string statement :
       {"SELECT CAST('12x' AS SIGNED)", "INSERT INTO t (v, w) VALUES (1000, 'too long')",
        "SELECT 1/0, CAST('y' AS SIGNED)", "DROP TABLE IF EXISTS nothing_here"}) {
    INFO(statement);
    CHECK(client.query(statement).warnings == direct.query(statement).warnings);
    CHECK(client.text("SHOW WARNINGS") == direct.text("SHOW WARNINGS"));
    CHECK(client.text("SHOW COUNT(*) WARNINGS") == direct.text("SHOW COUNT(*) WARNINGS"));
  }
  for (const std::string statement :
       {"SELECT * FROM missing", "INSERT INTO missing VALUES (1)", "garbage"}) {
    INFO(statement);
    CHECK(client.error_of(statement) == direct.error_of(statement));
    CHECK(client.text("SHOW WARNINGS") == direct.text("SHOW WARNINGS"));
    CHECK(client.text("SHOW ERRORS") == direct.text("SHOW ERRORS"));
    CHECK(client.text("SELECT @@error_count") == direct.text("SELECT @@error_count"));
  }
  client.query("INSERT INTO t (v) VALUES (2)");
  client.error_of("INSERT INTO t (nothing) VALUES (2)");
  client.query("GET DIAGNOSTICS CONDITION 1 @code = MYSQL_ERRNO");
  CHECK(client.value("SELECT @code") == "1054");
}

// MariaDB keeps them while no table is used, MySQL does not.
TEST_CASE_METHOD(ProxyTest, "routing: warnings behind reads without a table", "[routing]") {
  table("t (id INT PRIMARY KEY AUTO_INCREMENT, v TINYINT)");
  Client direct = cluster.server(1);
  direct.use("weir_test");
  for (int round = 0; round < 5; ++round) {
    Client before = weir.connect();  // whose warnings nobody else sees
    before.query("SELECT CAST('before' AS SIGNED)");
    before.error_of("/* weir: primary */ SELECT * FROM before_it");
  }
  Client client = weir.connect();
  for (Client* one : {&client, &direct}) one->query("SET sql_mode = ''");
  for (const std::string statement :
       {"SELECT 1", "INSERT INTO t (v) VALUES (1000)", "SELECT 1", "SELECT 2", "SELECT v FROM t",
        "SELECT 1", "SELECT CAST('y' AS SIGNED)", "SELECT 3", "SELECT * FROM missing", "SELECT 4",
        "SET sql_notes = 1", "SELECT 5", "DO 1"}) {
    INFO(statement);
    CHECK(client.error_of(statement) == direct.error_of(statement));
    CHECK(client.text("SHOW WARNINGS") == direct.text("SHOW WARNINGS"));
  }
}

TEST_CASE_METHOD(ProxyTest, "routing: a hint does not break the promise", "[routing]") {
  table("t (id INT PRIMARY KEY, v INT)");
  Client client = weir.connect();
  client.query("/* weir: replica */ INSERT INTO t VALUES (1, 1)");
  client.query("/*FORCE_SLAVE*/ UPDATE t SET v = 2");
  CHECK(client.value("/* weir: replica */ SELECT @@server_id FROM t FOR UPDATE") == "1");
  client.query("BEGIN");
  CHECK(client.text("/* weir: replica */ SELECT v, @@server_id FROM t") == "2|1\n");
  client.query("COMMIT");
  CHECK(client.value(std::string(kOnPrimary) + "SELECT v FROM t") == "2");
}

TEST_CASE_METHOD(ClusterTest, "routing: observe mode and routed users", "[routing]") {
  SECTION("observe") {
    WeirOptions options;
    options.sections["routing"] = "mode = \"observe\"\n";
    options.wait = false;
    Weir weir(cluster, options);
    until([&] { return login_error(weir.login("APP", "")).code == 0; });
    CHECK(weir.readers() == std::vector<int>{1});
    end(weir);
  }
  SECTION("route = primary") {
    WeirOptions options;
    options.user_lines = "route = \"primary\"\n";
    options.wait = false;
    Weir weir(cluster, options);
    until([&] { return login_error(weir.login("APP", "")).code == 0; });
    CHECK(weir.readers() == std::vector<int>{1});
    end(weir);
  }
  SECTION("the primary as one more replica") {
    WeirOptions options;
    options.sections["routing"] = "primary_reads = \"always\"\n";
    options.wait = false;
    Weir weir(cluster, options);
    CHECK(until([&] {
      return login_error(weir.login("APP", "")).code == 0 &&
             weir.readers(40) == std::vector<int>{1, 2, 3};
    }));
    end(weir);
  }
}
