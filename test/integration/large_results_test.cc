// Values that need more than one frame of the protocol.

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

namespace {

constexpr std::size_t kMiB = 1u << 20;

std::string large(std::size_t size, char first) {
  std::string value(size, 'v');
  for (std::size_t i = 0; i < size; i += 4093)
    value[i] = static_cast<char>(first + static_cast<char>(i % 20));
  return value;
}

}  // namespace

TEST_CASE_METHOD(ProxyTest, "large: 17 MiB in one value, both ways", "[large]") {
  table("t (id INT PRIMARY KEY, v LONGBLOB)");
  Client client = weir.connect();
  const std::string value = large(17 * kMiB, 'a');
  CHECK(client.query("INSERT INTO t VALUES (1, '" + value + "')").affected == 1);
  CHECK((client.value("/* weir: primary */ SELECT v FROM t") == value));
  cluster.catch_up();
  client.reset();
  std::string answered;
  CHECK(until([&] {
    const Result read = client.query("SELECT v, @@server_id FROM t");
    answered = *read.rows.at(0).at(1);
    CHECK((read.value() == value));
    return is_replica(answered);
  }));
  CHECK(client.value("SELECT COUNT(*) FROM t") == "1");
}

TEST_CASE_METHOD(ProxyTest, "large: around the size of a frame", "[large]") {
  Client client = weir.connect();
  const std::string before = "SELECT LENGTH('", after = "')";
  // The command byte is part of the frame.
  const std::size_t full = 0xffffff - 1 - before.size() - after.size();
  for (const std::size_t size :
       {full - 1, full, full + 1, 2 * std::size_t{0xffffff} - 1 - before.size() - after.size()}) {
    CHECK(client.value(before + std::string(size, 'x') + after) == std::to_string(size));
  }
  // A row of exactly one frame: four bytes of length go before the value.
  for (const std::size_t size :
       {std::size_t{0xffffff} - 5, std::size_t{0xffffff} - 4, std::size_t{0xffffff} - 3}) {
    CHECK(client.value("SELECT REPEAT('z', " + std::to_string(size) + ")").size() == size);
    CHECK(client.value("SELECT 'next'") == "next");
  }
}

TEST_CASE_METHOD(ProxyTest, "large: in a transaction, and several statements in one", "[large]") {
  table("t (id INT PRIMARY KEY, v LONGBLOB)");
  Login login = weir.login();
  login.flags = CLIENT_MULTI_STATEMENTS;
  Client client(login);
  const std::string value = large(17 * kMiB, 'b');
  client.query("BEGIN");
  client.query("INSERT INTO t VALUES (1, '" + value + "')");
  CHECK(client.value("SELECT LENGTH(v) FROM t") == std::to_string(17 * kMiB));
  client.query("ROLLBACK");
  CHECK(client.value("SELECT COUNT(*) FROM t") == "0");
  // The end of such a text decides as much as its beginning.
  const auto results =
      client.results("SELECT LENGTH('" + value + "'); INSERT INTO t VALUES (2, 'x')");
  REQUIRE(results.size() == 2);
  CHECK(results[1].affected == 1);
  CHECK(client.value("SELECT v FROM t") == "x");
}

TEST_CASE_METHOD(ProxyTest, "large: many at once", "[large]") {
  in_parallel(3, [&](int session) {
    Client client = weir.connect();
    for (int i = 0; i < 3; ++i) {
      const std::string value = large(5 * kMiB, static_cast<char>('a' + session));
      if (client.value("SELECT '" + value + "'") != value)
        throw std::runtime_error("another value came back");
    }
  });
}

TEST_CASE_METHOD(ClusterTest, "large: a command above the limit", "[large]") {
  WeirOptions options;
  options.sections["limits"] = "max_packet = \"1MiB\"\n";
  Weir weir(cluster, options);
  Client client = weir.connect();
  CHECK(client.value("SELECT LENGTH('" + std::string(kMiB - 100, 'x') + "')") ==
        std::to_string(kMiB - 100));
  // 1153, or only the close that follows it, when the client is still writing.
  const unsigned code = client.error_of("SELECT LENGTH('" + std::string(2 * kMiB, 'x') + "')").code;
  CHECK((code == 1153 || code == 2006 || code == 2013));
  CHECK_FALSE(client.ping());
  CHECK(weir.connect().value("SELECT 1") == "1");
  end(weir);
}
