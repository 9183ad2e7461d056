// TLS on both sides of weir, in front of servers that show certificates of the test's authority.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "protocol/frame.h"
#include "protocol/handshake.h"
#include "test/integration/monitor_fixture.h"
#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"
#include "test/support/good_end.h"
#include "test/support/meddler.h"
#include "test/support/raw_socket.h"
#include "test/support/until.h"

using namespace weir::test;

namespace {

class TlsTest : public GoodEnd {
 public:
  TlsTest() {
    Client root = cluster.server(1);
    root.query("CREATE DATABASE IF NOT EXISTS weir_test");
    cluster.catch_up();
  }
  std::string pem(const std::string& name) const {
    return cluster.value("TLS") + "/" + name + ".pem";
  }
  std::string files(const std::string& name) const {
    return "cert = \"" + pem(name) + "\"\nkey = \"" + pem(name + "-key") + "\"\n";
  }
  std::string ca(const std::string& name = "ca") const { return "ca = \"" + pem(name) + "\"\n"; }
  static std::string mode(const std::string& name) { return "mode = \"" + name + "\"\n"; }

  // A status of the connection between weir and the primary that answers this client.
  std::string server_status(Client& client, const std::string& name) const {
    return client.query("/* weir: primary */ SHOW SESSION STATUS LIKE '" + name + "'")
        .rows.at(0)
        .at(1)
        .value_or("");
  }
  static Login login(const Weir& weir, const WantedTls& tls, const std::string& account = "APP") {
    Login wanted = weir.login(account);
    wanted.tls = tls;
    return wanted;
  }
  static WeirOptions options(const std::string& clients, const std::string& servers) {
    WeirOptions made;
    if (!clients.empty()) made.sections["tls.client"] = clients;
    if (!servers.empty()) made.sections["tls.server"] = servers;
    return made;
  }
  static unsigned refusal(const Login& login) {
    try {
      Client client(login);
      return 0;
    } catch (const ServerError& error) {
      return error.code();
    }
  }

  Cluster cluster;
};

// Greets everybody as a server. One that has TLS never says another word; one that has none asks
// for the password itself, as somebody would who had taken TLS away to learn it.
class StrangeServer {
 public:
  enum class Kind : std::uint8_t {
    silent,
    curious,  // by full authentication
    blunt,    // by the method that sends it as it is
  };

  explicit StrangeServer(Kind kind) : kind_(kind), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_, raw, size) == 0);
    REQUIRE(::getsockname(listener_, raw, &size) == 0);
    REQUIRE(::listen(listener_, 16) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~StrangeServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    for (const int client : clients_) ::close(client);
  }
  StrangeServer(const StrangeServer&) = delete;
  StrangeServer& operator=(const StrangeServer&) = delete;

  std::uint16_t port() const { return port_; }
  // How many clients were asked for the password, and what they said.
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::string told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  void serve() {
    for (int client = 0; (client = ::accept(listener_, nullptr, nullptr)) >= 0;) {
      clients_.push_back(client);
      send(client, greeting(), 0);
      if (kind_ == Kind::silent) continue;
      constexpr timeval kPatience{5, 0};
      ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
      receive(client);
      send(client,
           kind_ == Kind::curious ? "\x01\x04" : std::string("\xfemysql_clear_password\0", 22), 2);
      const std::string said = receive(client);
      ::shutdown(client, SHUT_RDWR);
      const std::lock_guard lock(mutex_);
      ++asked_;
      told_ += said;
    }
  }
  std::string greeting() const {
    namespace wire = weir::protocol;
    wire::Greeting greeting;
    greeting.version = "9.7.0";
    greeting.connection_id = 1;
    greeting.nonce.fill('n');
    greeting.capabilities =
        wire::kProtocol41 | wire::kSecureConnection | wire::kPluginAuth | wire::kConnectWithDb;
    if (kind_ == Kind::silent) greeting.capabilities |= wire::kSsl;
    greeting.plugin = "caching_sha2_password";
    std::string payload;
    wire::encode_greeting(payload, greeting);
    return payload;
  }
  static void send(int client, const std::string& payload, std::uint8_t sequence) {
    std::string packet;
    weir::protocol::append_frames(packet, payload, sequence);
    ::send(client, packet.data(), packet.size(), MSG_NOSIGNAL);
  }
  // One packet, which is never longer here; empty when there is none.
  static std::string receive(int client) {
    std::string packet(4096, '\0');
    const ssize_t got = ::recv(client, packet.data(), packet.size(), 0);
    return got > 4 ? packet.substr(4, static_cast<std::size_t>(got) - 4) : "";
  }

  const Kind kind_;
  int listener_;
  std::uint16_t port_ = 0;
  std::vector<int> clients_;
  std::mutex mutex_;
  int asked_ = 0;     // guarded by mutex_
  std::string told_;  // guarded by mutex_
  std::thread thread_;
};

