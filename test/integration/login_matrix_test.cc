// Every way to log in: what weir knows of the account, the client's method, the server's method,
// TLS on either side, and what becomes of the password. With clients and servers as they are.

#include <fmt/format.h>

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

namespace {

// "right-secret", as servers store it.
constexpr const char* kNative = "*05EE759B3626924896737E637A0B92085CBA74C4";
constexpr const char* kCrypted =
    "0x244124303041245F19186E59275A6675517C6863082836086A7C724C71697763776F66415264572F566B68496A43"
    "6F2F3830576F30746C6473347A5671734C7138454B4B2F36";

struct Kind {
  std::string name;
  std::string lines;  // of its [[user]]; empty: weir learns it from the client
  bool mapped = false;
};

std::vector<Kind> kinds() {
  return {
      {"learnt", ""},
      {"listed", "password = \"right-secret\"\n"},
      {"native", fmt::format("verifier = \"{}\"\n", kNative)},
      {"crypted", fmt::format("verifier = \"{}\"\n", kCrypted)},
      {"mapped",
       "password = \"right-secret\"\nbackend = { user = \"{}\", password = \"backend-secret\" }\n",
       true}};
}

struct Method {
  std::string name;
  std::string identified;  // how an account is made, "{}" being its password
};

class LoginMatrix : public ClusterTest {
 public:
  LoginMatrix() {
    for (const std::string& library : libraries()) {
      on_all_servers("INSTALL SONAME '" + library + "'");
    }
  }
  ~LoginMatrix() {
    for (const std::string& account : made_) cluster.sql(1, {"DROP USER IF EXISTS " + account});
    cluster.catch_up();
    for (const std::string& library : libraries()) {
      on_all_servers("UNINSTALL SONAME '" + library + "'");
    }
  }

  std::vector<Method> methods() const {
    if (!cluster.mariadb()) return {{"sha2", "WITH caching_sha2_password BY '{}'"}};
    std::vector<Method> methods = {{"native", "VIA mysql_native_password USING PASSWORD('{}')"},
                                   {"ed25519", "VIA ed25519 USING PASSWORD('{}')"}};
    if (has_parsec()) methods.push_back({"parsec", "VIA parsec USING PASSWORD('{}')"});
    return methods;
  }
  // An account on the servers.
  void make(const std::string& name, const Method& method, const std::string& password) {
    made_.push_back(name);
    cluster.sql(1, {"DROP USER IF EXISTS " + name,
                    "CREATE USER " + name + " IDENTIFIED " +
                        fmt::format(fmt::runtime(method.identified), password)});
  }
  void change(const std::string& name, const Method& method, const std::string& password) const {
    cluster.sql(1, {"ALTER USER " + name + " IDENTIFIED " +
                    fmt::format(fmt::runtime(method.identified), password)});
    cluster.catch_up();
  }
  // A weir that knows all accounts in every way, and those accounts on the servers.
  WeirOptions everybody(const std::string& server_tls) {
    WeirOptions options;
    options.sections["limits"] = "login_failures = 0\n";  // wrong passwords are what this is about
    options.sections["tls.server"] = "mode = \"" + server_tls + "\"\n";
    options.sections["auth"] = "mode = \"passthrough\"\n";
    std::string users;
    for (const Method& method : methods()) {
      for (const Kind& kind : kinds()) {
        const std::string name = account(kind, method);
        make(kind.mapped ? name + "_backend" : name, method,
             kind.mapped ? "backend-secret" : "right-secret");
        if (kind.lines.empty()) continue;
        std::string lines = kind.lines;
        if (kind.mapped) lines.replace(lines.find("{}"), 2, name + "_backend");
        users += (users.empty() ? "" : "[[user]]\n") + fmt::format("name = \"{}\"\n", name) + lines;
      }
    }
    cluster.catch_up();
    options.sections["[user]"] = users;
    return options;
  }
  static std::string account(const Kind& kind, const Method& method) {
    return "weir_" + kind.name + "_" + method.name;
  }

 private:
  // From MariaDB 11.6 on.
  bool has_parsec() const {
    const std::string version = cluster.value("VERSION");
    return std::stoi(version) > 11 || version.starts_with("11.8.");
  }
  std::vector<std::string> libraries() const {
    if (!cluster.mariadb()) return {};
    if (!has_parsec()) return {"auth_ed25519"};
    return {"auth_ed25519", "auth_parsec"};
  }
  void on_all_servers(const std::string& statement) const {
    for (const int n : {1, 2, 3}) cluster.sql(n, {"SET sql_log_bin = 0", statement});
  }
  std::vector<std::string> made_;
};

// The error of a login. This library answers a change of method once only, so a client that was
// told to come back does that.
Error try_login(const Login& login) {
  constexpr unsigned kComeBack = 1251;
  const Error error = login_error(login);
  return error.code == kComeBack ? login_error(login) : error;
}

}  // namespace

