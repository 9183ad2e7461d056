// Starting, listening, and ending.

#include <csignal>
#include <filesystem>

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

TEST_CASE_METHOD(ClusterTest, "lifecycle: started before any server is up", "[lifecycle]") {
  bool running = true;
  Finally put_right{[&] {
    if (running) return;
    for (const int n : {2, 3, 1}) cluster.restart(n);
    cluster.catch_up();
  }};
  for (const int n : {1, 2, 3}) cluster.kill(n, "KILL");
  running = false;
  WeirOptions options;
  options.wait = false;
  Weir weir(cluster, options);
  CHECK(until([&] { return weir.log().find("there is no primary") != std::string::npos; }));
  CHECK(weir.running());
  for (const int n : {2, 3, 1}) cluster.restart(n);
  running = true;
  weir.wait_until_serving();
  Client client = weir.connect();
  client.query("CREATE TABLE t (a INT)");
  CHECK(client.query("INSERT INTO t VALUES (1)").affected == 1);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "lifecycle: SIGTERM lets an open transaction finish", "[lifecycle]") {
  Weir weir(cluster);
  Client client = weir.connect();
  client.query("CREATE TABLE t (a INT PRIMARY KEY)");
  Client idle = weir.connect();
  client.query("BEGIN");
  client.query("INSERT INTO t VALUES (1)");
  weir.signal(SIGTERM);
  CHECK(until([&] { return login_error(weir.login()).code != 0; }));  // nobody new comes in
  CHECK(until([&] { return !idle.ping(); }));                         // and who does nothing goes
  CHECK(client.query("INSERT INTO t VALUES (2)").affected == 1);
  CHECK(client.value("SELECT COUNT(*) FROM t") == "2");
  CHECK(weir.running());
  client.query("COMMIT");
  CHECK_FALSE(client.ping());
  CHECK(weir.wait_for_end() == 0);
  CHECK(weir.sanitizer_report() == "");
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.t"}) == "2");
}

TEST_CASE_METHOD(ClusterTest, "lifecycle: SIGTERM lets a running statement finish", "[lifecycle]") {
  Weir weir(cluster);
  Client client = weir.connect();
  const std::string slow = "SELECT 'done', SLEEP(3)";
  client.send(slow);
  REQUIRE(until([&] {
    for (const int n : {2, 3}) {
      if (cluster.sql(n, {"SELECT COUNT(*) FROM information_schema.processlist WHERE info = \"" +
                          slow + "\""}) == "1") {
        return true;
      }
    }
    return false;
  }));
  weir.signal(SIGTERM);
  CHECK(client.receive().value() == "done");
  CHECK(weir.wait_for_end() == 0);
  CHECK(weir.sanitizer_report() == "");
}

TEST_CASE_METHOD(ClusterTest, "lifecycle: a second signal ends everything now", "[lifecycle]") {
  Weir weir(cluster);
  Client client = weir.connect();
  client.query("CREATE TABLE t (a INT PRIMARY KEY)");
  client.query("BEGIN");
  client.query("INSERT INTO t VALUES (1)");
  weir.signal(SIGTERM);
  CHECK(until([&] { return login_error(weir.login()).code != 0; }));
  weir.signal(SIGTERM);
  CHECK(weir.wait_for_end() == 0);
  CHECK(weir.sanitizer_report() == "");
  const unsigned code = client.error_of("COMMIT").code;
  CHECK((code == 1053 || code == 2013 || code == 2006));
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.t"}) == "0");
}

TEST_CASE_METHOD(ClusterTest, "lifecycle: many starts and ends, with clients around",
                 "[lifecycle]") {
  for (int i = 0; i < 10; ++i) {
    Weir weir(cluster);
    std::vector<Client> clients;
    for (int n = 0; n < 5; ++n) {
      clients.push_back(weir.connect());
      clients.back().query("SELECT 1");
    }
    end(weir);
  }
}

TEST_CASE_METHOD(ClusterTest, "lifecycle: a unix socket beside the port", "[lifecycle]") {
  WeirOptions options;
  options.unix_socket = true;
  Weir weir(cluster, options);
  Login login = weir.login();
  login.socket = weir.socket();
  // For every user of the system, whatever the umask, as a server's.
  CHECK(std::filesystem::status(weir.socket()).permissions() == std::filesystem::perms(0777));
  for (int i = 0; i < 10; ++i) {
    Client client(login);
    CHECK(is_replica(client.value("SELECT @@server_id")));
  }
  Client client(login);
  client.query("CREATE TABLE t (v LONGTEXT)");
  const std::string value(3000000, 'u');
  client.query("INSERT INTO t VALUES ('" + value + "')");
  CHECK((client.value("SELECT v FROM t") == value));
  Login wrong = login;
  wrong.password = "wrong";
  CHECK(login_error(wrong).code == 1045);
  end(weir);
}
