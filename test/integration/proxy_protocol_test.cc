// Clients behind other proxies (listen.proxy_protocol), and servers that are told of clients
// (server.proxy_protocol).

#include <poll.h>

#include <algorithm>
#include <array>
#include <optional>
#include <thread>

#include "protocol/proxy_header.h"
#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"
#include "test/support/raw_socket.h"

using namespace weir::test;

namespace {

// The address that plays the proxy.
const std::string kProxy = "127.0.0.2";

WeirOptions behind_proxy() {
  WeirOptions options;
  options.sections["listen"] = "workers = 2\nproxy_protocol = [\"" + kProxy + "\"]\n";
  return with_console(options);
}

// A proxy for one connection: it begins with the header, and goes on with what the client says.
class HeaderProxy {
 public:
  HeaderProxy(std::uint16_t target, const std::string& header, const std::string& from)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), out_(target, from) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof own;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&own), size) != 0 ||
        ::listen(listener_, 1) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&own), &size) != 0) {
      throw std::runtime_error("no proxy");
    }
    port_ = ntohs(own.sin_port);
    out_.send(header);
    thread_ = std::thread([this] { carry(); });
  }
  // Its client has connected, and gone.
  ~HeaderProxy() {
    thread_.join();
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }

 private:
  void carry() {
    const int in = ::accept(listener_, nullptr, nullptr);
    pollfd ends[2] = {{in, POLLIN, 0}, {out_.fd(), POLLIN, 0}};
    for (bool open = true; open && ::poll(ends, 2, -1) > 0;) {
      for (int side = 0; side < 2 && open; ++side) {
        if (ends[side].revents == 0) continue;
        char bytes[4096];
        const ssize_t count = ::recv(ends[side].fd, bytes, sizeof bytes, 0);
        open = count > 0 && ::send(ends[1 - side].fd, bytes, static_cast<std::size_t>(count),
                                   MSG_NOSIGNAL) == count;
      }
    }
    ::close(in);
    ::shutdown(out_.fd(), SHUT_RDWR);
  }

  int listener_;
  RawSocket out_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// A client whose connection to weir begins with a header. What it is refused with is text() and
// code().
class ProxiedClient {
 public:
  ProxiedClient(const Login& login, const std::string& header, const std::string& from = kProxy)
      : proxy_(login.port, header, from) {
    Login by_proxy = login;
    by_proxy.port = proxy_.port();
    try {
      client_.emplace(by_proxy);
    } catch (const ServerError& error) {
      refusal_ = error.error();
    }
  }

  unsigned code() const { return refusal_.code; }
  std::string text() const { return refusal_.text; }
  // The first column of the first row, or the error.
  std::string value(const std::string& statement) {
    try {
      return client_.value().value(statement);
    } catch (const ServerError& error) {
      return error.error().text;
    }
  }
  void run(const std::string& statement) { client_.value().query(statement); }

 private:
  HeaderProxy proxy_;  // ends after the client
  std::optional<Client> client_;
  Error refusal_;
};

std::string line(const std::string& client) {
  return "PROXY TCP4 " + client + " 127.0.0.1 56324 3306\r\n";
}

std::string binary(std::array<std::uint8_t, 4> client) {
  weir::protocol::ProxyEndpoint end;
  std::copy(client.begin(), client.end(), end.address.begin());
  end.port = 56324;
  std::string header;
  weir::protocol::append_proxy_header(header, end);
  return header;
}

Login wrong(Login login) {
  login.password = "wrong";
  return login;
}

}  // namespace