const WantedTls kNone{};
const WantedTls kAny{.on = true};

}  // namespace

TEST_CASE_METHOD(TlsTest, "tls: every mode towards servers, with and without TLS towards clients",
                 "[tls]") {
  const std::string server_mode =
      GENERATE("disabled", "preferred", "required", "verify_ca", "verify_identity");
  const bool verifies = server_mode.starts_with("verify");
  const bool passthrough = GENERATE(false, true);
  CAPTURE(server_mode, passthrough);
  WeirOptions wanted = options({}, mode(server_mode) + (verifies ? ca() : ""));
  if (passthrough) wanted.users = {};
  Weir weir(cluster, wanted);
  for (const WantedTls& tls : {kNone, kAny}) {
    for (const std::string account : {"APP", "PLAIN", "EMPTY"}) {
      CAPTURE(tls.on, account);
      Login good = login(weir, tls, account);
      if (account != "APP") good.schema = "app";
      Client client(good);
      CHECK(client.cipher().empty() != tls.on);
      CHECK(client.value("SELECT 1 + 1") == "2");
      CHECK(server_status(client, "Ssl_cipher").empty() == (server_mode == "disabled"));
      Login wrong = good;
      wrong.password += "!";
      CHECK(refusal(wrong) == 1045);
    }
  }
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: servers whose authority is not trusted are not used", "[tls]") {
  const std::string server_mode = GENERATE("verify_ca", "verify_identity");
  WeirOptions wanted = options({}, mode(server_mode) + ca("stranger-ca"));
  wanted.wait = false;
  Weir weir(cluster, wanted);
  for (const std::string server : {"db1", "db2", "db3"}) {
    CHECK(until([&] {
      const std::string log = weir.log();
      const std::size_t at = log.find(server + " ");
      return at != std::string::npos && log.find("certificate", at) != std::string::npos;
    }));
  }
  INFO(weir.log());
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: clients may have to use it", "[tls]") {
  WeirOptions wanted = options(mode("required") + files("server"), {});
  wanted.unix_socket = true;
  wanted.wait = false;
  Weir weir(cluster, wanted);
  REQUIRE(until([&] { return refusal(login(weir, kAny)) == 0; }));
  CHECK(refusal(login(weir, kNone)) == 3159);
  // Nobody learns whether an account exists.
  Login stranger = login(weir, kNone);
  stranger.user = "nobody";
  CHECK(refusal(stranger) == 3159);
  Login local = login(weir, kNone);
  local.socket = weir.socket();
  CHECK(refusal(local) == 0);
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: none is offered when it is disabled", "[tls]") {
  Weir weir(cluster, options(mode("disabled"), {}));
  Client client(login(weir, kAny));
  CHECK(client.cipher().empty());
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: clients can verify weir", "[tls]") {
  Weir weir(cluster, options(files("server"), {}));
  Client client(login(weir, {.on = true, .ca = pem("ca")}));
  CHECK_FALSE(client.cipher().empty());
  CHECK(refusal(login(weir, {.on = true, .ca = pem("stranger-ca")})) == 2026);
  Weir elsewhere(cluster, options(files("elsewhere"), {}));
  CHECK(refusal(login(elsewhere, {.on = true, .ca = pem("ca")})) == 2026);
  end(weir);
  end(elsewhere);
}

