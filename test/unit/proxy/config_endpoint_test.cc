#include <string>
#include <string_view>

#include "proxy/config/config.h"
#include "proxy/config/endpoint_text.h"
#include "test/support/catch.h"

namespace weir {

using config::parse_endpoint;

TEST_CASE("addresses are read and written back", "[config]") {
  struct Row {
    std::string_view text;
    Endpoint endpoint;
    std::string written;
  };
  const Row rows[] = {
      {"10.0.0.1:3307", {"10.0.0.1", 3307, ""}, "10.0.0.1:3307"},
      {"10.0.0.1", {"10.0.0.1", 3306, ""}, "10.0.0.1:3306"},
      {"db-1.example_x.net:1", {"db-1.example_x.net", 1, ""}, "db-1.example_x.net:1"},
      {"localhost", {"localhost", 3306, ""}, "localhost:3306"},
      {"[::1]:65535", {"::1", 65535, ""}, "[::1]:65535"},
      {"[::1]", {"::1", 3306, ""}, "[::1]:3306"},
      {"[0:0:0:0:0:0:0:1]", {"::1", 3306, ""}, "[::1]:3306"},
      {"[2001:DB8::7]:3306", {"2001:db8::7", 3306, ""}, "[2001:db8::7]:3306"},
      {"unix:/run/weir.sock", {"", 0, "/run/weir.sock"}, "unix:/run/weir.sock"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto read = parse_endpoint(row.text, 3306);
    CHECK(read.why == "");
    CHECK(read.endpoint == row.endpoint);
    CHECK(read.endpoint.to_string() == row.written);
    CHECK(parse_endpoint(row.written, 1).endpoint == row.endpoint);
    CHECK(read.endpoint.is_unix() == (row.text.substr(0, 5) == "unix:"));
  }
}

TEST_CASE("port 0 is an address to listen on, where that is allowed", "[config]") {
  CHECK(parse_endpoint("127.0.0.1:0", 6080, 0).endpoint == Endpoint{"127.0.0.1", 0, ""});
  CHECK(parse_endpoint("[::1]:0", 6080, 0).endpoint == Endpoint{"::1", 0, ""});
  CHECK_FALSE(parse_endpoint("127.0.0.1:0", 6080).ok());
}

TEST_CASE("what is no address is refused with what to write instead", "[config]") {
  struct Row {
    std::string text;
    std::string why;
  };
  const std::string port = "the port must be a number from 1 to 65535";
  const std::string host = "the host is missing; for every interface write \"0.0.0.0\" or \"[::]\"";
  const std::string form = "write it as \"host:port\", \"[::1]:port\" or \"unix:/path\"";
  const std::string inside =
      "between the brackets there must be an IPv6 address, such as \"[::1]\"";
  const std::string absolute =
      "the path of a unix socket must be absolute, such as \"unix:/run/weir.sock\"";
  const Row rows[] = {
      {"", host},
      {":3306", host},
      {"*:3306", host},
      {"db1:", port},
      {"db1:0", port},
      {"db1:65536", port},
      {"db1:-1", port},
      {"db1:33 06", port},
      {"db1:mysql", port},
      {"db1:1:2", port},
      {"db 1", form},
      {"tcp://db1", port},
      {"db1/x", form},
      {std::string(254, 'a'), form},
      {"10.0.0.256", "that is not an IPv4 address"},
      {"10.0.0:3306", "that is not an IPv4 address"},
      {"::1", "an IPv6 address needs brackets: \"[::1]:6033\""},
      {"[::1", "the closing \"]\" is missing"},
      {"[]:1", inside},
      {"[10.0.0.1]:1", inside},
      {"[fe80::1%eth0]:1", inside},
      {"[::1]x", "after the \"]\" only \":port\" may follow"},
      {"[::1]:", port},
      {"unix:", absolute},
      {"unix:run/weir.sock", absolute},
      {"unix:/" + std::string(107, 'x'), "the path of a unix socket has at most 107 bytes"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(parse_endpoint(row.text, 6033).why == row.why);
  }
  CHECK(parse_endpoint("unix:/" + std::string(106, 'x'), 1).ok());
}

TEST_CASE("a user is found by the exact name", "[config]") {
  Config config;
  config.users.resize(2);
  config.users[0].name = "app";
  config.users[1].name = "App";
  CHECK(config.find_user("app") == &config.users[0]);
  CHECK(config.find_user("App") == &config.users[1]);
  CHECK(config.find_user("APP") == nullptr);
  CHECK(config.find_user("") == nullptr);
}

}  // namespace weir
