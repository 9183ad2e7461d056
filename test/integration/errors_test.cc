// Who is let in, and errors that are the servers' own.

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

namespace {

Login with_password(Login login, const std::string& password) {
  login.password = password;
  return login;
}

}  // namespace

TEST_CASE_METHOD(ProxyTest, "errors: logins that are refused as a server refuses them",
                 "[errors]") {
  struct Case {
    const char* what;
    Login login;
  };
  Login unknown_user = weir.login();
  unknown_user.user = "nobody_here";
  Login unknown_schema = weir.login("APP", "no_such_schema");
  Login no_access = weir.login("PLAIN", "sbtest");
  Login empty = weir.login("EMPTY", "app");
  const std::vector<Case> cases = {
      {"wrong password", with_password(weir.login(), "wrong")},
      {"no password", with_password(weir.login(), "")},
      {"a password where there is none", with_password(empty, "something")},
      {"unknown user", unknown_user},
      {"unknown schema", unknown_schema},
      {"schema without access", no_access},
  };
  for (const Case& one : cases) {
    INFO(one.what);
    Login direct = one.login;
    direct.port = cluster.port(1);
    const Error expected = login_error(direct);
    CHECK(expected.code != 0);
    CHECK(login_error(one.login) == expected);
  }
  CHECK(login_error(unknown_schema).code == 1049);
  CHECK(login_error(cases[0].login).code == 1045);
  CHECK(login_error(empty).code == 0);
}

TEST_CASE_METHOD(ClusterTest, "errors: passthrough logs in whom the primary knows", "[errors]") {
  WeirOptions options;
  options.users = {};
  Weir weir(cluster, options);
  for (const std::string account : {"APP", "PLAIN", "EMPTY", "SBTEST"}) {
    INFO(account);
    for (int i = 0; i < 3; ++i) {
      CHECK(weir.connect(account, "").value("SELECT CURRENT_USER()") ==
            cluster.value(account + "_USER") + "@%");
    }
    Login wrong = with_password(weir.login(account, ""), "wrong");
    Login direct = wrong;
    direct.port = cluster.port(1);
    CHECK(login_error(wrong) == login_error(direct));
    CHECK(login_error(wrong).code == 1045);
    // A wrong guess does not lock the right one out.
    CHECK(login_error(weir.login(account, "")).code == 0);
  }
  Login unknown = weir.login("APP", "");
  unknown.user = "nobody_here";
  Login unknown_directly = unknown;
  unknown_directly.port = cluster.port(1);
  CHECK(login_error(unknown) == login_error(unknown_directly));
  // A password that is changed on the primary counts from then on.
  Finally put_right{[&] { cluster.sql(1, {"DROP USER IF EXISTS weir_changing"}); }};
  cluster.sql(1, {"CREATE USER weir_changing IDENTIFIED BY 'first-secret'"});
  cluster.catch_up();
  Login changing = with_password(unknown, "first-secret");
  changing.user = "weir_changing";
  CHECK(login_error(changing).code == 0);
  cluster.sql(1, {"ALTER USER weir_changing IDENTIFIED BY 'second-secret'"});
  cluster.catch_up();
  CHECK(login_error(with_password(changing, "second-secret")).code == 0);
  CHECK(login_error(changing).code == 1045);
  CHECK(login_error(with_password(changing, "second-secret")).code == 0);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "errors: only listed users with auth.mode = users", "[errors]") {
  WeirOptions options;
  options.users = {"APP"};
  options.sections["auth"] = "mode = \"users\"\n";
  Weir weir(cluster, options);
  CHECK(login_error(weir.login("APP", "")).code == 0);
  CHECK(login_error(weir.login("PLAIN", "")).code == 1045);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "errors: listed and unlisted users with auth.mode = passthrough",
                 "[errors]") {
  WeirOptions options;
  options.users = {"APP"};
  options.sections["auth"] = "mode = \"passthrough\"\n";
  Weir weir(cluster, options);
  CHECK(weir.connect("APP", "").value("SELECT CURRENT_USER()") == "app@%");
  CHECK(weir.connect("PLAIN", "").value("SELECT CURRENT_USER()") == "plain@%");
  CHECK(login_error(with_password(weir.login("PLAIN", ""), "wrong")).code == 1045);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "errors: the limits on connections", "[errors]") {
  SECTION("of a user") {
    WeirOptions options;
    options.user_lines = "max_connections = 3\n";
    Weir weir(cluster, options);
    std::vector<Client> held;
    for (int i = 0; i < 3; ++i) held.push_back(weir.connect());
    const Error refused = login_error(weir.login());
    CHECK(refused.code == 1203);
    CHECK(refused.sqlstate == "42000");
    CHECK(login_error(weir.login("PLAIN", "app")).code == 0);
    held.pop_back();
    CHECK(until([&] { return login_error(weir.login()).code == 0; }));
    // A change of user gives one place back and takes another.
    CHECK(held[0].change_user("plain", cluster.value("PLAIN_PASSWORD"), "app").code == 0);
    CHECK(until([&] { return login_error(weir.login()).code == 0; }));
    end(weir);
  }
  SECTION("of all clients") {
    WeirOptions options;
    options.sections["listen"] = "workers = 2\nmax_connections = 4\n";
    Weir weir(cluster, options);
    std::vector<Client> held;
    REQUIRE(until([&] {
      try {
        held.push_back(weir.connect());
      } catch (const ServerError&) {  // those which have just left still count for a moment
      }
      return held.size() == 4;
    }));
    const Error refused = login_error(weir.login());
    CHECK(refused.code == 1040);
    CHECK(refused.text == "Too many connections");
    for (Client& client : held) CHECK(client.value("SELECT 1") == "1");
    held.pop_back();
    CHECK(until([&] { return login_error(weir.login()).code == 0; }));
    end(weir);
  }
}

