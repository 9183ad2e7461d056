// The admin console, through the clients that people have.

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "test/integration/proxy_fixture.h"
#include "test/support/shell.h"

using namespace weir::test;

namespace {

const std::string kPassword = "let me in";

WeirOptions with_console(std::string listen = "workers = 2\n") {
  WeirOptions options;
  options.sections["listen"] = listen + "admin = \"127.0.0.1:0\"\n";
  options.sections["auth"] = "admin_password = \"" + kPassword + "\"\n";
  return options;
}

class AdminTest : public ClusterTest {
 public:
  ~AdminTest() { end(weir); }

  // Where the console listens, as the log says.
  std::uint16_t port() const {
    const std::string mark = "admin console on 127.0.0.1:";
    std::string log;
    REQUIRE(until([&] {
      log = weir.log();
      return log.find(mark) != std::string::npos;
    }));
    return static_cast<std::uint16_t>(std::stoi(log.substr(log.find(mark) + mark.size())));
  }
  Login login(const std::string& password = kPassword) const {
    Login login;
    login.user = "admin";
    login.password = password;
    login.port = port();
    return login;
  }
  // A statement's output by a command line client; the columns are tab-separated.
  std::string by(const std::string& client, const std::string& statement) const {
    return output_of("MYSQL_PWD='" + kPassword + "' " + client +
                     " --no-defaults --batch --host=127.0.0.1 --port=" + std::to_string(port()) +
                     " --user=admin --execute=\"" + statement + "\" 2>&1");
  }

  Weir weir{cluster, with_console()};
};

std::size_t column(const Result& table, const std::string& name) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), name);
  REQUIRE(found != table.columns.end());
  return static_cast<std::size_t>(found - table.columns.begin());
}

// A cell of the row whose first column says `row`; "NULL" for NULL, "none" without such a row.
std::string cell(const Result& table, const std::string& row, const std::string& name) {
  for (const auto& each : table.rows) {
    if (each.at(0) == row) return each.at(column(table, name)).value_or("NULL");
  }
  return "none";
}

std::string id_of(Client& client) {
  return std::to_string(mysql_thread_id(client.raw()));
}

}  // namespace

TEST_CASE_METHOD(AdminTest, "admin: command line clients and PyMySQL", "[admin]") {
  const std::string statements =
      "SHOW SERVERS; show pools; SHOW SESSIONS; SHOW PINS; "
      "SHOW COUNTERS; SHOW CONFIG; SHOW HELP; "
      "EXPLAIN ROUTE SELECT * FROM t FOR UPDATE";
  std::vector<std::string> clients = {"mariadb", "mysql"};
  if (cluster.value("CLIENT").find("mysql") != std::string::npos)
    clients.push_back(cluster.value("CLIENT"));
  for (const std::string& client : clients) {
    CAPTURE(client);
    const std::string output = by(client, statements);
    CAPTURE(output);
    CHECK(output.find("failed: ") != 0);
    CHECK(output.find("db1\t127.0.0.1:" + std::to_string(cluster.port(1)) + "\tprimary\tup") !=
          std::string::npos);
    CHECK(output.find("monitor.password\t***") != std::string::npos);
    CHECK(output.find(kPassword) == std::string::npos);
    CHECK(output.find("primary\tlocking_read\t") != std::string::npos);
    CHECK(by(client, "SELECT @@version_comment").find("weir admin console") != std::string::npos);
    const std::string error = by(client, "DROP TABLE t");
    CHECK(error.find("ERROR 1064 (42000)") != std::string::npos);
    CHECK(error.find("DRAIN SERVER <name>") != std::string::npos);
  }
  const std::string script =
      "import pymysql\n"
      "c = pymysql.connect(host=\"127.0.0.1\", user=\"admin\", password=\"" +
      kPassword + "\", port=" + std::to_string(port()) +
      ", database=\"any\")\n"
      "q = c.cursor()\n"
      "q.execute(\"SHOW SERVERS\")\n"
      "print([(r[0], r[2], r[6]) for r in q.fetchall()])\n"
      "q.execute(\"SELECT 1\")\n"
      "print(q.fetchall())\n"
      "c.ping(); c.commit(); c.rollback(); c.select_db(\"x\"); c.close()\n";
  const std::string output = output_of("/usr/bin/python3 -c '" + script + "' 2>&1");
  CHECK(output.find("('db1', 'primary', ") != std::string::npos);
  CHECK(output.find("((1,),)") != std::string::npos);
}