TEST_CASE_METHOD(TlsTest, "tls: weir can verify clients", "[tls]") {
  const bool required = GENERATE(false, true);
  WeirOptions wanted = options(files("server") + ca() + mode(required ? "required" : "preferred") +
                                   (required ? "client_certificates = \"required\"\n" : ""),
                               {});
  wanted.wait = false;
  Weir weir(cluster, wanted);
  const WantedTls shown{.on = true, .ca = {}, .cert = pem("client"), .key = pem("client-key")};
  REQUIRE(until([&] { return refusal(login(weir, shown)) == 0; }));
  CHECK((refusal(login(weir, kAny)) == 0) == !required);
  const WantedTls stranger{
      .on = true, .ca = {}, .cert = pem("stranger"), .key = pem("stranger-key")};
  CHECK(refusal(login(weir, stranger)) != 0);
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: accounts that servers want TLS of, and a certificate", "[tls]") {
  cluster.sql(
      1, {"DROP USER IF EXISTS careful", "CREATE USER careful IDENTIFIED BY 'secret' REQUIRE X509",
          "GRANT SELECT ON app.* TO careful"});
  cluster.catch_up();
  Weir weir(cluster, [&] {
    WeirOptions wanted = options({}, mode("required") + files("client"));
    wanted.users = {};
    return wanted;
  }());
  Login careful = login(weir, kAny);
  careful.user = "careful";
  careful.password = "secret";
  careful.schema = "app";
  Client client(careful);
  CHECK(client.value("SELECT 1") == "1");
  end(weir);
  Weir without(cluster, [&] {
    WeirOptions wanted = options({}, mode("required"));
    wanted.users = {};
    return wanted;
  }());
  careful.port = without.port();
  CHECK(refusal(careful) == 1045);
  cluster.sql(1, {"DROP USER careful"});
  end(without);
}