TEST_CASE_METHOD(ProxyTest, "errors: pass through word for word", "[errors]") {
  table("t (id INT PRIMARY KEY, v VARCHAR(3))");
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES (1, 'a')"});
  cluster.catch_up();
  Client client = weir.connect();
  Client direct(cluster.login("APP", cluster.port(1)));
  direct.use("weir_test");
  for (const std::string statement : {"SELEC 1",
                                      "SELECT",
                                      "",
                                      ";",
                                      "SELECT * FROM missing",
                                      "SELECT missing FROM t",
                                      "SELECT missing()",
                                      "SELECT * FROM not_there.t",
                                      "INSERT INTO t VALUES (1, 'x')",
                                      "INSERT INTO t VALUES (2, 'long text')",
                                      "INSERT INTO missing VALUES (1)",
                                      "UPDATE t SET missing = 1",
                                      "CREATE TABLE t (a INT)",
                                      "DROP TABLE missing",
                                      "SELECT 1 FROM t UNION SELECT 1, 2",
                                      "SELECT (SELECT 1 UNION SELECT 2)",
                                      "CALL missing()",
                                      "USE missing",
                                      "SET @@global.missing = 1",
                                      "KILL 4",
                                      "SELECT 'open",
                                      "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'own words'",
                                      "COMMIT AND",
                                      "SELECT \xff\xfe",
                                      "EXECUTE missing",
                                      "SELECT 18446744073709551615 + 1",
                                      "SELECT EXP(1000)",
                                      "SELECT JSON_EXTRACT('{', '$')"}) {
    INFO(statement);
    const Error expected = direct.error_of(statement);
    CHECK(client.error_of(statement) == expected);
  }
  CHECK(client.value("SELECT v FROM t") == "a");
}

TEST_CASE_METHOD(ProxyTest, "errors: the greeting shows what the primary shows", "[errors]") {
  Client client = weir.connect();
  Client direct = cluster.server(1);
  CHECK(std::string(mysql_get_server_info(client.raw())) == mysql_get_server_info(direct.raw()));
  CHECK(mysql_get_server_version(client.raw()) == mysql_get_server_version(direct.raw()));
  CHECK(client.ping());
  CHECK(mysql_stat(client.raw()) != nullptr);
  CHECK(mysql_thread_id(client.raw()) >= 1u << 30);
}

TEST_CASE_METHOD(ProxyTest, "errors: KILL ends what it should", "[errors]") {
  Client client = weir.connect();
  Client other = weir.connect();
  const std::string id = other.value("/* weir: primary */ SELECT CONNECTION_ID()");
  other.send("/* weir: primary */ SELECT SLEEP(300)");
  REQUIRE(until([&] {
    return cluster.sql(1, {"SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE "
                           "'%primary */ SELECT SLEEP(300)'"}) == "1";
  }));
  client.query("KILL QUERY " + id);
  std::string outcome = "1";  // a sleep that is killed answers 1
  try {
    outcome = other.receive().value();
  } catch (const ServerError& error) {
    outcome = std::to_string(error.code());
  }
  CHECK((outcome == "1" || outcome == "1317"));
  CHECK(other.value("SELECT 2") == "2");
  CHECK(client.error_of("KILL 999999999").code == 1094);
}

// As a server: whoever is killed hears nothing of an interrupted statement.
TEST_CASE_METHOD(ProxyTest, "errors: KILL of a session at work", "[errors]") {
  Client client = weir.connect();
  Client other = weir.connect();
  const std::string id = other.value("/* weir: primary */ SELECT CONNECTION_ID()");
  other.send("/* weir: primary */ SELECT SLEEP(301)");
  const std::string count =
      "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE "
      "'%primary */ SELECT SLEEP(301)'";
  REQUIRE(until([&] { return cluster.sql(1, {count}) == "1"; }));
  client.query("KILL " + id);
  CHECK(mysql_read_query_result(other.raw()) != 0);
  CHECK(mysql_errno(other.raw()) == 2013);
  CHECK(until([&] { return cluster.sql(1, {count}) == "0"; }));
  CHECK(client.error_of("KILL " + id).code == 1094);
}
