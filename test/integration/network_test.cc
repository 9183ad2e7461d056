// The network to a server goes silent: no answer, no error, no end of the connection.

#include <chrono>

#include "test/integration/failover_fixture.h"
#include "test/support/silence.h"

using namespace weir::test;

namespace {

constexpr auto kInterval = 1s;

class NetworkTest : public FailoverTest {
 public:
  static WeirOptions options(const std::string& failover_wait) {
    WeirOptions options = FailoverTest::options(failover_wait);
    options.sections["monitor"] = "interval = \"1s\"\ntimeout = \"500ms\"\nmax_lag = \"5s\"\n";
    return options;
  }
  // How many threads of a server are busy with a statement. Over its socket, which needs no
  // network.
  long running(int n, const std::string& statement) const {
    Login login = cluster.root(n);
    login.socket = cluster.value("DB" + std::to_string(n) + "_SOCKET");
    return std::stol(Client(login).value(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE info = '" + statement + "'"));
  }
};

Error error_of_answer(Client& client) {
  try {
    client.receive();
  } catch (const ServerError& error) {
    return error.error();
  }
  return {};
}

}  // namespace

TEST_CASE_METHOD(NetworkTest, "network: a silent replica is found, and its readers are answered",
                 "[failover][network]") {
  Weir weir(cluster, options("60s"));
  std::vector<Client> clients;
  const std::string slow = "SELECT SLEEP(3), @@server_id";
  for (int i = 0; i < 8; ++i) clients.push_back(connect_writer(weir));
  for (Client& client : clients) client.send(slow);
  REQUIRE(until([&] { return running(2, slow) >= 1 && running(2, slow) + running(3, slow) == 8; }));
  const auto began = std::chrono::steady_clock::now();
  Silence silence(cluster, 2);
  REQUIRE(until([&] {
    return weir.log().find("db2 (127.0.0.1:" + std::to_string(cluster.port(2)) +
                           "): replica, down") != std::string::npos;
  }));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  WARN("found after " << took.count() << " ms (interval 1000 ms, timeout 500 ms)");
  CHECK(took < 3 * kInterval);
  for (Client& client : clients) {
    const Result answer = client.receive();
    CHECK(answer.value() == "0");
    CHECK(answer.rows[0][1] == id(3));
  }
  for (Client& client : clients) CHECK(client.value("SELECT @@server_id") == id(3));
  CHECK(weir.readers() == std::vector<int>{3});
  silence.end();
  CHECK(until([&] { return weir.readers() == std::vector<int>{2, 3}; }));
  end(weir);
}

TEST_CASE_METHOD(NetworkTest, "network: a silent primary leaves a write's outcome unknown",
                 "[failover][network]") {
  Weir weir(cluster, options("1s"));
  Client writing = connect_writer(weir);
  Client idle = connect_writer(weir);
  idle.query("INSERT INTO writes (session, n) VALUES (2, 1)");
  cluster.catch_up();
  const std::string slow = "INSERT INTO writes (session, n) SELECT 1, 1 + SLEEP(1)";
  writing.send(slow);
  REQUIRE(until([&] { return running(1, slow) == 1; }));
  Silence silence(cluster, 1);
  const Error unknown = error_of_answer(writing);
  CHECK(unknown.code == 1158);
  CHECK(unknown.sqlstate == "08S01");
  CHECK_FALSE(writing.ping());
  const Error refused = idle.error_of("INSERT INTO writes (session, n) VALUES (2, 2)");
  CHECK((refused.code == 1290 || refused.code == 1158));
  Client reading = connect_writer(weir);
  CHECK(reading.value("SELECT MAX(n) FROM writes WHERE session = 2") == "1");  // reads go on
  silence.end();
  CHECK(until([&] {
    return connect_writer(weir).error_of("INSERT INTO writes (session, n) VALUES (3, 1)").code == 0;
  }));
  CHECK(std::stoi(cluster.sql(1, {"SELECT COUNT(*) FROM app.writes WHERE session = 1"})) <= 1);
  cluster.catch_up();
  end(weir);
}

TEST_CASE_METHOD(NetworkTest, "network: only the answers are lost, and the write happens once",
                 "[failover][network]") {
  if (!Silence::has_own_network()) {
    WARN("not tested: this machine gives the tests no network of their own");
    return;
  }
  Weir weir(cluster, options("1s"));
  Client client = connect_writer(weir);
  client.query("UPDATE one SET v = v + 1");
  Silence silence(cluster, 1, Silence::Of::answers);
  client.send("UPDATE one SET v = v + 1");
  CHECK(error_of_answer(client).code == 1158);
  silence.end();
  CHECK(until([&] {
    return connect_writer(weir).error_of("INSERT INTO writes (session, n) VALUES (2, 1)").code == 0;
  }));
  // The server had it, and did it.
  CHECK(cluster.sql(1, {"SELECT v FROM app.one"}) == "2");
  cluster.catch_up();
  end(weir);
}