TEST_CASE_METHOD(TlsTest, "tls: large results, large statements and compression inside", "[tls]") {
  WeirOptions wanted = options(files("server"), mode("verify_identity") + ca());
  wanted.server_lines = "compression = \"zlib\"\n";
  Weir weir(cluster, wanted);
  for (const unsigned long flags : {0ul, static_cast<unsigned long>(CLIENT_COMPRESS)}) {
    Login big = login(weir, {.on = true, .ca = pem("ca")});
    big.flags = flags;
    CAPTURE(flags);
    Client client(big);
    // More than one packet holds.
    const std::string text(20u << 20, 'x');
    CHECK(client.value("SELECT LENGTH('" + text + "')") == std::to_string(text.size()));
    CHECK(client.value("SELECT REPEAT('y', 20000000)") == std::string(20000000, 'y'));
  }
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: a change of user inside, and a reset", "[tls]") {
  Weir weir(cluster, options(files("server"), {}));
  Client client(login(weir, {.on = true, .ca = pem("ca")}));
  REQUIRE(mysql_change_user(client.raw(), cluster.value("PLAIN_USER").c_str(),
                            cluster.value("PLAIN_PASSWORD").c_str(), "app") == 0);
  CHECK(client.value("SELECT CURRENT_USER()").starts_with(cluster.value("PLAIN_USER") + "@"));
  REQUIRE(mysql_reset_connection(client.raw()) == 0);
  CHECK(client.value("SELECT 1") == "1");
  CHECK_FALSE(client.cipher().empty());
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: the second handshake with a server is shorter", "[tls]") {
  WeirOptions wanted = options({}, mode("verify_identity") + ca());
  wanted.sections["listen"] = "workers = 1\n";
  wanted.sections["pool"] = "mode = \"session\"\n";
  Weir weir(cluster, wanted);
  Client first = weir.connect();
  CHECK(first.value("/* weir: primary */ SELECT 1") == "1");
  Client second = weir.connect();
  // MariaDB 10.11 gives no tickets.
  CHECK(server_status(second, "Ssl_sessions_reused") == (cluster.mariadb() ? "0" : "1"));
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: SIGHUP reads the files again, and drops nobody", "[tls]") {
  namespace fs = std::filesystem;
  const auto use = [&](const std::string& name) {
    fs::copy_file(pem(name), pem("used"), fs::copy_options::overwrite_existing);
    fs::copy_file(pem(name + "-key"), pem("used-key"), fs::copy_options::overwrite_existing);
  };
  use("server");
  Weir weir(cluster, options(files("used"), {}));
  const WantedTls verifying{.on = true, .ca = pem("ca")};
  Client before(login(weir, verifying));
  before.query("BEGIN");
  use("elsewhere");
  weir.signal(SIGHUP);
  CHECK(until([&] { return refusal(login(weir, verifying)) == 2026; }));
  CHECK(weir.log().find("were read again") != std::string::npos);
  // A file that is no good changes nothing.
  use("server");
  fs::copy_file(pem("client-key"), pem("used-key"), fs::copy_options::overwrite_existing);
  weir.signal(SIGHUP);
  CHECK(until([&] {
    return weir.log().find("the certificates in use stay: tls.client.key") != std::string::npos;
  }));
  CHECK(refusal(login(weir, verifying)) == 2026);
  use("server");
  weir.signal(SIGHUP);
  CHECK(until([&] { return refusal(login(weir, verifying)) == 0; }));
  CHECK(before.value("SELECT 1") == "1");
  before.query("COMMIT");
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: is counted", "[tls]") {
  Weir weir(cluster, with_console(options(files("server"), {})));
  Console console(weir);
  const long sessions = console.counter("tls_sessions");
  const long failures = console.counter("tls_failures");
  CHECK(refusal(login(weir, kAny)) == 0);
  CHECK(refusal(login(weir, {.on = true, .ca = pem("stranger-ca")})) == 2026);
  CHECK(until([&] { return console.counter("tls_failures") == failures + 1; }));
  CHECK(console.counter("tls_sessions") == sessions + 1);
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: a start with files that are no good ends with the reason",
                 "[tls]") {
  CHECK_THROWS_WITH(Weir(cluster, options("cert = \"/nowhere\"\nkey = \"/nowhere\"\n", {})),
                    Catch::Contains("tls.client.cert = \"/nowhere\": No such file or directory"));
}

TEST_CASE_METHOD(TlsTest, "tls: a server that goes silent in the handshake is given up", "[tls]") {
  const StrangeServer silent(StrangeServer::Kind::silent);
  auto config = monitor_config(cluster);
  config->tls.server.mode = weir::ServerTlsMode::required;
  config->servers[1].address.port = silent.port();
  Watch watch(config);
  CHECK(watch.until([](const weir::Topology& topology) {
    return topology.servers[1].why.find("no connection in time") != std::string::npos;
  }));
  // The end does not wait for it, either.
}

TEST_CASE_METHOD(TlsTest, "tls: a server that hangs is found out by the monitor", "[tls]") {
  auto config = monitor_config(cluster);
  config->tls.server.mode = weir::ServerTlsMode::required;
  config->monitor.timeout = std::chrono::seconds(2);
  Watch watch(config);
  REQUIRE(watch.until([](const weir::Topology& topology) {
    return topology.primary.has_value() && topology.servers[1].serves_reads();
  }));
  const weir::test::Finally put_right{[&] { cluster.kill(2, "CONT"); }};
  cluster.kill(2, "STOP");
  CHECK(watch.until([](const weir::Topology& topology) {
    return topology.servers[1].why.find("no answer in time") != std::string::npos;
  }));
}

