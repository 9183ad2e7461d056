// The firewall, by what clients may run: learnt, warned of, refused, and read from a file again.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"
#include "test/support/folder.h"
#include "test/support/statement.h"

using namespace weir::test;

namespace {

class FirewallTest : public ClusterTest {
 public:
  FirewallTest() {
    cluster.sql(1, {"CREATE TABLE weir_test.items (id INT PRIMARY KEY, v VARCHAR(20))",
                    "INSERT INTO weir_test.items VALUES (1, 'one'), (2, 'two')"});
    cluster.catch_up();
  }

  std::string file() const { return folder_.path("list"); }
  void write(const std::string& text) const {
    std::filesystem::rename(folder_.write("list.edited", text, 0600), file());
  }
  std::string read() const {
    std::ifstream text(file());
    return {std::istreambuf_iterator<char>(text), {}};
  }

  // `users` are the listed accounts; others come in as well, and have the mode of everybody.
  WeirOptions with_mode(const std::string& mode, std::vector<std::string> users = {}) const {
    WeirOptions options;
    options.users = std::move(users);
    options.sections["firewall"] = "mode = \"" + mode + "\"\nfile = \"" + file() + "\"\n";
    options = with_console(std::move(options));
    options.sections["auth"] += "mode = \"passthrough\"\n";
    return options;
  }
  std::string user(const std::string& account) const { return cluster.value(account + "_USER"); }
  std::string section_of(const std::string& account) const { return "[" + user(account) + "]\n"; }

  // Of SHOW FIREWALL.
  std::string cell(const Weir& weir, const std::string& account, const std::string& column) const {
    return Console(weir).cell("SHOW FIREWALL", user(account), column);
  }

