// Who may come in by what weir knows of a password, from where, and as whom on the servers.

#include <fmt/format.h>

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

namespace {

// "*" and SHA1(SHA1("first-secret")).
constexpr const char* kFirst = "*D388BA27EE01EDC43C4EB89216F332EFF34456D2";

// An account of the servers for one test.
class Account {
 public:
  Account(const Cluster& cluster, const std::string& how) : cluster_(cluster) {
    cluster_.sql(1, {"DROP USER IF EXISTS weir_account", "CREATE USER weir_account " + how});
    cluster_.catch_up();
  }
  ~Account() { cluster_.sql(1, {"DROP USER IF EXISTS weir_account"}); }
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  void alter(const std::string& how) const {
    cluster_.sql(1, {"ALTER USER weir_account " + how});
    cluster_.catch_up();
  }
  // What the servers store of its password, as it is written in a configuration.
  std::string stored() const {
    return cluster_.mariadb() ? cluster_.sql(1, {"SELECT authentication_string FROM mysql.user "
                                                 "WHERE user = 'weir_account'"})
                              : "0x" + cluster_.sql(1, {"SELECT HEX(authentication_string) FROM "
                                                        "mysql.user WHERE user = 'weir_account'"});
  }

 private:
  const Cluster& cluster_;
};

WeirOptions listing(const std::string& lines, const std::string& name = "weir_account") {
  WeirOptions options;
  options.sections["[user]"] = "name = \"" + name + "\"\n" + lines;
  options.unix_socket = true;
  return options;
}

// Accounts are the servers' alone.
WeirOptions nobody_listed() {
  WeirOptions options;
  options.users = {};
  return options;
}

Login login_of(const Weir& weir, const std::string& password, const std::string& plugin = {}) {
  Login login = weir.login("APP", "");
  login.user = "weir_account";
  login.password = password;
  login.plugin = plugin;
  return login;
}

}  // namespace

TEST_CASE_METHOD(ClusterTest, "accounts: what the servers store of a password lets in",
                 "[accounts]") {
  const Account account(cluster, "IDENTIFIED BY 'first-secret'");
  Weir weir(cluster, listing("verifier = \"" + account.stored() + "\"\n"));
  for (const std::string plugin : {"", "mysql_native_password", "caching_sha2_password"}) {
    for (int i = 0; i < 3; ++i) {
      CAPTURE(plugin, i);
      CHECK(login_error(login_of(weir, "wrong", plugin)).code == 1045);
      CHECK(login_error(login_of(weir, "", plugin)).code == 1045);
      Client client(login_of(weir, "first-secret", plugin));
      CHECK(client.value("SELECT CURRENT_USER()") == "weir_account@%");
    }
  }
  Login local = login_of(weir, "first-secret");
  local.socket = weir.socket();
  CHECK(Client(local).value("SELECT CURRENT_USER()") == "weir_account@%");
  end(weir);
}

// Where the servers want the password itself, the client is asked for it.
TEST_CASE_METHOD(ClusterTest, "accounts: a client that proves its password by the native method",
                 "[accounts]") {
  const Account account(cluster, "IDENTIFIED BY 'first-secret'");
  Weir weir(cluster, listing(fmt::format("verifier = \"{}\"\n", kFirst)));
  if (!cluster.mariadb()) {
    // This library has answered to a change of method already, and is asked the next time.
    CHECK(login_error(login_of(weir, "first-secret", "mysql_native_password")).code == 1251);
  }
  for (int i = 0; i < 3; ++i) {
    CAPTURE(i);
    Client client(login_of(weir, "first-secret", "mysql_native_password"));
    CHECK(client.value("SELECT CURRENT_USER()") == "weir_account@%");
    CHECK(comes_to_a_replica(client));
    CHECK(client.change_user("weir_account", "first-secret").code == 0);
    CHECK(client.value("SELECT CURRENT_USER()") == "weir_account@%");
    CHECK(login_error(login_of(weir, "wrong", "mysql_native_password")).code == 1045);
  }
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "accounts: a second verifier while a password is being changed",
                 "[accounts]") {
  const Account account(cluster, "IDENTIFIED BY 'first-secret'");
  const std::string first = account.stored();
  account.alter("IDENTIFIED BY 'second-secret'");
  Weir weir(cluster, listing(fmt::format("verifier = \"{}\"\nverifier_next = \"{}\"\n"
                                         "backend = {{ user = \"app\", password = \"{}\" }}\n",
                                         first, account.stored(), cluster.value("APP_PASSWORD"))));
  for (int i = 0; i < 2; ++i) {
    for (const std::string password : {"first-secret", "second-secret"}) {
      CAPTURE(i, password);
      CHECK(Client(login_of(weir, password)).value("SELECT CURRENT_USER()") == "app@%");
    }
    CHECK(login_error(login_of(weir, "third-secret")).code == 1045);
  }
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "accounts: a user that is mapped to an account of the servers",
                 "[accounts]") {
  WeirOptions options = listing(
      fmt::format("password = \"its own\"\nbackend = {{ user = \"app\", password = \"{}\" }}\n",
                  cluster.value("APP_PASSWORD")));
  options.users = {"APP", "PLAIN"};
  Weir weir(cluster, options);
  Client client(login_of(weir, "its own"));
  CHECK(client.value("SELECT CURRENT_USER()") == "app@%");
  CHECK(comes_to_a_replica(client));
  CHECK(client.change_user("plain", cluster.value("PLAIN_PASSWORD")).code == 0);
  CHECK(client.value("SELECT CURRENT_USER()") == "plain@%");
  CHECK(client.change_user("weir_account", "its own").code == 0);
  CHECK(client.value("SELECT CURRENT_USER()") == "app@%");
  // The servers' password is not the client's.
  CHECK(login_error(login_of(weir, cluster.value("APP_PASSWORD"))).code == 1045);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "accounts: where a user may come from", "[accounts]") {
  WeirOptions options = listing(
      "password = \"its own\"\nallow_from = [\"10.0.0.0/8\"]\n"
      "[[user]]\nname = \"weir_local\"\npassword = \"its own\"\nrequire_tls = true\n");
  Weir weir(cluster, options);
  const Error elsewhere = login_error(login_of(weir, "its own"));
  CHECK(elsewhere.code == 1045);
  CHECK(login_error(login_of(weir, "wrong")) == elsewhere);
  Login local = login_of(weir, "wrong");
  local.user = "weir_local";
  const Error insecure = login_error(local);
  CHECK(insecure.code == 3159);
  CHECK(insecure.sqlstate == "HY000");
  CHECK(insecure.text.find("require_tls") != std::string::npos);
  local.socket = weir.socket();
  CHECK(login_error(local).code == 1045);
  end(weir);
}

