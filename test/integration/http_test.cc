// Health, readiness and metrics over HTTP.

#include <arpa/inet.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "test/integration/proxy_fixture.h"
#include "test/support/metrics_text.h"

using namespace weir::test;

namespace {

WeirOptions with_http() {
  WeirOptions options;
  options.http = "127.0.0.1:0";
  return options;
}

httplib::Client to(const Weir& weir) {
  return httplib::Client("127.0.0.1", weir.http_port());
}

int status_of(const Weir& weir, const std::string& path) {
  const httplib::Result result = to(weir).Get(path);
  return result ? result->status : 0;
}

nlohmann::json readiness(const Weir& weir, int& status) {
  const httplib::Result result = to(weir).Get("/readyz");
  status = result ? result->status : 0;
  return result ? nlohmann::json::parse(result->body) : nlohmann::json();
}

// Waits until /readyz has this status and this mode; returns the last of what it said.
nlohmann::json wait_for_mode(const Weir& weir, int wanted, const std::string& mode) {
  nlohmann::json json;
  int status = 0;
  const bool came = until([&] {
    json = readiness(weir, status);
    return status == wanted && json.value("mode", "") == mode;
  });
  INFO("last: " << status << " " << json.dump() << "\n" << weir.log());
  CHECK(came);
  return json;
}

Samples scrape(const Weir& weir) {
  const httplib::Result result = to(weir).Get("/metrics");
  if (!result || result->status != 200) throw std::runtime_error("no metrics");
  return parse_metrics(result->body);
}

double value(const Samples& samples, const std::string& name) {
  const auto found = samples.find(name);
  return found != samples.end() ? found->second : -1;
}

// Of all reasons together.
double routed(const Samples& samples, const std::string& destination) {
  double sum = 0;
  for (const auto& [name, count] : samples) {
    if (name.rfind("weir_statements_routed_total{destination=\"" + destination, 0) == 0)
      sum += count;
  }
  return sum;
}

// A connection to the HTTP port that sends what it is told and no more.
class Stranger {
 public:
  explicit Stranger(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(fd_, raw, sizeof address) != 0) throw std::runtime_error("cannot connect");
  }
  Stranger(Stranger&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Stranger& operator=(Stranger&&) = delete;
  ~Stranger() {
    if (fd_ >= 0) ::close(fd_);
  }
  void send(const std::string& bytes) const {
    ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // All that comes until weir ends the connection.
  std::string receive_all() const {
    std::string all;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE_METHOD(ClusterTest, "http: paths and methods", "[http]") {
  Weir weir(cluster, with_http());
  const httplib::Result healthy = to(weir).Get("/healthz");
  REQUIRE(healthy);
  CHECK(healthy->status == 200);
  CHECK(healthy->body == "ok\n");
  CHECK(to(weir).Head("/metrics")->status == 200);
  CHECK(status_of(weir, "/") == 404);
  CHECK(to(weir).Post("/healthz", "a=b", "text/plain")->status == 405);
  CHECK(to(weir).Get("/metrics", {{"Accept-Encoding", "gzip"}})->body.find("weir_build_info") !=
        std::string::npos);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "http: metrics move with statements, and lag is among them",
                 "[http]") {
  WeirOptions options = with_http();
  options.server_lines = "max_connections = 50\n";
  Weir weir(cluster, options);
  const Samples before = scrape(weir);
  CHECK(value(before, "weir_scrape_complete") == 1);
  CHECK(value(before, "weir_primary_known") == 1);
  CHECK(value(before, "weir_server_role{server=\"db1\",role=\"primary\"}") == 1);
  CHECK(value(before, "weir_server_connections_limit{server=\"db1\"}") == 50);
  Client client = weir.connect();
  client.query("CREATE TABLE t (a INT)");
  for (int i = 0; i < 5; ++i) client.query("INSERT INTO t VALUES (1)");
  REQUIRE(comes_to_a_replica(client));
  client.query("SET @a = 1");
  CHECK_THROWS(client.query("SELECT * FROM t WHERE no_such_column = 1"));
  CHECK(until([&] { return value(scrape(weir), "weir_client_connections") == 1; }));
  Samples after;
  CHECK(until([&] {
    after = scrape(weir);
    return routed(after, "primary") >= routed(before, "primary") + 7 &&
           routed(after, "replica") > routed(before, "replica") &&
           value(after, "weir_server_lag_seconds{server=\"db2\"}") >= 0;
  }));
  CHECK(value(after, "weir_client_sessions_total") > value(before, "weir_client_sessions_total"));
  CHECK(value(after, "weir_pinned_sessions{reason=\"user_variable\"}") == 1);
  CHECK(value(after, "weir_pins_total{reason=\"user_variable\"}") == 1);
  CHECK(value(after, "weir_server_connections_open{server=\"db1\"}") >= 1);
  CHECK(value(after, "process_resident_memory_bytes") > 0);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "http: a replica that is behind shows its lag", "[http]") {
  WeirOptions options = with_http();
  options.sections["monitor"] = "max_lag = \"500ms\"\n";
  cluster.sql(1, {"CREATE TABLE weir_test.t (a INT)"});
  cluster.catch_up();
  Weir weir(cluster, options);
  Finally put_right{[&] { cluster.delay(2, 0); }};
  cluster.delay(2, 3600);
  CHECK(until([&] {
    cluster.sql(1, {"INSERT INTO weir_test.t VALUES (1)"});
    const Samples samples = scrape(weir);
    return value(samples, "weir_server_lag_seconds{server=\"db2\"}") > 0.5 &&
           value(samples, "weir_server_up{server=\"db2\"}") == 0 &&
           value(samples, "weir_server_health{server=\"db2\",health=\"lagging\"}") == 1;
  }));
  int status = 0;
  nlohmann::json json = readiness(weir, status);
  CHECK(status == 200);
  CHECK(json["servers"][1]["lag_ms"] > 500);
  CHECK(json["servers"][1].value("why", "") != "");
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "http: ready while there is a primary or a replica", "[http]") {
  Weir weir(cluster, with_http());
  CHECK(wait_for_mode(weir, 200, "read_write")["primary"] == "db1");
  Finally put_right{[&] {
    for (const int n : {2, 3, 1}) cluster.restart(n);
    cluster.catch_up();
  }};
  cluster.kill(1, "KILL");
  nlohmann::json json = wait_for_mode(weir, 200, "read_only");
  CHECK(json["primary"].is_null());
  CHECK(json["no_primary_why"] != "");
  CHECK(value(scrape(weir), "weir_primary_known") == 0);

  for (const int n : {2, 3}) cluster.kill(n, "KILL");
  json = wait_for_mode(weir, 503, "none");
  CHECK(json["reason"] == "there is no primary, and no replica that serves reads");
  REQUIRE(json["servers"].size() == 3);
  CHECK(until([&] {
    int status = 0;
    json = readiness(weir, status);
    return json["servers"][1]["health"] == "down" && json["servers"][1].value("why", "") != "";
  }));
  CHECK(status_of(weir, "/healthz") == 200);
  CHECK(value(scrape(weir), "weir_scrape_complete") == 1);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "http: not ready while it drains", "[http]") {
  Weir weir(cluster, with_http());
  const std::uint16_t port = weir.http_port();
  Client client = weir.connect();
  client.query("BEGIN");
  client.query("CREATE TEMPORARY TABLE t (a INT)");
  client.query("INSERT INTO t VALUES (1)");
  weir.signal(SIGTERM);
  CHECK(wait_for_mode(weir, 503, "none")["reason"] == "draining");
  CHECK(status_of(weir, "/healthz") == 200);
  CHECK(value(scrape(weir), "weir_draining") == 1);
  client.query("COMMIT");
  CHECK(weir.wait_for_end() == 0);
  CHECK(weir.sanitizer_report() == "");
  CHECK_THROWS(Stranger(port));
}

TEST_CASE_METHOD(ClusterTest, "http: strangers cannot keep others out", "[http]") {
  Weir weir(cluster, with_http());
  const std::uint16_t port = weir.http_port();
  const double before = value(scrape(weir), "process_open_fds");
  std::vector<Stranger> strangers;
  for (int i = 0; i < 300; ++i) {
    strangers.emplace_back(port);
    if (i % 3 == 1) strangers.back().send("GET /healthz HTTP/1.1\r\nX: ");
    if (i % 3 == 2) strangers.back().send("GET /metrics HTTP/1.1\r\n\r\n");  // and does not read
    if (i % 10 == 0) CHECK(status_of(weir, "/healthz") == 200);
  }
  const Samples samples = scrape(weir);
  CHECK(value(samples, "weir_scrape_complete") == 1);
  CHECK(value(samples, "process_open_fds") <= before + 64);
  // They are shown out without any help from others.
  CHECK(strangers.back().receive_all().find("200 OK") != std::string::npos);
  CHECK(strangers[297].receive_all().empty());
  const Stranger talkative(port);
  talkative.send("GET /healthz HTTP/1.1\r\nX: " + std::string(5000, 'x'));
  CHECK(talkative.receive_all().substr(0, 12) == "HTTP/1.1 431");
  CHECK(until([&] { return value(scrape(weir), "process_open_fds") <= before + 2; }));
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "http: a port that is taken is an error that says so", "[http]") {
  Weir first(cluster, with_http());
  WeirOptions second;
  second.http = "127.0.0.1:" + std::to_string(first.http_port());
  second.wait = false;
  Weir refused(cluster, second);
  CHECK(refused.wait_for_end() == 1);
  CHECK(refused.log().find("HTTP: cannot listen on 127.0.0.1:") != std::string::npos);
  CHECK(refused.log().find("give listen.http another address, or \"\"") != std::string::npos);
  end(first);
}
