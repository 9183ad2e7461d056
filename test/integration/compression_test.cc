// Compression towards clients and towards servers, each with and without the other.

#include "test/integration/proxy_fixture.h"
#include "test/support/local_file.h"
#include "test/support/shell.h"
#include "test/support/statement.h"

using namespace weir::test;

namespace {

WeirOptions with_servers(const std::string& method) {
  WeirOptions options;
  options.server_lines = "compression = \"" + method + "\"\n";
  return options;
}

Login compressing(Login login) {
  login.flags |= CLIENT_COMPRESS | CLIENT_MULTI_STATEMENTS;
  login.local_files = true;
  return login;
}

// All that goes over a connection and has numbers that could be lost.
void exercise(Client& client, const std::string& schema) {
  CHECK(client.value("SELECT 1") == "1");
  CHECK(client.value("SELECT REPEAT('abc', 1000000)").size() == 3000000);
  const std::string noise = client.value("SELECT GROUP_CONCAT(SHA2(a.id, 256)) FROM numbers a");
  CHECK(noise.size() > 1000);

  const auto several =
      client.results("SELECT 1; SELECT REPEAT('x', 100000); SELECT id FROM numbers");
  REQUIRE(several.size() == 3);
  CHECK(several[0].value() == "1");
  CHECK(several[1].value().size() == 100000);
  CHECK(several[2].rows.size() == 300);

  const std::string text(3u << 20, 'q');  // longer than what is kept of a command
  CHECK(client.value("SELECT LENGTH('" + text + "')") == std::to_string(text.size()));
  CHECK(client.value("SELECT LENGTH('" + text.substr(0, 100000) + "')") == "100000");
  CHECK(client.error_of("SELECT nonsense FROM nowhere").code == 1146);

  std::string lines;
  for (int i = 0; i < 400000; ++i) lines += std::to_string(i) + "\n";
  const LocalFile file(lines);
  client.query("DELETE FROM loaded");
  CHECK(client.query("LOAD DATA LOCAL INFILE '" + file.path + "' INTO TABLE loaded").affected ==
        400000);
  CHECK(client.value("SELECT 2") == "2");

  {
    Statement statement(client, "SELECT ?, LENGTH(?)");
    const std::string part = text.substr(0, 100000);
    CHECK(statement.execute({7, part}).text() == "7|100000\n");
    CHECK(statement.execute_again({8, part}).text() == "8|100000\n");
  }
  CHECK(client.change_user("app", "app-secret", schema).code == 0);
  CHECK(client.value("SELECT REPEAT('abc', 100000)").size() == 300000);
  client.reset();
  CHECK(client.ping());
}

}  // namespace

TEST_CASE_METHOD(ClusterTest, "compression: either side, both and none", "[compression]") {
  cluster.sql(1, {"USE weir_test", "CREATE TABLE numbers (id INT PRIMARY KEY)",
                  "CREATE TABLE loaded (id INT PRIMARY KEY)"});
  std::string values = "INSERT INTO weir_test.numbers VALUES (0)";
  for (int i = 1; i < 300; ++i) values += ",(" + std::to_string(i) + ")";
  cluster.sql(1, {values});
  cluster.catch_up();
  std::vector<std::string> methods = {"off", "zlib"};
  if (!cluster.mariadb()) methods.emplace_back("zstd");
  for (const std::string& method : methods) {
    INFO("servers: " << method);
    Weir weir(cluster, with_servers(method));
    Login plain = compressing(weir.login());
    plain.flags &= ~static_cast<unsigned long>(CLIENT_COMPRESS);
    Client without(plain);
    exercise(without, "weir_test");
    Client with(compressing(weir.login()));
    exercise(with, "weir_test");
    end(weir);
  }
}

TEST_CASE_METHOD(ClusterTest, "compression: many sessions at once", "[compression]") {
  Weir weir(cluster, with_servers("zlib"));
  in_parallel(8, [&](int) {
    Client client(compressing(weir.login()));
    for (int i = 1; i < 40; ++i) {
      const std::string size = std::to_string(i * 997);
      if (client.value("SELECT LENGTH(REPEAT('x', " + size + "))") != size ||
          client.value("SELECT REPEAT('y', " + size + ")").size() != std::stoul(size)) {
        throw std::runtime_error("a wrong answer");
      }
    }
  });
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "compression: the servers' own clients", "[compression]") {
  Weir weir(cluster, with_servers("off"));
  const std::string sql = " -N -e \"SELECT LENGTH(REPEAT('x', 100000)), REPEAT('y', 3)\" 2>&1";
  const std::string login = cluster.value("CLIENT") + " -h 127.0.0.1 -P " +
                            std::to_string(weir.port()) + " -u " + cluster.value("APP_USER") +
                            " -p" + cluster.value("APP_PASSWORD");
  std::vector<std::string> options = {""};
  if (cluster.mariadb()) {
    options.emplace_back(" --compress");
  } else {
    for (const char* list : {"zlib", "zstd", "zstd --zstd-compression-level=22", "zlib,zstd"})
      options.push_back(std::string(" --compression-algorithms=") + list);
  }
  for (const std::string& option : options) {
    INFO(option);
    const std::string output = output_of(login + option + sql);
    CHECK(output.find("100000\tyyy\n") != std::string::npos);
  }
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "compression: a server that cannot do it", "[compression]") {
  if (!cluster.mariadb()) return;
  WeirOptions options = with_servers("zstd");
  options.wait = false;
  Weir weir(cluster, options);
  Error error;
  CHECK(until([&] {
    error = login_error(weir.login());
    return error.code != 0 && error.code < 2000;  // weir listens, and knows its servers
  }));
  CHECK(error.code == 1290);
  CHECK(error.text.find("no compression with zstd") != std::string::npos);
  end(weir);
}