TEST_CASE_METHOD(AdminTest, "admin: only the admin comes in, with the password", "[admin]") {
  CHECK(login_error(login("wrong")).code == 1045);
  CHECK(login_error(login("")).code == 1045);
  Login other = login();
  other.user = cluster.value("APP_USER");
  CHECK(login_error(other).code == 1045);
  other.password = cluster.value("APP_PASSWORD");
  CHECK(login_error(other).code == 1045);
  Login elsewhere = login();
  elsewhere.port = weir.port();
  CHECK(login_error(elsewhere).code == 1045);
  CHECK(weir.log().find("as \"admin\" turned away: wrong password") != std::string::npos);
  CHECK(Client(login()).value("SELECT 1") == "1");
}

TEST_CASE_METHOD(AdminTest, "admin: what it does not do is refused in words", "[admin]") {
  Client admin(login());
  CHECK(admin.error_of("DRAIN SERVER db9").text ==
        "weir: no server is called 'db9'; there are db1, db2, db3");
  CHECK(admin.error_of("KILL SESSION 5").code == 1094);
  CHECK(admin.error_of("SELECT @@nonesuch").code == 1193);
  CHECK(admin.error_of("-- nothing").code == 1065);
  MYSQL_STMT* statement = mysql_stmt_init(admin.raw());
  CHECK(mysql_stmt_prepare(statement, "SHOW SERVERS", 12) != 0);
  CHECK(mysql_stmt_errno(statement) == 1295);
  mysql_stmt_close(statement);
  CHECK(admin.ping());
  admin.use("anything");
  admin.reset();
  CHECK(std::string(mysql_stat(admin.raw())).find("weir admin console") == 0);
  // A command that is too long ends the connection.
  CHECK(admin.error_of("SELECT '" + std::string(70000, 'x') + "'").code != 0);
  CHECK(Client(login()).value("SELECT 1") == "1");
}

TEST_CASE_METHOD(AdminTest, "admin: sessions, pins and counters are those of all workers",
                 "[admin]") {
  Client admin(login());
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(weir.connect());
    clients.back().query("SET @mine = 1");
  }
  clients[0].query("BEGIN");
  clients[0].query("SELECT 1");
  const Result sessions = admin.query("SHOW SESSIONS");
  CHECK(sessions.rows.size() == clients.size());
  for (Client& client : clients) {
    CHECK(cell(sessions, id_of(client), "user") == cluster.value("APP_USER"));
    CHECK(cell(sessions, id_of(client), "schema") == "weir_test");
    CHECK(cell(sessions, id_of(client), "state") == "idle");
    CHECK(cell(sessions, id_of(client), "pins") == "user_variable");
    CHECK(cell(sessions, id_of(client), "servers") == "db1");
  }
  CHECK(cell(sessions, id_of(clients[0]), "in_transaction") == "1");
  CHECK(cell(sessions, id_of(clients[1]), "in_transaction") == "0");
  clients[1].send("SELECT SLEEP(300)");
  CHECK(until(
      [&] { return cell(admin.query("SHOW SESSIONS"), id_of(clients[1]), "state") == "running"; }));
  CHECK(cell(admin.query("SHOW PINS"), "user_variable", "count") == "6");
  CHECK(cell(admin.query("SHOW PINS"), "user_variable", "sessions") == "6");
  CHECK(cell(admin.query("SHOW PINS"), "user_variable", "text") == "SET @mine = ?");
  CHECK(std::stoi(cell(admin.query("SHOW COUNTERS"), "statements.primary.session_variable",
                       "value")) >= 0);
  CHECK(cell(admin.query("SHOW COUNTERS"), "sessions_now", "value") == "6");
  CHECK(cell(admin.query("SHOW POOLS"), "db1", "outstanding") == "1");
  CHECK(until([&] {
    const Result servers = admin.query("SHOW SERVERS");
    return cell(servers, "db1", "latency_ms") != "NULL" &&
           cell(servers, "db2", "lag_ms") != "NULL" &&
           cell(servers, "db2", "gtid_position") == cell(servers, "db1", "gtid_position");
  }));
}

