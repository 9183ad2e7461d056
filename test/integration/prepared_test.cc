// Binary prepared statements through the split.

#include <memory>

#include "test/integration/proxy_fixture.h"
#include "test/support/statement.h"

using namespace weir::test;

TEST_CASE_METHOD(ProxyTest, "prepared: SELECT on a replica, INSERT on the primary, one session",
                 "[prepared]") {
  table("t (id INT PRIMARY KEY, v VARCHAR(50))");
  Client client = weir.connect();
  Statement where(client, "SELECT @@server_id, ?");
  Statement insert(client, "INSERT INTO t VALUES (?, ?)");
  Statement read(client, "SELECT v FROM t WHERE id = ?");
  for (int i = 0; i < 50; ++i) {
    const std::string text = "value " + std::to_string(i);
    CHECK(insert.execute({i, text}).affected == 1);
    CHECK(read.execute({i}).text() == text + "\n");
    CHECK(where.execute({i}).rows[0][1] == std::to_string(i));
    if (i % 10 == 0) CHECK(until([&] { return is_replica(where.execute({i}).value()); }));
  }
}

TEST_CASE_METHOD(ProxyTest, "prepared: inside transactions", "[prepared]") {
  table("t (id INT PRIMARY KEY, v VARCHAR(50))");
  Client client = weir.connect();
  Statement where(client, "SELECT @@server_id");
  Statement insert(client, "INSERT INTO t VALUES (?, ?)");
  Statement count(client, "SELECT COUNT(*) FROM t");
  for (int i = 0; i < 5; ++i) {
    CHECK(until([&] { return is_replica(where.execute().value()); }));
    client.query("BEGIN");
    CHECK(where.execute().value() == "1");
    insert.execute({i, "x"});
    CHECK(count.execute().value() == std::to_string(i + 1));
    client.query("ROLLBACK");
    CHECK(count.execute().value() == std::to_string(i));
    client.query("BEGIN");
    insert.execute({i, "x"});
    client.query("COMMIT");
    CHECK(count.execute().value() == std::to_string(i + 1));
    client.query("START TRANSACTION READ ONLY");
    CHECK(count.execute().value() == std::to_string(i + 1));
    client.query("COMMIT");
  }
}

TEST_CASE_METHOD(ProxyTest, "prepared: types that are not sent again, from server to server",
                 "[prepared]") {
  table("t (id INT PRIMARY KEY, v VARCHAR(50))");
  Client client = weir.connect();
  // The library sends the types with the first execute only; each server learns them from weir.
  Statement read(client, "SELECT ?, ?, @@server_id");
  for (int i = 0; i < 30; ++i) {
    if (i % 3 == 1) client.query("BEGIN");
    if (i > 0 && i % 3 == 0) {
      CHECK(until([&] { return is_replica(*read.execute_again({i, "text"}).rows[0][2]); }));
    }
    const Result answer = i == 0 ? read.execute({i, "text"}) : read.execute_again({i, "text"});
    CHECK(answer.rows[0][0] == std::to_string(i));
    CHECK(answer.rows[0][1] == "text");
    if (i % 3 == 1) CHECK(answer.rows[0][2] == "1");
    if (i % 3 == 1) client.query("COMMIT");
  }
}

TEST_CASE_METHOD(ProxyTest, "prepared: long data", "[prepared]") {
  table("t (id INT PRIMARY KEY, v LONGBLOB)");
  Client client = weir.connect();
  Statement insert(client, "INSERT INTO t VALUES (?, ?)");
  Statement length(client, "SELECT LENGTH(?), @@server_id, ?");
  const std::string piece(100000, 'x');
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 30; ++i) insert.send_long(1, piece);
    CHECK(insert.execute({round, Long{}}).affected == 1);
    CHECK(client.value("SELECT LENGTH(v) FROM t WHERE id = " + std::to_string(round)) == "3000000");
    CHECK(until([&] {
      for (int i = 0; i < 5; ++i) length.send_long(0, piece);
      const Result answer = length.execute({Long{}, round});
      CHECK(answer.value() == "500000");
      return is_replica(*answer.rows[0][1]);
    }));
  }
  // What was sent and then reset is forgotten.
  length.send_long(0, piece);
  length.reset();
  CHECK(length.execute({"short", 1}).value() == "5");
  length.send_long(0, piece);
  client.query("BEGIN");
  CHECK(length.execute({Long{}, 1}).value() == "100000");
  client.query("COMMIT");
}

