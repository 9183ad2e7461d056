// What clients may ask of weir before they have logged in.

#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"
#include "test/support/raw_socket.h"

using namespace weir::test;

namespace {

WeirOptions with_limits(const std::string& limits) {
  WeirOptions options;
  options.sections["limits"] = limits;
  return with_console(options);
}

// ERR in place of a greeting: number 0, no SQLSTATE.
const std::string kTooMany("\x17\0\0\0\xff\x10\x04Too many connections", 27);

bool is_greeting(const std::string& bytes) {
  return bytes.size() > 5 && bytes[3] == 0 && bytes[4] == 10;
}

Login wrong(Login login) {
  login.password = "wrong";
  return login;
}

}  // namespace

TEST_CASE_METHOD(ClusterTest, "limits: connections that do not log in are few", "[limits]") {
  Weir weir(cluster, with_limits("half_open_per_address = 3\n"));
  Console console(weir);
  const long let_in = console.counter("sessions");
  {
    std::vector<RawSocket> silent;
    for (int i = 0; i < 3; ++i) {
      silent.emplace_back(weir.port());
      CHECK(is_greeting(silent.back().receive()));
    }
    CHECK(RawSocket(weir.port()).receive_all() == kTooMany);
    CHECK(login_error(weir.login()).code == 1040);
    // Another address has places of its own.
    CHECK(is_greeting(RawSocket(weir.port(), "127.0.0.2").receive()));
  }
  CHECK(until([&] { return login_error(weir.login()).code == 0; }));
  std::vector<Client> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(weir.connect());
  CHECK(clients.back().ping());
  CHECK(console.counter("refused.half_open") >= 2);
  CHECK(console.counter("sessions") >= let_in + 14);
  CHECK(weir.log().find("limits.half_open_per_address") != std::string::npos);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "limits: connections of one address", "[limits]") {
  Weir weir(cluster, with_limits("connections_per_address = 20\n"));
  Console console(weir);
  // Those that weir was looked at with may still be on their way out.
  std::vector<Client> clients;
  CHECK(until([&] {
    try {
      while (clients.size() < 20) clients.push_back(weir.connect());
    } catch (const ServerError&) {
    }
    return clients.size() == 20;
  }));
  CHECK(RawSocket(weir.port()).receive_all() == kTooMany);
  CHECK(is_greeting(RawSocket(weir.port(), "127.0.0.2").receive()));
  clients.pop_back();
  CHECK(until([&] { return login_error(weir.login()).code == 0; }));
  CHECK(console.counter("refused.connections") >= 1);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "limits: how fast connections of one address come", "[limits]") {
  Weir weir(cluster, with_limits("connection_rate = 30\nhalf_open_per_address = 0\n"));
  Console console(weir);
  int refused = 0;
  for (int i = 0; i < 1000 && refused == 0; ++i) {
    if (RawSocket(weir.port()).receive() == kTooMany) ++refused;
  }
  CHECK(refused == 1);
  CHECK(console.counter("refused.rate") == 1);
  CHECK(until([&] { return login_error(weir.login()).code == 0; }));
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "limits: who does not log in in time is counted", "[limits]") {
  Weir weir(cluster, with_limits("handshake_timeout = \"1s\"\n"));
  Console console(weir);
  RawSocket silent(weir.port());
  CHECK(is_greeting(silent.receive()));
  CHECK(silent.receive_all() == "");
  CHECK(until([&] { return console.counter("refused.late") == 1; }));
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "limits: wrong passwords in a row", "[limits]") {
  for (const bool listed : {true, false}) {
    INFO((listed ? "listed accounts" : "passthrough"));
    WeirOptions options = with_limits("login_failures = 3\nlogin_backoff = \"10s\"\n");
    if (!listed) options.users = {};
    Weir weir(cluster, options);
    Console console(weir);
    const long before = console.counter("refused.password");
    const Error refusal = login_error(wrong(weir.login()));
    CHECK(refusal.code == 1045);
    for (int i = 0; i < 2; ++i) CHECK(login_error(wrong(weir.login())) == refusal);
    CHECK(console.counter("refused.password") == before + 3);
    CHECK(console.counter("refused.backoff") == 0);
    // The right one is not looked at either, and nobody is told.
    CHECK(login_error(weir.login()) == refusal);
    CHECK(console.counter("refused.backoff") == 1);
    CHECK(console.counter("refused.password") == before + 3);
    CHECK(login_error(weir.login("PLAIN", "")).code == 0);
    CHECK(until([&] { return login_error(weir.login()).code == 0; }));
    for (int i = 0; i < 2; ++i) CHECK(login_error(wrong(weir.login())) == refusal);
    CHECK(login_error(weir.login()).code == 0);
    for (int i = 0; i < 2; ++i) CHECK(login_error(wrong(weir.login())) == refusal);
    CHECK(login_error(weir.login()).code == 0);
    end(weir);
  }
}

TEST_CASE_METHOD(ClusterTest, "limits: wrong passwords of a change of user count as well",
                 "[limits]") {
  Weir weir(cluster, with_limits("login_failures = 2\nlogin_backoff = \"10s\"\n"));
  Console console(weir);
  const std::string user = cluster.value("PLAIN_USER");
  for (int i = 0; i < 2; ++i) {
    Client client = weir.connect();
    CHECK(client.change_user(user, "wrong").code == 1045);
  }
  Client client = weir.connect();
  CHECK(client.change_user(user, cluster.value("PLAIN_PASSWORD")).code == 1045);
  CHECK(console.counter("refused.backoff") == 1);
  CHECK(until([&] { return login_error(weir.login("PLAIN", "")).code == 0; }));
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "limits: an idle client hears what its server would have said",
                 "[limits]") {
  Weir weir(cluster, with_limits("idle_timeout = \"1s\"\n"));
  Client client = weir.connect();
  std::string said(4096, '\0');
  std::size_t size = 0;
  for (ssize_t count = 1; count > 0;) {
    count = ::recv(mysql_get_socket(client.raw()), said.data() + size, said.size() - size, 0);
    if (count > 0) size += static_cast<std::size_t>(count);
  }
  said.resize(size);
  if (cluster.mariadb()) {
    CHECK(said == "");
  } else {
    REQUIRE(said.size() > 13);
    CHECK(said[3] == 0);
    CHECK(said.substr(4, 9) == "\xff\xbf\x0f#HY000");
    CHECK(said.find("because of inactivity") != std::string::npos);
  }
  CHECK(Console(weir).counter("idle_timeouts") >= 1);
  end(weir);
}
