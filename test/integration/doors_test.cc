// The admin console's door and that of HTTP: who comes in, to do what, and that no secret goes out.

#include <httplib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"
#include "test/support/folder.h"
#include "test/support/raw_socket.h"
#include "test/support/shell.h"

using namespace weir::test;

namespace {

// "secret", as MySQL stores it for caching_sha2_password.
const std::string kVerifier =
    "0x244124303041241F51676A2D3F65140C09435C3D153E7B462545514E4538734F444232376A38716D6457613878"
    "6D49314664473676704D616169532E67364350592E64696D36";
const std::string kToken = "hidden-token-0123456789";

// A console on a free port, and lines for [auth].
WeirOptions with_doors(const std::string& auth, const std::string& admin = "127.0.0.1:0") {
  WeirOptions options;
  options.sections["listen"] = "workers = 2\nadmin = \"" + admin + "\"\n";
  if (!auth.empty()) options.sections["auth"] = auth;
  return options;
}

std::string folder_of(const Weir& weir) {
  return std::filesystem::path(weir.socket()).parent_path().string();
}

Login console_login(const Weir& weir, const std::string& user, const std::string& password) {
  const std::string mark = "admin console on 127.0.0.1:";
  std::string log;
  REQUIRE(until([&] { return (log = weir.log()).find(mark) != std::string::npos; }));
  Login login;
  login.user = user;
  login.password = password;
  login.port = static_cast<std::uint16_t>(std::stoi(log.substr(log.find(mark) + mark.size())));
  return login;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

unsigned mode_of(const std::string& path) {
  return static_cast<unsigned>(std::filesystem::status(path).permissions());
}

unsigned current_umask() {
  const mode_t mask = ::umask(0077);
  ::umask(mask);
  return mask;
}

// The password in the file of a made one.
std::string made_password(const std::string& path) {
  const std::string text = content_of(path);
  const std::string mark = "password=\"";
  const std::size_t at = text.find(mark);
  return at == std::string::npos ? "" : text.substr(at + mark.size(), 32);
}

bool logs(const Weir& weir, const std::string& text) {
  return until([&] { return weir.log().find(text) != std::string::npos; });
}

// The command line clients of both vendors, as far as they are here.
std::vector<std::string> command_lines(const Cluster& cluster) {
  std::vector<std::string> clients = {"mariadb"};
  const std::string other = cluster.value("CLIENT");
  if (other.find("mysql") != std::string::npos) clients.push_back(other);
  return clients;
}

}  // namespace

TEST_CASE_METHOD(ClusterTest, "doors: a viewer looks, and changes nothing", "[admin]") {
  Weir weir(cluster, with_doors("admin_password = \"for operators\"\nviewer_user = \"watch\"\n"
                                "viewer_verifier = \"" +
                                kVerifier + "\"\n"));
  CHECK(login_error(console_login(weir, "watch", "for operators")).code == 1045);
  CHECK(login_error(console_login(weir, "admin", "secret")).code == 1045);
  Client viewer(console_login(weir, "watch", "secret"));
  Client session = weir.connect();
  for (const char* look :
       {"SHOW SERVERS", "SHOW POOLS", "SHOW SESSIONS", "SHOW PINS", "SHOW COUNTERS", "SHOW RULES",
        "SHOW CONFIG", "SHOW HELP", "EXPLAIN ROUTE SELECT 1", "SELECT @@version_comment"}) {
    CAPTURE(look);
    CHECK_NOTHROW(viewer.query(look));
  }
  const std::string id = std::to_string(mysql_thread_id(session.raw()));
  for (const std::string& order :
       {std::string("DRAIN SERVER db2"), std::string("enable server db2"), "KILL SESSION " + id,
        std::string("DRAIN SERVER nonesuch")}) {
    CAPTURE(order);
    const Error error = viewer.error_of(order);
    CHECK(error.code == 1227);
    CHECK(error.sqlstate == "42000");
    CHECK(error.text.find("is the operator's, and 'watch' may only look; log in to the console as "
                          "'admin' (auth.admin_user)") != std::string::npos);
  }
  CHECK(session.ping());
  CHECK(weir.readers(40) == std::vector<int>{2, 3});
  Client admin(console_login(weir, "admin", "for operators"));
  admin.query("DRAIN SERVER db2");
  admin.query("ENABLE SERVER db2");
  CHECK(admin.error_of("DRAIN SERVER nonesuch").code == 1210);
  admin.query("KILL SESSION " + id);
  CHECK(admin.error_of("KILL SESSION 1").code == 1094);
  const std::string log = weir.log();
  CAPTURE(log);
  for (const std::string& line :
       {std::string(": DRAIN SERVER \"db2\": weir: DRAIN SERVER \"db2\" is the operator's"),
        std::string(": DRAIN SERVER \"db2\": done"), std::string(": ENABLE SERVER \"db2\": done"),
        std::string(": DRAIN SERVER \"nonesuch\": weir: no server is called 'nonesuch'"),
        ": KILL SESSION " + id + ": done", std::string(": KILL SESSION 1: weir: there is no")}) {
    CAPTURE(line);
    CHECK(log.find(line) != std::string::npos);
  }
  CHECK(log.find("admin console: 'watch' from 127.0.0.1:") != std::string::npos);
  CHECK(log.find("admin console: 'admin' from 127.0.0.1:") != std::string::npos);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "doors: viewers leave places to the operator", "[admin]") {
  Weir weir(cluster, with_doors("admin_password = \"right\"\nviewer_password = \"right\"\n"));
  const Login viewer = console_login(weir, "viewer", "right");
  std::vector<Client> viewers;
  for (int i = 0; i < 24; ++i) viewers.emplace_back(viewer);
  CHECK(login_error(viewer).code == 1040);
  std::vector<Client> operators;
  for (int i = 0; i < 8; ++i) operators.emplace_back(console_login(weir, "admin", "right"));
  viewers.pop_back();
  CHECK(until([&] { return login_error(viewer).code == 0; }));
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "doors: without a password one is made for each start", "[admin]") {
  std::string first;
  for (int start = 0; start < 2; ++start) {
    CAPTURE(start);
    Weir weir(cluster, with_doors(""));
    const std::string path = folder_of(weir) + "/weir.toml.admin.cnf";
    CHECK(logs(weir, "the one of this start is in " + path));
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    const std::string password = made_password(path);
    CHECK(password.size() == 32);
    CHECK(password != first);
    first = password;
    CHECK(login_error(console_login(weir, "admin", "")).code == 1045);
    CHECK(login_error(console_login(weir, "admin", "wrong")).code == 1045);
    Client admin(console_login(weir, "admin", password));
    CHECK(admin.text("SHOW CONFIG").find(password) == std::string::npos);
    for (const std::string& client : command_lines(cluster)) {
      CAPTURE(client);
      const std::string output =
          output_of(client + " --defaults-file=" + path + " --batch -e 'DRAIN SERVER db3;" +
                    "ENABLE SERVER db3; SHOW SERVERS' 2>&1");
      CHECK(output.find("db1\t127.0.0.1:") != std::string::npos);
    }
    end(weir);
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(weir.log().find(password) == std::string::npos);
  }
}

TEST_CASE_METHOD(ClusterTest, "doors: where a made password is written", "[admin]") {
  const Folder folder;
  SECTION("in the folder that systemd has made") {
    ::setenv("RUNTIME_DIRECTORY", folder.path("").c_str(), 1);
    const Finally put_back{[] { ::unsetenv("RUNTIME_DIRECTORY"); }};
    Weir weir(cluster, with_doors(""));
    CHECK(made_password(folder.path("admin.cnf")).size() == 32);
    end(weir);
    CHECK_FALSE(std::filesystem::exists(folder.path("admin.cnf")));
  }
  SECTION("where the configuration says; what a killed weir has left is replaced") {
    const std::string path = folder.path("console");
    const std::string auth = "admin_password_out = \"" + path + "\"\n";
    std::string left;
    {
      Weir killed(cluster, with_doors(auth));
      left = made_password(path);
      CHECK(left.size() == 32);
      killed.signal(SIGKILL);
      CHECK(killed.wait_for_end() == -SIGKILL);
    }
    CHECK(made_password(path) == left);
    Weir weir(cluster, with_doors(auth));
    CHECK(made_password(path) != left);
    CHECK(login_error(console_login(weir, "admin", left)).code == 1045);
    CHECK(Client(console_login(weir, "admin", made_password(path))).value("SELECT 1") == "1");
    end(weir);
  }
  SECTION("nowhere: then there is no console, and clients are served") {
    const std::string taken = folder.write("mine", "do not touch", 0600);
    for (const std::string& path : {folder.path("missing/console"), taken}) {
      CAPTURE(path);
      Weir weir(cluster, with_doors("admin_password_out = \"" + path + "\"\n"));
      CHECK(logs(weir, "no admin console on 127.0.0.1:"));
      CHECK(logs(weir, "cannot be written to " + path));
      CHECK(weir.log().find("info: admin console on") == std::string::npos);
      CHECK(weir.connect().ping());
      end(weir);
    }
    CHECK(content_of(taken) == "do not touch");
  }
}

TEST_CASE_METHOD(ClusterTest, "doors: a unix socket knows root and weir's own user", "[admin]") {
  const Folder folder;
  const std::string socket = folder.path("admin.sock");
  Weir weir(cluster, with_doors("viewer_password = \"secret\"\n", "unix:" + socket));
  CHECK(logs(weir, "admin console on unix:" + socket));
  CHECK(mode_of(socket) == (0777 & ~current_umask()));  // so that a viewer can come in
  CHECK_FALSE(std::filesystem::exists(folder_of(weir) + "/weir.toml.admin.cnf"));
  Login login;
  login.user = "admin";
  login.socket = socket;
  CHECK(Client(login).value("SELECT 1") == "1");
  login.password = "any";  // somebody's option file may have one
  Client admin(login);
  admin.query("DRAIN SERVER db2");
  admin.query("ENABLE SERVER db2");
  CHECK(logs(weir, "admin console: 'admin' from unix: DRAIN SERVER \"db2\": done"));
  login.user = "viewer";
  CHECK(login_error(login).code == 1045);
  login.password = "secret";
  CHECK(Client(login).error_of("DRAIN SERVER db2").code == 1227);
  login.user = "root";
  CHECK(login_error(login).code == 1045);
  if (::geteuid() == 0) {
    REQUIRE(::chmod(folder.path("").c_str(), 0755) == 0);
    REQUIRE(::chmod(socket.c_str(), 0777) == 0);
    for (const std::string& client : command_lines(cluster)) {
      CAPTURE(client);
      const auto as = [&](const std::string& uid) {
        return output_of("setpriv --reuid " + uid + " --regid " + uid + " --clear-groups " +
                         client + " --no-defaults -S " + socket + " -u admin -e 'SELECT 1' 2>&1");
      };
      // The servers' own client may lie where nobody else can run it.
      if (client == "mariadb") CHECK(as("12345").find("ERROR 1045") != std::string::npos);
      CHECK(as("0").find("1") == 0);
    }
  }
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "doors: a unix socket without passwords is its owner's", "[admin]") {
  const Folder folder;
  const std::string socket = folder.path("admin.sock");
  Weir weir(cluster, with_doors("", "unix:" + socket));
  CHECK(logs(weir, "admin console on unix:" + socket));
  CHECK(mode_of(socket) == 0600);
  Login login;
  login.user = "admin";
  login.socket = socket;
  CHECK(Client(login).value("SELECT 1") == "1");
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "doors: with a password, a unix socket asks for it", "[admin]") {
  const Folder folder;
  const std::string socket = folder.path("admin.sock");
  Weir weir(cluster, with_doors("admin_verifier = \"" + kVerifier + "\"\n", "unix:" + socket));
  CHECK(logs(weir, "admin console on unix:" + socket));
  Login login;
  login.user = "admin";
  login.socket = socket;
  CHECK(login_error(login).code == 1045);
  login.password = "secret";
  CHECK(Client(login).value("SELECT 1") == "1");
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "doors: who guesses passwords has to wait", "[admin]") {
  WeirOptions options = with_doors("admin_password = \"right\"\nviewer_password = \"right\"\n");
  options.sections["limits"] = "login_failures = 3\nlogin_backoff = \"2s\"\n";
  Weir weir(cluster, options);
  const Login right = console_login(weir, "admin", "right");
  Login wrong = right;
  wrong.password = "wrong";
  for (int i = 0; i < 3; ++i) CHECK(login_error(wrong).code == 1045);
  CHECK(login_error(right).code == 1045);
  CHECK(logs(weir, "admin console: client 127.0.0.1:"));
  CHECK(logs(weir, "as \"admin\" turned away: limits.login_failures wrong passwords in a row"));
  // Neither another account nor the clients' door is concerned.
  CHECK(login_error(console_login(weir, "viewer", "right")).code == 0);
  CHECK(login_error(weir.login()).code == 0);
  CHECK(until([&] { return login_error(right).code == 0; }));
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "doors: strangers at the console keep no operator out", "[admin]") {
  WeirOptions options = with_doors("admin_password = \"right\"\n");
  SECTION("the oldest of many goes") {
    Weir weir(cluster, options);
    const Login right = console_login(weir, "admin", "right");
    Client first(right);
    std::vector<RawSocket> strangers;
    for (int i = 0; i < 40; ++i) {
      strangers.emplace_back(right.port);
      CHECK(strangers.back().receive().size() > 5);
    }
    CHECK(strangers.front().receive_all().empty());
    CHECK(login_error(right).code == 0);
    CHECK(first.value("SELECT 1") == "1");
    end(weir);
  }
  SECTION("those of one address are few") {
    options.sections["limits"] = "half_open_per_address = 3\nhandshake_timeout = \"5s\"\n";
    Weir weir(cluster, options);
    const Login right = console_login(weir, "admin", "right");
    std::vector<RawSocket> strangers;
    for (int i = 0; i < 3; ++i) {
      strangers.emplace_back(right.port, "127.0.0.2");
      CHECK(strangers.back().receive().size() > 5);
    }
    CHECK(RawSocket(right.port, "127.0.0.2").receive_all().find("Too many connections") !=
          std::string::npos);
    CHECK(login_error(right).code == 0);
    // Nor do they stay.
    for (RawSocket& stranger : strangers) CHECK(stranger.receive_all().empty());
    CHECK(logs(weir, "it has not logged in within limits.handshake_timeout"));
    end(weir);
  }
}

TEST_CASE_METHOD(ClusterTest, "doors: the console has the TLS of the clients' door", "[admin]") {
  WeirOptions options =
      with_doors("admin_password = \"right\"\nviewer_verifier = \"" + kVerifier + "\"\n");
  SECTION("for those who want it") {
    Weir weir(cluster, options);
    for (Login login :
         {console_login(weir, "admin", "right"), console_login(weir, "viewer", "secret")}) {
      login.tls.on = true;
      Client client(login);
      CHECK(client.cipher() != "");
      CHECK(client.query("SHOW COUNTERS").rows.size() > 10);
      login.password = "wrong";
      CHECK(login_error(login).code == 1045);
    }
    end(weir);
  }
  SECTION("for all, where it is required") {
    options.sections["tls.client"] = "mode = \"required\"\n";
    options.wait = false;
    Weir weir(cluster, options);
    const Login login = console_login(weir, "admin", "right");
    const std::string script =
        "import pymysql\n"
        "try:\n"
        "  pymysql.connect(host=\"127.0.0.1\", user=\"admin\", password=\"right\", "
        "ssl_disabled=True, port=" +
        std::to_string(login.port) +
        ")\n"
        "except pymysql.err.MySQLError as error:\n"
        "  print(error.args[0])\n";
    CHECK(output_of("/usr/bin/python3 -c '" + script + "' 2>&1") == "3159\n");
    Login secure = login;
    secure.tls.on = true;
    CHECK(Client(secure).value("SELECT 1") == "1");
    end(weir);
  }
  SECTION("for nobody, where there is none") {
    options.sections["tls.client"] = "mode = \"disabled\"\n";
    Weir weir(cluster, options);
    Login login = console_login(weir, "viewer", "secret");
    CHECK(Client(login).cipher() == "");
    login.tls.on = true;
    CHECK(login_error(login).code != 0);
    end(weir);
  }
}

TEST_CASE_METHOD(ClusterTest, "doors: HTTP can ask for a token", "[admin][http]") {
  WeirOptions options = with_doors("admin_password = \"x\"\nhttp_token = \"" + kToken + "\"\n");
  options.http = "127.0.0.1:0";
  Weir weir(cluster, options);
  httplib::Client stranger("127.0.0.1", weir.http_port());
  CHECK(stranger.Get("/healthz")->status == 200);
  CHECK(stranger.Get("/readyz")->status == 200);
  CHECK(stranger.Get("/readyz")->body.find("\"mode\": \"read_write\"") != std::string::npos);
  CHECK(stranger.Get("/readyz")->body.find("db1") == std::string::npos);
  const httplib::Result refused = stranger.Get("/metrics");
  CHECK(refused->status == 401);
  CHECK(refused->get_header_value("WWW-Authenticate") == "Bearer realm=\"weir\"");
  const httplib::Headers wrong = {{"Authorization", "Bearer " + kToken + "x"}};
  CHECK(stranger.Get("/metrics", wrong)->status == 401);
  const httplib::Headers right = {{"Authorization", "Bearer " + kToken}};
  CHECK(stranger.Get("/metrics", right)->body.find("weir_build_info") != std::string::npos);
  CHECK(stranger.Get("/readyz", right)->body.find("db1") != std::string::npos);
  CHECK(weir.log().find("is open to other machines") == std::string::npos);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "doors: HTTP that others can reach is warned of", "[admin][http]") {
  for (const bool token : {false, true}) {
    CAPTURE(token);
    WeirOptions options = with_doors(token ? "http_token = \"" + kToken + "\"\n" : "", "");
    options.http = "0x7f.1:0";  // this machine, by a name that does not look like it
    Weir weir(cluster, options);
    const bool warned =
        weir.log().find("HTTP on 0x7f.1:0 is open to other machines") != std::string::npos;
    CHECK(warned == !token);
    end(weir);
  }
}

// All that weir says in its life is searched for all that it must not say.
TEST_CASE_METHOD(ClusterTest, "doors: no secret is ever said", "[admin]") {
  const std::string native = "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7";
  const std::string other = "*D388BA27EE01EDC43C4EB89216F332EFF34456D2";
  WeirOptions options = with_doors(
      "mode = \"passthrough\"\nadmin_password = \"hidden-admin\"\n"
      "viewer_password = \"hidden-viewer\"\nhttp_token = \"" +
      kToken + "\"\n");
  options.http = "127.0.0.1:0";
  options.unix_socket = true;
  options.users = {"PLAIN"};
  options.sections["log"] = "level = \"debug\"\n";
  // Shown by a name of its own: sections are written once each.
  options.sections["[user]"] = "name = \"stored\"\nverifier = \"" + native +
                               "\"\nverifier_next = \"" + other + "\"\nbackend = { user = \"" +
                               cluster.value("SBTEST_USER") + "\", password = \"" +
                               cluster.value("SBTEST_PASSWORD") + "\" }\n";
  options.wait = false;
  cluster.sql(1, {"CREATE TABLE weir_test.t (a INT)"});
  cluster.catch_up();
  Weir weir(cluster, options);
  std::string said;
  const auto note = [&](const Login& login) { said += login_error(login).text + "\n"; };
  // Learnt, in passthrough mode.
  Login app = weir.login();
  app.socket = weir.socket();
  REQUIRE(until([&] { return login_error(app).code == 0; }));
  {
    Client client(app);
    client.query("SET @a = 'hidden-value'");
    client.query("INSERT INTO t VALUES (1)");
    said += client.error_of("SELECT no_such_column FROM t WHERE a = 'hidden-value'").text;
    said += client.text("EXPLAIN ROUTE SELECT * FROM t WHERE a = 'hidden-value'");
    client.query("CREATE USER IF NOT EXISTS weir_doors IDENTIFIED BY 'hidden-value'");
    client.query("DROP USER weir_doors");
    CHECK(client.ping());
  }
  for (const char* password : {"hidden-guess", "", "hidden-admin", "plain-secret", "app-secret"}) {
    for (Login login : {weir.login("APP"), weir.login("PLAIN"), app}) {
      login.password = password;
      note(login);
      login.user = "stored";
      note(login);
      login.user = "nobody";
      note(login);
    }
    note(console_login(weir, "admin", password));
    note(console_login(weir, "viewer", password));
  }
  for (const char* name : {"admin", "viewer"}) {
    Client console(console_login(weir, name, std::string("hidden-") + name));
    for (const char* table :
         {"SHOW SERVERS", "SHOW POOLS", "SHOW SESSIONS", "SHOW PINS", "SHOW COUNTERS", "SHOW RULES",
          "SHOW CONFIG", "SHOW HELP", "EXPLAIN ROUTE SELECT 'hidden-value'", "SELECT USER()"}) {
      said += console.text(table);
    }
    said += console.error_of("KILL SESSION 1").text;
    if (name == std::string("viewer")) said += console.error_of("DRAIN SERVER db1").text;
  }
  httplib::Client http("127.0.0.1", weir.http_port());
  const httplib::Headers right = {{"Authorization", "Bearer " + kToken}};
  for (const char* path : {"/metrics", "/readyz", "/healthz", "/"}) {
    said += http.Get(path)->body + http.Get(path, right)->body;
  }
  const std::string program = std::getenv("WEIR_BINARY");
  const std::string file = folder_of(weir) + "/weir.toml";
  said += output_of(program + " check " + file + " 2>&1");
  said += output_of(program + " explain --config " + file + " --user stored 'SELECT 1' 2>&1");
  // A configuration with a mistake next to the secrets.
  const std::string broken = folder_of(weir) + "/broken.toml";
  std::string text = content_of(file);
  std::ofstream(broken) << "nonesuch = 1\n" << text;
  said += output_of(program + " check " + broken + " 2>&1");
  CHECK(said.find("nonesuch") != std::string::npos);
  CHECK(said.find("monitor.password") != std::string::npos);
  end(weir);
  said += weir.log();
  CHECK(said.find("user_variable") != std::string::npos);
  for (const std::string& secret :
       {cluster.value("MONITOR_PASSWORD"), cluster.value("PLAIN_PASSWORD"),
        cluster.value("APP_PASSWORD"), cluster.value("SBTEST_PASSWORD"), native.substr(1),
        other.substr(1), kToken, std::string("hidden-")}) {
    CAPTURE(secret);
    const std::size_t at = said.find(secret);
    CAPTURE(at == std::string::npos ? "" : said.substr(at > 200 ? at - 200 : 0, 400));
    CHECK(at == std::string::npos);
  }
}