TEST_CASE_METHOD(ClusterTest, "proxy protocol: clients are where their header says", "[proxy]") {
  WeirOptions options = behind_proxy();
  options.sections["[rule]"] =
      "client = \"192.0.2.0/24\"\npattern = 'FORBIDDEN'\nto = \"reject\"\n";
  Weir weir(cluster, options);
  Console console(weir);
  for (const std::string& header : {line("192.0.2.7"), binary({192, 0, 2, 7})}) {
    ProxiedClient client(weir.login(), header);
    REQUIRE(client.text() == "");
    CHECK(client.value("SELECT 1") == "1");
    CHECK(client.value("SELECT 1 AS FORBIDDEN").find("rule 1") != std::string::npos);
    CHECK(console.query("SHOW SESSIONS").text().find("192.0.2.7:56324") != std::string::npos);
    const std::string error = ProxiedClient(wrong(weir.login()), header).text();
    CHECK(error.find("'@'192.0.2.7'") != std::string::npos);
  }
  ProxiedClient other(weir.login(), line("198.51.100.1"));
  CHECK(other.value("SELECT 1 AS FORBIDDEN") == "1");
  // A header that names nobody leaves the proxy's own address.
  for (const std::string& header :
       {std::string("PROXY UNKNOWN\r\n"), std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16)}) {
    const ProxiedClient refused(wrong(weir.login()), header);
    CHECK(refused.text().find("'@'" + kProxy + "'") != std::string::npos);
  }
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "proxy protocol: a header is needed from there, and bad elsewhere",
                 "[proxy]") {
  WeirOptions options = behind_proxy();
  options.sections["limits"] = "handshake_timeout = \"1s\"\n";
  Weir weir(cluster, options);
  Console console(weir);
  // Nobody is greeted before the header, and without one there is an end to it.
  CHECK(RawSocket(weir.port(), kProxy).receive_all() == "");
  CHECK(until([&] { return console.counter("refused.late") == 1; }));
  const std::string bad_handshake(
      "\x10\0\0\0\xff\x13\x04"
      "Bad handshake",
      20);
  for (const std::string& bad :
       {std::string("GET / HTTP/1.0\r\n\r\n"), std::string("PROXY TCP4 192.0.2.7\r\n"),
        "PROXY UNKNOWN " + std::string(200, 'x')}) {
    RawSocket socket(weir.port(), kProxy);
    socket.send(bad);
    CHECK(socket.receive_all() == bad_handshake);
  }
  CHECK(console.counter("refused.header") == 3);
  // Who is no proxy cannot say that it is somebody else.
  const ProxiedClient liar(weir.login(), line("192.0.2.7"), "127.0.0.1");
  CHECK(liar.code() != 0);
  RawSocket socket(weir.port());
  CHECK(socket.receive()[4] == 10);
  socket.send(binary({192, 0, 2, 7}));
  CHECK(socket.receive_all().find("packets out of order") != std::string::npos);
  CHECK(weir.connect().ping());
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "proxy protocol: a header may come byte by byte", "[proxy]") {
  Weir weir(cluster, behind_proxy());
  for (const std::string& header : {line("192.0.2.7"), binary({192, 0, 2, 7})}) {
    RawSocket socket(weir.port(), kProxy);
    for (const char byte : header) socket.send(std::string(1, byte));
    CHECK(socket.receive()[4] == 10);
  }
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "proxy protocol: limits see the clients, not the proxy", "[proxy]") {
  WeirOptions options = behind_proxy();
  options.sections["limits"] =
      "half_open_per_address = 2\nlogin_failures = 2\nlogin_backoff = \"10s\"\n";
  Weir weir(cluster, options);
  std::vector<RawSocket> silent;
  for (const char* client : {"192.0.2.7", "192.0.2.7", "192.0.2.8", "192.0.2.8", "192.0.2.9"}) {
    silent.emplace_back(weir.port(), kProxy);
    silent.back().send(line(client));
    CHECK(silent.back().receive()[4] == 10);
  }
  CHECK(ProxiedClient(weir.login(), line("192.0.2.7")).code() == 1040);
  for (int i = 0; i < 2; ++i) {
    CHECK(ProxiedClient(wrong(weir.login()), line("192.0.2.20")).code() == 1045);
  }
  CHECK(ProxiedClient(weir.login(), line("192.0.2.20")).code() == 1045);
  CHECK(ProxiedClient(weir.login(), line("192.0.2.21")).code() == 0);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "proxy protocol: servers are told who the client is", "[proxy]") {
  if (!cluster.mariadb()) {
    WARN("MySQL 9.7 does not know the PROXY protocol: only MariaDB is asked");
    return;
  }
  for (const int n : {1, 2, 3}) {
    cluster.sql(n, {"SET GLOBAL proxy_protocol_networks = '127.0.0.1'"});
  }
  const Finally undo{[&] {
    for (const int n : {1, 2, 3}) cluster.sql(n, {"SET GLOBAL proxy_protocol_networks = ''"});
  }};
  WeirOptions options = behind_proxy();
  options.server_lines = "proxy_protocol = true\n";
  options.unix_socket = true;
  Weir weir(cluster, options);
  const std::string user = cluster.value("APP_USER");
  for (int round = 0; round < 3; ++round) {
    for (const std::string client : {"192.0.2.7", "192.0.2.8", "192.0.2.7"}) {
      ProxiedClient proxied(weir.login(), line(client));
      CHECK(proxied.value("SELECT USER()") == user + "@" + client);
      proxied.run("SET @pinned = 1");  // on the primary from now on
      CHECK(proxied.value("SELECT USER()") == user + "@" + client);
    }
    Client direct = weir.connect();
    CHECK(direct.value("SELECT USER()").rfind(user + "@", 0) == 0);
    CHECK(direct.value("SELECT USER()").find("192.0.2") == std::string::npos);
  }
  Login on_socket = weir.login();
  on_socket.socket = weir.socket();
  Client local(on_socket);
  CHECK(local.value("SELECT USER()").find("192.0.2") == std::string::npos);
  end(weir);
}