TEST_CASE_METHOD(ProxyTest, "prepared: cursors", "[prepared]") {
  table("t (id INT PRIMARY KEY)");
  std::string values = "(0)";
  for (int i = 1; i < 1000; ++i) values += ",(" + std::to_string(i) + ")";
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES " + values});
  cluster.catch_up();
  Client client = weir.connect();
  for (const unsigned long prefetch : {1ul, 7ul, 5000ul}) {
    Statement cursor(client, "SELECT id, @@server_id FROM t WHERE id < ? ORDER BY id");
    cursor.use_cursor(prefetch);
    cursor.start({500});
    int expected = 0;
    while (const auto row = cursor.fetch()) {
      REQUIRE((*row)[0] == std::to_string(expected));
      if (++expected == 250) {  // writes and reads of the session in between
        client.query("REPLACE INTO t VALUES (5000)");
        CHECK(client.value("SELECT COUNT(*) FROM t") == "1001");
      }
    }
    CHECK(expected == 500);
  }
  Statement left_open(client, "SELECT id FROM t");
  left_open.use_cursor(1);
  left_open.start({});
  CHECK(left_open.fetch());
  left_open.reset();
  CHECK(client.value("SELECT 1") == "1");
  left_open.start({});
  CHECK(left_open.fetch());
}

// The library itself knows which statements are gone; what servers and weir say to unknown ids is
// asked byte by byte elsewhere (malformed.py).
TEST_CASE_METHOD(ProxyTest, "prepared: closed statements", "[prepared]") {
  Client client = weir.connect();
  for (int i = 0; i < 20; ++i) {
    Statement first(client, "SELECT 1");
    { Statement gone(client, "SELECT 2"); }
    CHECK(first.execute().value() == "1");
    Statement next(client, "SELECT 3");
    CHECK(next.execute().value() == "3");
    if (i % 3 == 1) client.reset();  // takes every statement with it
    if (i % 3 == 2)
      REQUIRE(client.change_user("app", cluster.value("APP_PASSWORD"), "weir_test").code == 0);
  }
  Statement fresh(client, "SELECT 4");
  CHECK(fresh.execute().value() == "4");
}

TEST_CASE_METHOD(ProxyTest, "prepared: errors are the servers' own", "[prepared]") {
  table("t (id INT PRIMARY KEY, v VARCHAR(5))");
  Client client = weir.connect();
  Client direct = cluster.server(1);
  direct.use("weir_test");
  for (const std::string text : {"SELEC 1", "SELECT * FROM missing", "SELECT nothing FROM t",
                                 "INSERT INTO t VALUES (?)", "SELECT 1; SELECT 2", ""}) {
    INFO(text);
    CHECK(Statement::prepare_error(client, text) == Statement::prepare_error(direct, text));
  }
  Statement insert(client, "INSERT INTO t VALUES (?, ?)");
  insert.execute({1, "a"});
  CHECK(insert.error_of_execute({1, "b"}).code == 1062);
  CHECK(insert.error_of_execute({2, "too long"}).code == 1406);
  CHECK(insert.execute({2, "b"}).affected == 1);
}