// The servers decide at each login.
TEST_CASE_METHOD(ClusterTest, "accounts: a changed password counts at once in passthrough",
                 "[accounts]") {
  const Account account(cluster, "IDENTIFIED BY 'first-secret'");
  Weir weir(cluster, nobody_listed());
  Client held(login_of(weir, "first-secret"));
  CHECK(held.value("SELECT 1") == "1");
  account.alter("IDENTIFIED BY 'second-secret'");
  CHECK(login_error(login_of(weir, "first-secret")).code == 1045);
  CHECK(login_error(login_of(weir, "second-secret")).code == 0);
  CHECK(login_error(login_of(weir, "first-secret")).code == 1045);
  CHECK(login_error(login_of(weir, "second-secret")).code == 0);
  CHECK(held.value("SELECT 1") == "1");  // as a server goes on with who is logged in
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "accounts: a locked account hears the server's own error",
                 "[accounts]") {
  const Account account(cluster, "IDENTIFIED BY 'first-secret'");
  Weir weir(cluster, nobody_listed());
  CHECK(login_error(login_of(weir, "first-secret")).code == 0);
  account.alter("ACCOUNT LOCK");
  const Error locked = login_error(login_of(weir, "first-secret"));
  CHECK(locked.code == (cluster.mariadb() ? 4151u : 3118u));
  Login direct = login_of(weir, "first-secret");
  direct.port = cluster.port(1);
  CHECK(login_error(direct) == locked);
  account.alter("ACCOUNT UNLOCK");
  CHECK(login_error(login_of(weir, "first-secret")).code == 0);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "accounts: an expired password is the server's to refuse",
                 "[accounts]") {
  const Account account(cluster, "IDENTIFIED BY 'first-secret'");
  Weir weir(cluster, nobody_listed());
  CHECK(login_error(login_of(weir, "first-secret")).code == 0);
  account.alter("PASSWORD EXPIRE");
  Login direct = login_of(weir, "first-secret");
  direct.port = cluster.port(1);
  const Error expected = login_error(direct);
  const Error expired = login_error(login_of(weir, "first-secret"));
  if (expected.code != 0) {
    CHECK(expired == expected);
  } else {
    // The server lets in for a change of the password only, which does not pass weir; the words are
    // the server's.
    CHECK(expired == Client(direct).error_of("SELECT 1"));
    CHECK(expired.code == 1820);
  }
  account.alter("IDENTIFIED BY 'second-secret'");
  CHECK(login_error(login_of(weir, "second-secret")).code == 0);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "accounts: every method of a client before every method of a server",
                 "[accounts]") {
  std::vector<std::string> methods = {"WITH caching_sha2_password BY 'first-secret'"};
  if (cluster.mariadb()) {
    methods = {"VIA mysql_native_password USING PASSWORD('first-secret')",
               "VIA ed25519 USING PASSWORD('first-secret')"};
  }
  const auto on_all_servers = [&](const std::string& statement) {
    for (const int n : {1, 2, 3}) {
      if (cluster.mariadb()) cluster.sql(n, {"SET sql_log_bin = 0", statement});
    }
  };
  on_all_servers("INSTALL SONAME 'auth_ed25519'");
  Finally put_right{[&] { on_all_servers("UNINSTALL SONAME 'auth_ed25519'"); }};
  for (const std::string& method : methods) {
    const Account account(cluster, "IDENTIFIED " + method);
    for (const bool listed : {true, false}) {
      WeirOptions options = listing("password = \"first-secret\"\n");
      if (!listed) options.sections.erase("[user]");
      if (!listed) options.users = {};
      Weir weir(cluster, options);
      for (const std::string plugin : {"caching_sha2_password", "mysql_native_password"}) {
        CAPTURE(method, listed, plugin);
        for (int i = 0; i < 2; ++i) {
          CHECK(login_error(login_of(weir, "first-secret", plugin)).code == 0);
          CHECK(login_error(login_of(weir, "wrong", plugin)).code == 1045);
          CHECK(login_error(login_of(weir, "", plugin)).code == 1045);
        }
      }
      end(weir);
    }
  }
}
