// COM_RESET_CONNECTION and COM_CHANGE_USER leave nothing of a session behind.

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

namespace {

// Everything at once that a session can leave behind.
void make_a_mess(Client& client) {
  client.query(
      "SET @a = 1, sql_mode = 'ANSI_QUOTES', time_zone = '+05:00', group_concat_max_len = 99");
  client.query("SET NAMES latin1");
  client.query("CREATE TEMPORARY TABLE own_temp (a INT)");
  client.query("PREPARE p FROM 'SELECT 1'");
  CHECK(client.value("SELECT GET_LOCK('weir-reset', 0)") == "1");
  client.query("SET autocommit = 0");
  client.query("INSERT INTO t VALUES (1, 1)");
}

// What is left of the mess, read on whichever server answers and on the primary.
void check_clean(Client& client, Client& untouched) {
  for (const std::string where : {"", "/* weir: primary */ "}) {
    INFO(where);
    const std::string read = where +
                             "SELECT @a, @@sql_mode, @@time_zone, @@group_concat_max_len, "
                             "@@character_set_client, @@character_set_results, @@autocommit";
    CHECK(client.text(read) == untouched.text(read));
  }
  CHECK(client.error_of("SELECT * FROM weir_test.own_temp").code == 1146);
  CHECK(client.error_of("EXECUTE p").code == 1243);
  CHECK(client.value("SELECT COUNT(*) FROM weir_test.t") == "0");
  CHECK(untouched.value("SELECT GET_LOCK('weir-reset', 60)") == "1");
  untouched.query("DO RELEASE_LOCK('weir-reset')");
}

}  // namespace

TEST_CASE_METHOD(ProxyTest, "reset: COM_RESET_CONNECTION", "[reset]") {
  table("t (id INT PRIMARY KEY, v INT)");
  Client client = weir.connect();
  CHECK(is_replica(client.value("SELECT @@server_id")));
  make_a_mess(client);
  client.use("app");
  client.reset();
  CHECK(client.value("SELECT DATABASE()") == "app");  // stays, on servers, too
  CHECK(client.value("/* weir: primary */ SELECT DATABASE()") == "app");
  Client untouched = weir.connect();
  check_clean(client, untouched);
  client.reset();
  CHECK(comes_to_a_replica(client));
  for (int i = 0; i < 50; ++i) client.reset();
  CHECK(client.value("SELECT 5") == "5");
}

// A server's reset keeps the schema and forgets the character set that comes with it.
TEST_CASE_METHOD(ProxyTest, "reset: files are read in the schema's character set", "[reset]") {
  cluster.sql(1, {"ALTER DATABASE weir_test CHARACTER SET utf8mb3"});
  cluster.catch_up();
  Client client = weir.connect();
  client.use("weir_test");
  client.reset();
  CHECK(client.value("/* weir: primary */ SELECT @@character_set_database") == "utf8mb3");
  cluster.sql(1, {"DROP DATABASE weir_test"});
  client.reset();
  CHECK(client.value("SELECT 5") == "5");
}

TEST_CASE_METHOD(ProxyTest, "reset: COM_CHANGE_USER", "[reset]") {
  table("t (id INT PRIMARY KEY, v INT)");
  Client client = weir.connect();
  CHECK(is_replica(client.value("SELECT @@server_id")));
  make_a_mess(client);
  REQUIRE(client.change_user("app", cluster.value("APP_PASSWORD"), "weir_test").code == 0);
  Client untouched = weir.connect();
  check_clean(client, untouched);
}

// MySQL keeps what the login's flags have set, MariaDB does not.
TEST_CASE_METHOD(ProxyTest, "reset: flags of the login after a change of user", "[reset]") {
  Login through = weir.login("APP", "");
  Login to_server = cluster.root(1);
  through.flags = to_server.flags = CLIENT_IGNORE_SPACE;
  Client client(through);
  Client direct(to_server);
  for (Client* one : {&client, &direct}) {
    REQUIRE(one->change_user("app", cluster.value("APP_PASSWORD"), "").code == 0);
  }
  CHECK(client.value("SELECT @@sql_mode") == direct.value("SELECT @@sql_mode"));
}

TEST_CASE_METHOD(ProxyTest, "reset: change user to another account and back", "[reset]") {
  Client client = weir.connect("APP", "");
  REQUIRE(client.change_user("plain", cluster.value("PLAIN_PASSWORD"), "app").code == 0);
  CHECK(client.value("SELECT CURRENT_USER()") == "plain@%");
  CHECK(client.value("/* weir: primary */ SELECT CURRENT_USER()") == "plain@%");
  CHECK(client.value("SELECT DATABASE()") == "app");
  CHECK(client.error_of("SELECT * FROM sbtest.anything").code == 1142);
  REQUIRE(client.change_user("empty", "", "").code == 0);
  CHECK(client.value("SELECT CURRENT_USER()") == "empty@%");
  CHECK(client.value("SELECT DATABASE()") == "NULL");
  for (int i = 0; i < 10; ++i) {
    REQUIRE(client.change_user("app", cluster.value("APP_PASSWORD"), "").code == 0);
    CHECK(client.value("SELECT CURRENT_USER()") == "app@%");
  }
}

TEST_CASE_METHOD(ProxyTest, "reset: change user with a wrong password", "[reset]") {
  Client client = weir.connect();
  const Error refused = client.change_user("app", "wrong", "");
  CHECK(refused.code == 1045);
  CHECK(refused.sqlstate == "28000");
  Client direct = cluster.server(1);
  CHECK(direct.change_user("app", "wrong", "").code == 1045);
  CHECK(client.change_user("app", cluster.value("APP_PASSWORD"), "no_such_schema").code != 0);
  CHECK(weir.connect().value("SELECT 1") == "1");
}

TEST_CASE_METHOD(ProxyTest, "reset: no state of one client is visible to the next", "[reset]") {
  table("t (id INT PRIMARY KEY, v INT)");
  Client untouched = weir.connect();
  for (int i = 0; i < 5; ++i) {
    Client client = weir.connect();
    make_a_mess(client);
    if (i % 2 == 0) client.vanish();
  }
  for (int i = 0; i < 10; ++i) {
    Client client = weir.connect();
    check_clean(client, untouched);
  }
}