TEST_CASE_METHOD(ProxyTest, "prepared: NULLs and all types", "[prepared]") {
  const std::string columns =
      "a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, d INT, e BIGINT UNSIGNED, f FLOAT, g DOUBLE, "
      "h DECIMAL(20,5), i DATE, j TIME(3), k DATETIME(6), l TIMESTAMP NULL, m YEAR, n CHAR(5), "
      "o VARCHAR(20), p BINARY(4), q BLOB, r TEXT, s ENUM('x','y'), t SET('p','q'), u BIT(12), v "
      "JSON";
  table("types (id INT PRIMARY KEY, " + columns + ") CHARACTER SET utf8mb4");
  cluster.sql(
      1,
      {"SET time_zone = '+00:00'",
       "INSERT INTO weir_test.types VALUES (1, -128, 65535, -8388608, -2147483648, "
       "18446744073709551615, 1.5, -2.25, 123456789012345.12345, '2020-02-29', '-838:59:58.999', "
       "'1999-12-31 23:59:59.123456', '2001-02-03 04:05:06', 2024, 'abc', 'd\xc3\xa9j\xc3\xa0', "
       "'wxyz', x'00ff00', 'long text', 'y', 'p,q', b'101010101010', '{\"k\": [1, 2]}')",
       "INSERT INTO weir_test.types (id) VALUES (2)"});
  cluster.catch_up();
  const std::string text = "SELECT types.*, ? AS given FROM types WHERE id = ?";
  Client direct = cluster.server(1);
  direct.use("weir_test");
  Client client = weir.connect();
  for (Client* each : {&client, &direct}) each->query("SET time_zone = '+00:00', NAMES utf8mb4");
  Statement expected(direct, text);
  Statement on_replica(client, text);
  Statement on_primary(client, "/* weir: primary */ " + text);
  for (const int id : {1, 2}) {
    for (const Value& given :
         {Value(Null{}), Value(42), Value("text"), Value(std::string("\0\1'", 3))}) {
      const Result want = expected.execute({given, id});
      CHECK(on_replica.execute({given, id}).text() == want.text());
      CHECK(on_primary.execute({given, id}).text() == want.text());
      CHECK(want.rows.size() == 1);
    }
  }
}

// The library does not cope with another number of columns, so that stays.
TEST_CASE_METHOD(ProxyTest, "prepared: after the table has changed", "[prepared]") {
  table("t (id INT PRIMARY KEY, v INT)");
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES (1, 5)"});
  cluster.catch_up();
  Client client = weir.connect();
  Statement read(client, "SELECT * FROM t ORDER BY id");
  Statement insert(client, "INSERT INTO t VALUES (?, ?)");
  CHECK(read.execute().text() == "1|5\n");
  client.query("ALTER TABLE t MODIFY v VARCHAR(20)");
  CHECK(read.execute().text() == "1|5\n");
  CHECK(insert.execute({2, "text"}).affected == 1);
  CHECK(read.execute().text() == "1|5\n2|text\n");
  client.query("ALTER TABLE t ADD COLUMN w INT FIRST, DROP COLUMN v");
  for (int i = 0; i < 5; ++i) CHECK(read.execute().text() == "NULL|1\nNULL|2\n");
  CHECK(until([&] { return is_replica(client.value("SELECT @@server_id FROM t LIMIT 1")); }));
  CHECK(read.execute().text() == "NULL|1\nNULL|2\n");
  client.query("DROP TABLE t");
  CHECK(read.error_of_execute().code == 1146);
  CHECK(insert.error_of_execute({3, "x"}).code == 1146);
}

TEST_CASE_METHOD(ProxyTest, "prepared: two hundred statements at once", "[prepared]") {
  Client client = weir.connect();
  std::vector<std::unique_ptr<Statement>> statements;
  for (int i = 0; i < 200; ++i) {
    statements.push_back(
        std::make_unique<Statement>(client, "SELECT " + std::to_string(i) + " + ?, @@server_id"));
  }
  for (int round = 0; round < 3; ++round) {
    if (round == 1) client.query("BEGIN");
    for (int i = 0; i < 200; ++i) {
      const Result answer = statements[static_cast<std::size_t>(i)]->execute({1000});
      CHECK(answer.value() == std::to_string(i + 1000));
      if (round == 0) CHECK(is_replica(*answer.rows[0][1]));
      if (round == 1) CHECK(answer.rows[0][1] == "1");
    }
    if (round == 1) client.query("COMMIT");
  }
  while (statements.size() > 100) statements.pop_back();
  CHECK(statements.back()->execute({0}).value() == "99");
}