TEST_CASE_METHOD(AdminTest, "admin: KILL SESSION ends exactly that one", "[admin]") {
  Client admin(login());
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(weir.connect());
  clients[2].send("SELECT SLEEP(300)");
  for (const std::size_t victim : {2u, 4u}) admin.query("KILL SESSION " + id_of(clients[victim]));
  CHECK_THROWS_AS(clients[2].receive(), ServerError);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    CAPTURE(i);
    CHECK(clients[i].ping() == (i != 2 && i != 4));
  }
  CHECK(until([&] { return admin.query("SHOW SESSIONS").rows.size() == 4; }));
  CHECK(weir.log().find(": KILL SESSION " + id_of(clients[2]) + ": done") != std::string::npos);
}

TEST_CASE_METHOD(AdminTest, "admin: a drained replica's reads move, and none fails", "[admin]") {
  Client admin(login());
  std::atomic<bool> done{false};
  std::thread load([&] {
    in_parallel(4, [&](int) {
      Client client = weir.connect();
      while (!done) client.value("SELECT @@server_id FROM (SELECT 1) AS t");
    });
  });
  const Finally stop([&] {
    done = true;
    load.join();
  });
  admin.query("DRAIN SERVER db2");
  CHECK(cell(admin.query("SHOW SERVERS"), "db2", "health") == "drained");
  CHECK(weir.readers() == std::vector<int>{3});
  CHECK(until([&] { return cell(admin.query("SHOW POOLS"), "db2", "outstanding") == "0"; }));
  const long before = cluster.counter(2, "Com_select");
  const std::vector<int> readers = weir.readers(50);
  CHECK(readers == std::vector<int>{3});
  // The monitor's own questions are all that is left.
  CHECK(cluster.counter(2, "Com_select") - before < 50);
  admin.query("DRAIN SERVER db2");  // again: no harm
  admin.query("ENABLE SERVER db2");
  CHECK(cell(admin.query("SHOW SERVERS"), "db2", "health") == "up");
  CHECK(until([&] { return weir.readers() == std::vector<int>{2, 3}; }));
  CHECK(weir.log().find("'admin' from 127.0.0.1") != std::string::npos);
  CHECK(weir.log().find(": DRAIN SERVER \"db2\": done") != std::string::npos);
}

TEST_CASE_METHOD(AdminTest, "admin: a drained primary's writes wait, its transactions end",
                 "[admin]") {
  cluster.sql(1, {"CREATE TABLE weir_test.t (id INT PRIMARY KEY)"});
  cluster.catch_up();
  Client admin(login());
  Client open = weir.connect();
  Client writes = weir.connect();
  open.query("BEGIN");
  open.query("INSERT INTO t VALUES (1)");
  admin.query("DRAIN SERVER db1");
  open.query("INSERT INTO t VALUES (2)");
  open.query("COMMIT");
  writes.send("INSERT INTO t VALUES (3)");
  CHECK(until(
      [&] { return cell(admin.query("SHOW SESSIONS"), id_of(writes), "state") == "waiting"; }));
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.t"}) == "2");
  admin.query("ENABLE SERVER db1");
  writes.receive();
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.t"}) == "3");
}

TEST_CASE_METHOD(AdminTest, "admin: few connections, and the console lives on", "[admin]") {
  std::vector<Client> clients;
  for (int i = 0; i < 32; ++i) clients.emplace_back(login());
  CHECK(login_error(login()).code == 1040);
  CHECK(clients.front().value("SELECT 1") == "1");
  clients.pop_back();
  CHECK(until([&] { return login_error(login()).code == 0; }));
}