 private:
  Folder folder_;
};

// What the fixture asks for until weir serves.
const std::string kServing = "SELECT @@server_id\n";

bool logs(const Weir& weir, const std::string& words) {
  return until([&] { return weir.log().find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE_METHOD(FirewallTest, "firewall: what was learnt may be run, with other values",
                 "[firewall]") {
  const auto connect = [](const Weir& weir) {
    Login login = weir.login();
    login.flags = CLIENT_MULTI_STATEMENTS;
    return Client(login);
  };
  {
    Weir weir(cluster, with_mode("learn"));
    Client client = connect(weir);
    CHECK(client.value("SELECT v FROM items WHERE id = 1") == "one");
    client.query("BEGIN");
    client.query("UPDATE items SET v = 'secret' WHERE id = 2");
    client.query("ROLLBACK");
    client.results("SELECT 'secret'; SELECT v FROM items WHERE id = 2");
    Statement prepared(client, "SELECT id FROM items WHERE v = ?");
    CHECK(prepared.execute({std::string("secret")}).rows.empty());
    client.query("PREPARE s FROM 'SELECT v, id FROM items WHERE id = 2'");
    CHECK(client.value("EXECUTE s") == "two");
    client.query("DEALLOCATE PREPARE s");
    client.query("SET weir.consistency = 'global'");
    CHECK(until([&] { return read().find("DEALLOCATE PREPARE s") != std::string::npos; }));
    CHECK(cell(weir, "APP", "learnt") == cell(weir, "APP", "statements"));
    client.query("SELECT 'at the end' AS c");
    end(weir);
  }
  const std::string list = read();
  CAPTURE(list);
  CHECK(list.find("\n" + section_of("APP")) != std::string::npos);
  CHECK(list.find(" SELECT v FROM items WHERE id = ?\n") != std::string::npos);
  CHECK(list.find(" SELECT v, id FROM items WHERE id = ?\n") != std::string::npos);
  CHECK(list.find(" SELECT ? AS c\n") != std::string::npos);
  CHECK(list.find("secret") == std::string::npos);
  CHECK(list.find("consistency") == std::string::npos);

  Weir weir(cluster, with_mode("enforce"));
  Client client = connect(weir);
  CHECK(client.value("select v from items where id=2 -- x") == "two");
  CHECK(client.text("SELECT 1; SELECT v FROM items WHERE id = 'x'") == "1\n");
  CHECK(
      Statement(client, "SELECT id FROM items WHERE v = ?").execute({std::string("one")}).value() ==
      "1");
  client.query("PREPARE s FROM 'SELECT v, id FROM items WHERE id = 1'");
  CHECK(client.value("EXECUTE s") == "one");
  client.query("SET weir.consistency = 'session'");
  CHECK(client.query("EXPLAIN ROUTE DROP TABLE items").rows.at(0).at(0) == "primary");
  const std::vector<std::string> others = {
      "SELECT v FROM items WHERE id = 1 OR 1 = 1",
      "SELECT v FROM items",
      "SELECT v FROM items WHERE id = 1 /*!99999 AND 1 = 2 */",
      "SELECT v FROM items WHERE id = 1 /*",
      "SELECT 1; DROP TABLE items",
      "PREPARE s FROM 'DROP TABLE items'",
      "PREPARE s FROM CONCAT('DROP', ' TABLE items')",
      "SET @v = 'x'",
      "KILL 1",
  };
  for (const std::string& other : others) {
    CAPTURE(other);
    const Error error = client.error_of(other);
    CHECK(error.code == 1142);
    CHECK(error.sqlstate == "42000");
    CHECK(error.text.find("weir: the firewall refuses this statement of user '" + user("APP") +
                          "'") == 0);
  }
  CHECK(Statement::prepare_error(client, "DELETE FROM items WHERE id = ?").code == 1142);
  // The session goes on, and so does its transaction.
  client.query("BEGIN");
  client.query("UPDATE items SET v = 'new' WHERE id = 1");
  CHECK(client.error_of("DELETE FROM items").code == 1142);
  CHECK(client.value("SELECT v FROM items WHERE id = 1") == "new");
  client.query("ROLLBACK");
  CHECK(client.value("SELECT v FROM items WHERE id = 1") == "one");
  // A text that is too long to be seen whole.
  CHECK(
      client.error_of("SELECT v FROM items WHERE id = '" + std::string(2u << 20, 'x') + "'").code ==
      1142);
  CHECK(client.value("SELECT v FROM items WHERE id = 1") == "one");
  CHECK(cell(weir, "APP", "refused") == std::to_string(others.size() + 3));
  CHECK(Console(weir).counter("firewall_refused") == static_cast<long>(others.size() + 3));
  CHECK(weir.log().find("a statement is refused: it is not in the user's list") !=
        std::string::npos);
  CHECK(read() == list);
  end(weir);
}

TEST_CASE_METHOD(FirewallTest, "firewall: each user has a mode and a list", "[firewall]") {
  write(section_of("APP") + kServing + section_of("PLAIN") + "SELECT 2\n");
  WeirOptions options = with_mode("enforce", {"APP", "PLAIN"});
  options.sections["[user]"] = "name = \"" + cluster.value("EMPTY_USER") + "\"\npassword = \"" +
                               cluster.value("EMPTY_PASSWORD") + "\"\nfirewall = \"off\"\n";
  Weir weir(cluster, options);
  Client app = weir.connect();
  Client plain = weir.connect("PLAIN", "");
  Client empty = weir.connect("EMPTY", "");
  CHECK(app.error_of("SELECT 'a'").code == 1142);
  CHECK(plain.value("SELECT 'a'") == "a");
  CHECK(plain.error_of("SELECT @@server_id").code == 1142);
  CHECK(empty.value("SELECT 'a', 1") == "a");
  // Another user in the same session is another user.
  CHECK(app.change_user(user("PLAIN"), cluster.value("PLAIN_PASSWORD")).code == 0);
  CHECK(app.value("SELECT 'a'") == "a");
  CHECK(cell(weir, "APP", "mode") == "enforce");
  CHECK(cell(weir, "PLAIN", "statements") == "1");
  CHECK(cell(weir, "PLAIN", "refused") == "1");
  CHECK(cell(weir, "EMPTY", "mode") == "none");
  end(weir);
}

TEST_CASE_METHOD(FirewallTest, "firewall: warn lets everything pass, and counts", "[firewall]") {
  write(section_of("APP") + kServing);
  Weir weir(cluster, with_mode("warn"));
  Client client = weir.connect();
  CHECK(client.value("SELECT v FROM items WHERE v = 'one'") == "one");
  CHECK(client.value("SELECT v FROM items WHERE v = 'two'") == "two");
  CHECK(Statement(client, "SELECT ?, v FROM items").execute({7}).value() == "7");
  CHECK(cell(weir, "APP", "warned") == "3");
  CHECK(cell(weir, "APP", "refused") == "0");
  const std::string log = weir.log();
  CHECK(log.find("firewall: user \"" + user("APP") +
                 "\" at 127.0.0.1: a statement passes, for now: it is not in the user's list: ") !=
        std::string::npos);
  CHECK(log.find("SELECT v FROM items WHERE v = ?") != std::string::npos);
  CHECK(log.find("'one'") == std::string::npos);
  CHECK(read() == section_of("APP") + kServing);
  end(weir);
}

TEST_CASE_METHOD(FirewallTest, "firewall: the file is read again on SIGHUP", "[firewall]") {
  write(section_of("APP") + kServing);
  Weir weir(cluster, with_mode("enforce"));
  Client client = weir.connect();
  CHECK(client.error_of("SELECT v FROM items WHERE id = 1").code == 1142);
  write(section_of("APP") + kServing + "select v from items where id = 5 -- by hand\n");
  weir.signal(SIGHUP);
  CHECK(until([&] { return client.error_of("SELECT v FROM items WHERE id = 1").code == 0; }));
  CHECK(cell(weir, "APP", "statements") == "2");
  // A file that is broken changes nothing.
  write(section_of("APP") + "SELECT 'a\n");
  weir.signal(SIGHUP);
  CHECK(logs(weir, "the firewall's list in use stays: " + file() + ":2: "));
  CHECK(client.value("SELECT v FROM items WHERE id = 2") == "two");
  write(section_of("APP") + kServing);
  weir.signal(SIGHUP);
  CHECK(until([&] { return client.error_of("SELECT v FROM items WHERE id = 1").code == 1142; }));
  end(weir);
}

TEST_CASE_METHOD(FirewallTest, "firewall: without a list that can be read weir does not begin",
                 "[firewall]") {
  WeirOptions options = with_mode("enforce");
  options.wait = false;
  SECTION("there is none") {
    Weir weir(cluster, options);
    CHECK(weir.wait_for_end() == 1);
    CHECK(weir.log().find("there is no such file; begin with mode \"learn\"") != std::string::npos);
  }
  SECTION("or it is broken") {
    write("SELECT 1\n");
    Weir weir(cluster, options);
    CHECK(weir.wait_for_end() == 1);
    CHECK(weir.log().find(file() + ":1: a statement stands in front of the first user") !=
          std::string::npos);
  }
}