TEST_CASE_METHOD(ClusterTest, "prepared: the limit on open statements", "[prepared]") {
  WeirOptions options;
  options.sections["limits"] = "prepared_statements = 5\n";
  Weir weir(cluster, options);
  Client client = weir.connect();
  std::vector<std::unique_ptr<Statement>> statements;
  for (int i = 0; i < 5; ++i) statements.push_back(std::make_unique<Statement>(client, "SELECT 1"));
  const Error refused = Statement::prepare_error(client, "SELECT 2");
  CHECK(refused.code == 1461);
  CHECK(refused.sqlstate == "42000");
  statements.pop_back();
  Statement fits(client, "SELECT 3");
  CHECK(fits.execute().value() == "3");
  end(weir);
}

TEST_CASE_METHOD(ProxyTest, "prepared: a CALL with several results", "[prepared]") {
  cluster.sql(1, {"CREATE PROCEDURE weir_test.several(n INT, OUT twice INT) BEGIN SELECT n; SELECT "
                  "n + 1, 'x'; "
                  "SET twice = n * 2; END"});
  Client client = weir.connect();
  Statement call(client, "CALL several(?, @out)");
  const std::vector<Result> results = call.execute_all({5});
  REQUIRE(results.size() >= 2);
  CHECK(results[0].text() == "5\n");
  CHECK(results[1].text() == "6|x\n");
  CHECK(client.value("SELECT @out") == "10");
  CHECK(call.execute_all({6})[0].text() == "6\n");
}

TEST_CASE_METHOD(ProxyTest, "prepared: MariaDB's bulk execute", "[prepared]") {
  if (!cluster.mariadb()) return;
  table("t (id INT PRIMARY KEY, v INT)");
  Client client = weir.connect();
  Statement insert(client, "INSERT INTO t VALUES (?, ?)");
  std::vector<int> ids(500);
  std::vector<int> values(500);
  MYSQL_BIND parameters[2] = {};
  parameters[0].buffer_type = parameters[1].buffer_type = MYSQL_TYPE_LONG;
  parameters[0].buffer = ids.data();
  parameters[1].buffer = values.data();
  unsigned rows = 500;
  mysql_stmt_attr_set(insert.raw(), STMT_ATTR_ARRAY_SIZE, &rows);
  REQUIRE(mysql_stmt_bind_param(insert.raw(), parameters) == 0);
  for (int round = 0; round < 3; ++round) {  // the types are sent with the first only
    for (int i = 0; i < 500; ++i) ids[static_cast<std::size_t>(i)] = round * 500 + i;
    INFO(mysql_stmt_error(insert.raw()));
    CHECK(mysql_stmt_execute(insert.raw()) == 0);
    CHECK(mysql_stmt_affected_rows(insert.raw()) == 500);
    CHECK(client.value("SELECT COUNT(*) FROM t") == std::to_string((round + 1) * 500));
  }
}

// MariaDB's library sends the execute along with the prepare, and means "the last one".
TEST_CASE_METHOD(ProxyTest, "prepared: executed in the same write", "[prepared]") {
  if (!cluster.mariadb()) return;
  table("t (id INT PRIMARY KEY)");
  Client client = weir.connect();
  for (int i = 0; i < 20; ++i) {
    MYSQL_STMT* statement = mysql_stmt_init(client.raw());
    const std::string insert = "INSERT INTO t VALUES (" + std::to_string(i) + ")";
    const bool wrong = i % 5 == 4;
    const std::string text = wrong ? "INSERT INTO" : insert;
    CHECK((mariadb_stmt_execute_direct(statement, text.data(), text.size()) != 0) == wrong);
    mysql_stmt_close(statement);
    CHECK(client.ping());
  }
  CHECK(client.value("SELECT COUNT(*) FROM t") == "16");
}