TEST_CASE_METHOD(LoginMatrix, "logins: every way in, with the password right, wrong and empty",
                 "[logins]") {
  const std::string server_tls = GENERATE("disabled", "required");
  Weir weir(cluster, everybody(server_tls));
  for (const Method& method : methods()) {
    for (const Kind& kind : kinds()) {
      for (const bool client_tls : {false, true}) {
        for (const std::string plugin :
             {"", "mysql_native_password", "caching_sha2_password", "mysql_clear_password"}) {
          if (plugin == "mysql_clear_password" && !client_tls) continue;  // the library refuses
          INFO(kind.name << ", client " << (plugin.empty() ? "as it likes" : plugin) << ", server "
                         << method.name << ", TLS " << client_tls << " and " << server_tls);
          Login login = weir.login("APP", "");
          login.user = account(kind, method);
          login.plugin = plugin;
          login.tls.on = client_tls;
          for (const std::string password : {"wrong-secret", "", "right-secret", "wrong-secret"}) {
            INFO("password '" << password << "'");
            login.password = password;
            const Error error = try_login(login);
            CHECK(error.code == (password == "right-secret" ? 0 : 1045));
            if (error.code == 0) continue;
            CHECK(error.sqlstate == "28000");
            // Where weir does not know the password the words are the server's, whose ed25519
            // knows of no empty ones, and whose parsec of no others.
            bool none = password.empty();
            if (kind.name == "learnt" && method.name == "ed25519") none = false;
            if (kind.name == "learnt" && method.name == "parsec") none = true;
            CHECK(error.text == fmt::format("Access denied for user '{}'@'127.0.0.1' (using "
                                            "password: {})",
                                            login.user, none ? "NO" : "YES"));
          }
          login.password = "right-secret";
          Client client(login);
          CHECK(client.value("SELECT CURRENT_USER()") ==
                login.user + (kind.mapped ? "_backend@%" : "@%"));
          CHECK(client.cipher().empty() != client_tls);
          const Result status = client.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
          CHECK(status.rows.at(0).at(1).value_or("").empty() == (server_tls == "disabled"));
        }
      }
    }
  }
  end(weir);
}

TEST_CASE_METHOD(LoginMatrix, "logins: a password that is changed on the servers", "[logins]") {
  const std::string server_tls = GENERATE("disabled", "required");
  Weir weir(cluster, everybody(server_tls));
  for (const Method& method : methods()) {
    for (const Kind& kind : kinds()) {
      for (const bool client_tls : {false, true}) {
        for (const std::string plugin : {"mysql_native_password", "caching_sha2_password"}) {
          INFO(kind.name << ", client " << plugin << ", server " << method.name << ", TLS "
                         << client_tls << " and " << server_tls);
          Login login = weir.login("APP", "");
          login.user = account(kind, method);
          login.plugin = plugin;
          login.tls.on = client_tls;
          const std::string changed = login.user + (kind.mapped ? "_backend" : "");
          const auto code = [&](const std::string& password) {
            login.password = password;
            return try_login(login).code;
          };
          CHECK(code("right-secret") == 0);
          change(changed, method, "other-secret");
          // Who is listed is let in by the configuration alone, and goes on with connections that
          // have logged in before.
          const bool learnt = kind.name == "learnt";
          if (learnt) CHECK(code("right-secret") == 1045);
          CHECK(code("other-secret") == (learnt ? 0 : 1045));
          if (learnt) CHECK(code("right-secret") == 1045);
          change(changed, method, kind.mapped ? "backend-secret" : "right-secret");
          CHECK(code("other-secret") == 1045);
          CHECK(code("right-secret") == 0);
        }
      }
    }
  }
  end(weir);
}

TEST_CASE_METHOD(LoginMatrix, "logins: an account without a password", "[logins]") {
  const std::string server_tls = GENERATE("disabled", "required");
  const Method method = methods().front();
  make("weir_open", method, "");
  make("weir_open_listed", method, "");
  cluster.catch_up();
  WeirOptions options;
  options.sections["limits"] = "login_failures = 0\n";
  options.sections["tls.server"] = "mode = \"" + server_tls + "\"\n";
  options.sections["auth"] = "mode = \"passthrough\"\n";
  options.sections["[user]"] = "name = \"weir_open_listed\"\npassword = \"\"\n";
  Weir weir(cluster, options);
  for (const std::string user : {"weir_open", "weir_open_listed"}) {
    for (const bool client_tls : {false, true}) {
      for (const std::string plugin : {"", "mysql_native_password", "caching_sha2_password"}) {
        INFO(user << ", client " << plugin << ", TLS " << client_tls << " and " << server_tls);
        Login login = weir.login("APP", "");
        login.user = user;
        login.plugin = plugin;
        login.tls.on = client_tls;
        login.password = "some-secret";
        CHECK(try_login(login).code == 1045);
        login.password = "";
        CHECK(Client(login).value("SELECT CURRENT_USER()") == user + "@%");
      }
    }
  }
  end(weir);
}