TEST_CASE_METHOD(TlsTest, "tls: who takes it away does not learn the monitor's password", "[tls]") {
  const auto kind = GENERATE(StrangeServer::Kind::curious, StrangeServer::Kind::blunt);
  const bool required = GENERATE(false, true);
  CAPTURE(static_cast<int>(kind), required);
  StrangeServer strange(kind);
  auto config = monitor_config(cluster);
  if (required) config->tls.server.mode = weir::ServerTlsMode::required;
  config->monitor.timeout = std::chrono::seconds(5);
  config->servers[1].address.port = strange.port();
  Watch watch(config);
  REQUIRE(until([&] { return strange.asked() > 0; }));
  if (kind == StrangeServer::Kind::curious && !required) {
    CHECK(strange.told().front() == '\x02');  // it is asked for its key
  } else {
    CHECK(strange.told() == "");
  }
  if (required) {
    CHECK(watch.until([](const weir::Topology& topology) {
      return topology.servers[1].why.find("the server offers no TLS") != std::string::npos;
    }));
  }
}

namespace {

// What may follow a greeting in clear, for somebody who wants it to be taken for the server's.
const std::string kLoginOk("\x07\0\0\x03\0\0\0\x02\0\0\0", 11);
// A server's greeting says no more that it has TLS.
void take_tls_away(std::string& greeting) {
  // Behind the header and the protocol's number: the version, 4 bytes, 8 bytes, and a 0.
  const std::size_t capabilities = greeting.find('\0', weir::protocol::kFrameHeaderSize + 1) + 14;
  greeting.at(capabilities + 1) &= ~static_cast<char>(weir::protocol::kSsl >> 8);
}

const std::string kSwitch("\x2c\0\0\x03\xfemysql_native_password\0aaaaaaaaaaaaaaaaaaaa\0", 48);

}  // namespace

// The first packet from a client that begins as `flags` say: a request for TLS, if nothing follows.
static std::string first_packet(std::uint32_t flags, const std::string& rest) {
  std::string payload(4, '\0');
  for (int i = 0; i < 4; ++i)
    payload[static_cast<std::size_t>(i)] = static_cast<char>(flags >> (8 * i));
  payload += std::string("\0\0\0\1\x2d", 5) + std::string(23, '\0') + rest;
  std::string packet;
  std::uint8_t sequence = 1;
  weir::protocol::append_frames(packet, payload, sequence);
  return packet;
}

