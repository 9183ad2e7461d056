// Results of every shape arrive as the servers gave them.

#include <sys/socket.h>

#include "test/integration/proxy_fixture.h"
#include "test/support/local_file.h"

using namespace weir::test;

namespace {

std::string numbers(int count) {
  std::string values = "(0)";
  for (int i = 1; i < count; ++i) values += ",(" + std::to_string(i) + ")";
  return values;
}

}  // namespace

TEST_CASE_METHOD(ProxyTest, "results: a hundred thousand rows", "[results]") {
  table("t (id INT PRIMARY KEY)");
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES " + numbers(100000)});
  cluster.catch_up();
  Client client = weir.connect();
  const Result all = client.query("SELECT id, REPEAT('x', 20), @@server_id FROM t ORDER BY id");
  REQUIRE(all.rows.size() == 100000);
  bool right = true;
  for (std::size_t i = 0; i < all.rows.size(); ++i)
    right = right && all.rows[i][0] == std::to_string(i);
  CHECK(right);
  CHECK(is_replica(*all.rows[99999][2]));
  CHECK(client.query("SELECT id FROM t ORDER BY id FOR UPDATE").rows.size() == 100000);
}

TEST_CASE_METHOD(ProxyTest, "results: empty ones, wide ones and long names", "[results]") {
  table("t (id INT PRIMARY KEY)");
  Client client = weir.connect();
  const Result none = client.query("SELECT id, 'x' AS text FROM t");
  CHECK(none.rows.empty());
  CHECK(none.columns == std::vector<std::string>{"id", "text"});
  std::string wide = "SELECT 0";
  for (int i = 1; i < 1000; ++i) wide += ", " + std::to_string(i);
  CHECK(client.query(wide).rows[0][999] == "999");
  const std::string name(64, 'n');
  CHECK(client.query("SELECT 1 AS `" + name + "`").columns[0] == name);
  CHECK(client.text("SELECT NULL, '', 0") == "NULL||0\n");
  const std::string bytes("\0\1\xff'\\", 5);
  CHECK(client.value("SELECT x'0001ff275c'") == bytes);
}

TEST_CASE_METHOD(ProxyTest, "results: a CALL with several selects and OUT", "[results]") {
  cluster.sql(
      1,
      {"CREATE PROCEDURE weir_test.several(IN n INT, OUT twice INT) BEGIN SELECT n, @@server_id; "
       "SELECT 1 WHERE FALSE; SELECT 'last'; SET twice = 2 * n; END",
       "CREATE PROCEDURE weir_test.fails() BEGIN SELECT 1; SELECT * FROM not_there; END"});
  Client client = weir.connect();
  const std::vector<Result> results = client.results("CALL several(4, @twice)");
  REQUIRE(results.size() == 4);  // and the OK of the CALL itself
  CHECK(results[0].text() == "4|1\n");
  CHECK(results[1].rows.empty());
  CHECK(results[2].text() == "last\n");
  CHECK(client.value("SELECT @twice") == "8");
  const Error failed = client.error_of("CALL fails()");
  CHECK(failed.code == 1146);
  CHECK(client.value("SELECT 5") == "5");
}

TEST_CASE_METHOD(ProxyTest, "results: LOAD DATA LOCAL INFILE", "[results]") {
  table("t (id INT PRIMARY KEY, v VARCHAR(100))");
  std::string content;
  for (int i = 0; i < 20000; ++i)
    content += std::to_string(i) + "\tUSE app; -- " + std::to_string(i) + "\n";
  const LocalFile file(content);
  Login login = weir.login();
  login.local_files = true;
  Client client(login);
  const std::string load = "LOAD DATA LOCAL INFILE '" + file.path + "' INTO TABLE t";
  CHECK(client.query(load).affected == 20000);
  CHECK(client.value("SELECT COUNT(*) FROM t") == "20000");
  CHECK(client.value("SELECT v FROM t WHERE id = 19999") == "USE app; -- 19999");
  // A second time: duplicates are skipped, with warnings.
  const Result again =
      client.query("LOAD DATA LOCAL INFILE '" + file.path + "' IGNORE INTO TABLE t");
  CHECK(again.affected == 0);
  CHECK(client.query("SHOW WARNINGS LIMIT 3").rows.size() == 3);
  // A file that is not there: the client's own error, and the session lives.
  CHECK(client.error_of("LOAD DATA LOCAL INFILE '/not/there' INTO TABLE t").code != 0);
  CHECK(client.value("SELECT COUNT(*) FROM t") == "20000");
  const LocalFile empty("");
  CHECK(client.query("LOAD DATA LOCAL INFILE '" + empty.path + "' INTO TABLE t").affected == 0);
  client.query("TRUNCATE t");
  client.query("BEGIN");
  CHECK(client.query(load).affected == 20000);
  client.query("ROLLBACK");
  CHECK(client.value("SELECT COUNT(*) FROM t") == "0");
}

TEST_CASE_METHOD(ProxyTest, "results: one slow reader does not hold up the others", "[results]") {
  table("t (id INT PRIMARY KEY)");
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES " + numbers(3000)});
  cluster.catch_up();
  Client slow = weir.connect();
  // About 60 MB, more than all buffers on the way.
  const std::string big = "SELECT id, REPEAT('y', 20000) FROM t ORDER BY id";
  REQUIRE(mysql_query(slow.raw(), big.c_str()) == 0);
  MYSQL_RES* rows = mysql_use_result(slow.raw());
  REQUIRE(rows != nullptr);
  int read = 0;
  while (const MYSQL_ROW row = mysql_fetch_row(rows)) {
    REQUIRE(std::string(row[0]) == std::to_string(read));
    if (++read % 500 == 0) {
      in_parallel(4, [&](int) {
        Client quick = weir.connect();
        for (int i = 0; i < 20; ++i) quick.query("SELECT COUNT(*) FROM t");
      });
    }
  }
  CHECK(mysql_errno(slow.raw()) == 0);
  mysql_free_result(rows);
  CHECK(read == 3000);
  CHECK(slow.value("SELECT 1") == "1");
}

TEST_CASE_METHOD(ProxyTest, "results: a client that vanishes in the middle of a result",
                 "[results]") {
  table("t (id INT PRIMARY KEY)");
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES " + numbers(3000)});
  cluster.catch_up();
  for (int i = 0; i < 6; ++i) {
    Client client = weir.connect();
    const std::string big = std::string(i % 2 == 0 ? "" : "/* weir: primary */ ") +
                            "SELECT id, REPEAT('y', 20000) FROM t";
    REQUIRE(mysql_query(client.raw(), big.c_str()) == 0);
    MYSQL_RES* rows = mysql_use_result(client.raw());
    REQUIRE(mysql_fetch_row(rows) != nullptr);
    ::shutdown(static_cast<int>(mysql_get_socket(client.raw())), SHUT_RDWR);
    mysql_free_result(rows);
  }
  // The servers are not left with the rest of it.
  const std::string running =
      "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE "
      "'%REPEAT(_y_, 20000) FROM t'";
  for (const int n : {1, 2, 3}) CHECK(until([&] { return cluster.sql(n, {running}) == "0"; }));
  in_parallel(4, [&](int) {
    Client client = weir.connect();
    for (int i = 0; i < 50; ++i) {
      if (client.value("SELECT 'mine'") != "mine") throw std::runtime_error("somebody else's rows");
    }
  });
}