TEST_CASE_METHOD(TlsTest, "tls: a request for it where there is none", "[tls]") {
  namespace wire = weir::protocol;
  Weir weir(cluster, options(mode("disabled"), ""));
  RawSocket client(weir.port());
  CHECK_FALSE(client.receive().empty());
  client.send(first_packet(wire::kProtocol41 | wire::kSecureConnection | wire::kSsl, ""));
  const std::string answer = client.receive_all();  // and the end
  REQUIRE(answer.size() > 13);
  CHECK(answer.substr(3, 10) == std::string("\x02\xff\x13\x04#08S01", 10));
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: a login without it where it is required, word by word", "[tls]") {
  namespace wire = weir::protocol;
  Weir weir(cluster, [] {
    WeirOptions wanted = options(mode("required"), "");
    wanted.wait = false;
    return wanted;
  }());
  REQUIRE(until([&] { return refusal(login(weir, kNone)) == 3159; }));
  for (const std::string user : {"app", "nobody"}) {
    RawSocket client(weir.port());
    CHECK_FALSE(client.receive().empty());
    client.send(
        first_packet(wire::kProtocol41 | wire::kSecureConnection, user + std::string(2, '\0')));
    const std::string answer = client.receive_all();
    REQUIRE(answer.size() > 13);
    CHECK(answer.substr(3, 10) == std::string("\x02\xff\x57\x0c#HY000", 10));
  }
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: what comes in clear in front of it is not the server's", "[tls]") {
  const std::string more = GENERATE(as<std::string>(), kLoginOk, kSwitch, "x");
  CAPTURE(more.size());
  Meddler meddler(cluster.port(2), [&](std::string& greeting) { greeting += more; });
  WeirOptions wanted = options("", mode("verify_identity") + ca());
  wanted.sections["pool"] = "mode = \"session\"\n";  // a connection for each client
  wanted.sections["log"] = "level = \"debug\"\n";
  wanted.ports[2] = meddler.port();
  Weir weir(cluster, wanted);
  meddler.begin();
  std::vector<Client> clients;
  for (int i = 0; i < 24; ++i) {
    clients.push_back(weir.connect("APP", ""));
    for (const int n : {i, i + 100}) {
      const std::string number = std::to_string(n);
      CHECK(clients.back().value("SELECT " + number + " FROM (SELECT 1) AS t") == number);
    }
  }
  CHECK(meddler.meddled() > 0);
  CHECK(weir.log().find("more than a greeting has come before TLS began") != std::string::npos);
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: who takes it away is told nothing by sessions", "[tls]") {
  const std::string wanted_mode = GENERATE("preferred", "required", "verify_ca");
  const bool demanded = wanted_mode != "preferred";
  CAPTURE(wanted_mode);
  Meddler meddler(cluster.port(2), take_tls_away);
  WeirOptions wanted = options("", mode(wanted_mode) + (wanted_mode == "verify_ca" ? ca() : ""));
  wanted.sections["pool"] = "mode = \"session\"\n";  // a connection for each client
  wanted.ports[2] = meddler.port();
  Weir weir(cluster, wanted);
  meddler.begin();
  std::vector<Client> clients;
  // Where it is only preferred, sessions go on without.
  CHECK(until([&] {
    clients.push_back(weir.connect("APP", ""));
    CHECK(clients.back().value("SELECT 'true' FROM (SELECT 1) AS t") == "true");
    return meddler.meddled() >= 4;
  }));
  CHECK((meddler.answered() > 0) == !demanded);
  const std::string line =
      "warning: no connection to db2 for user \"app\": the server offers no TLS";
  CHECK((weir.log().find(line) != std::string::npos) == demanded);
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: servers elsewhere that are not verified are warned of", "[tls]") {
  const std::string wanted_mode = GENERATE("disabled", "preferred", "required", "verify_ca");
  const bool elsewhere = GENERATE(false, true);
  CAPTURE(wanted_mode, elsewhere);
  WeirOptions wanted = options("", mode(wanted_mode) + (wanted_mode == "verify_ca" ? ca() : ""));
  if (elsewhere) wanted.host = "0x7f.1";  // this machine, by a name that does not look like it
  Weir weir(cluster, wanted);
  const bool warned =
      weir.log().find("servers on other machines are not verified") != std::string::npos;
  CHECK(warned == (elsewhere && wanted_mode != "verify_ca"));
  end(weir);
}

TEST_CASE_METHOD(TlsTest, "tls: nor is it for the monitor", "[tls]") {
  Meddler meddler(cluster.port(2), [](std::string& greeting) { greeting += kLoginOk; });
  meddler.begin();
  auto config = monitor_config(cluster);
  config->tls.server.mode = weir::ServerTlsMode::verify_identity;
  config->tls.server.ca = pem("ca");
  config->servers[1].address.port = meddler.port();
  Watch watch(config);
  // What comes next is the real end of the login: an OK, or, from MySQL, something else before.
  REQUIRE(watch.until([](const weir::Topology& topology) {
    const std::string& why = topology.servers[1].why;
    return why.find("before they were asked for") != why.npos ||
           why.find("malformed packet") != why.npos;
  }));
  CHECK(watch.until_health(2, weir::Health::up));
  CHECK(meddler.meddled() > 0);
}
