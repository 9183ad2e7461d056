#include "proxy/config/loader.h"

#include "test/support/catch.h"
#include "test/unit/proxy/config_support.h"

namespace weir::test {

using namespace std::chrono_literals;

TEST_CASE("the smallest configuration has every default", "[config]") {
  const LoadResult result = load(kRest);
  CHECK(in_words(result.problems).empty());
  CHECK(in_words(result.warnings).empty());
  REQUIRE(result.ok());
  const Config& config = *result.config;
  CHECK(config.listen.mysql == std::vector<Endpoint>{{"127.0.0.1", 6033, ""}});
  REQUIRE(config.servers.size() == 1);
  CHECK(config.servers[0].name == "db1");
  CHECK(config.servers[0].address == Endpoint{"10.0.0.1", 3306, ""});
  CHECK(config.listen.http == Endpoint{"127.0.0.1", 6080, ""});
  CHECK(config.servers[0].role == RolePin::automatic);
  CHECK(config.servers[0].weight == 100);
  CHECK(config.monitor.user == "m");
  CHECK(config.monitor.password == "p");
  CHECK(config.monitor.interval == 250ms);
  CHECK(config.auth.mode == AuthMode::passthrough);
  CHECK(config.users.empty());
}

TEST_CASE("listening and servers are read", "[config]") {
  const LoadResult result = load(R"(
[listen]
mysql = ["0.0.0.0:3306", "[::]", "unix:/run/weir/weir.sock"]
workers = 4
max_connections = 20000
admin = ""
http = ""
[[server]]
name = "db1"
address = "db1.example.net"
role = "primary"
weight = 0
zone = "a"
max_connections = 200
[[server]]
name = "db2"
address = "[2001:db8::2]:3307"
role = "replica"
weight = 10000
[monitor]
user = "m"
password = ""
interval = "100ms"
timeout = "500ms"
max_lag = "1m"
recover_after = 1
discover = true
heartbeat = "weir.beats-1"
)");
  CHECK(in_words(result.problems).empty());
  REQUIRE(result.ok());
  const Config& config = *result.config;
  CHECK(config.monitor.discover);
  CHECK(config.monitor.heartbeat == "weir.beats-1");
  CHECK(server_capacity(config) == 2 + kMostDiscovered);
  CHECK(config.listen.mysql == std::vector<Endpoint>{{"0.0.0.0", 3306, ""},
                                                     {"::", 6033, ""},
                                                     {"", 0, "/run/weir/weir.sock"}});
  CHECK_FALSE(config.listen.http);
  CHECK(config.listen.workers == 4);
  CHECK(config.listen.max_connections == 20000);
  REQUIRE(config.servers.size() == 2);
  CHECK(config.servers[0].address == Endpoint{"db1.example.net", 3306, ""});
  CHECK(config.servers[0].role == RolePin::primary);
  CHECK(config.servers[0].weight == 0);
  CHECK(config.servers[0].zone == "a");
  CHECK(config.servers[0].max_connections == 200);
  CHECK(config.servers[1].address == Endpoint{"2001:db8::2", 3307, ""});
  CHECK(config.servers[1].role == RolePin::replica);
  CHECK(config.servers[1].weight == 10000);
  CHECK(config.monitor.interval == 100ms);
  CHECK(config.monitor.timeout == 500ms);
  CHECK(config.monitor.max_lag == 1min);
  CHECK(config.monitor.recover_after == 1);
  CHECK(in_words(result.warnings) ==
        std::vector<std::string>{
            "weir.toml:22: monitor.password is empty: this account has no password"});
}

TEST_CASE("the PROXY protocol and timeouts are read where they are", "[config]") {
  const LoadResult result = load_with_rest(R"(
[listen]
proxy_protocol = ["10.0.0.0/8", "2001:db8::/32", "127.0.0.1"]
[[server]]
name = "behind"
address = "behind"
proxy_protocol = true
[[user]]
name = "app"
password = "x"
query_timeout = "0s"
[[rule]]
user = "app"
timeout = "1m"
)");
  CHECK(in_words(result.problems).empty());
  REQUIRE(result.ok());
  const Config& config = *result.config;
  CHECK(config.listen.proxy_protocol ==
        std::vector<std::string>{"10.0.0.0/8", "2001:db8::/32", "127.0.0.1"});
  CHECK(config.servers.front().proxy_protocol);
  CHECK(config.users.front().query_timeout == 0ms);
  CHECK(config.rules.front().timeout == 1min);
}

TEST_CASE("routing, pool, limits and log are read", "[config]") {
  const LoadResult result = load_with_rest(R"(
routing = { consistency = "eventual", wait = "0s", balance = "weighted", primary_reads = "never" }
[pool]
mode = "session"
idle_timeout = "5s"
max_age = "30d"
queue_timeout = "1ms"
diagnostics_hold = "0s"
min_idle = 0
[limits]
max_packet = "1GiB"
handshake_timeout = "1s"
idle_timeout = "1d"
query_timeout = "90s"
write_buffer = "1MB"
prepared_statements = 7
half_open_per_address = 8
connections_per_address = 9
connection_rate = 10
login_failures = 0
login_backoff = "5m"
memory = "2GiB"
[log]
level = "debug"
format = "json"
[tls.client]
mode = "required"
cert = "c.pem"
key = "k.pem"
ca = "a.pem"
client_certificates = "required"
[tls.server]
mode = "verify_identity"
ca = "s.pem"
cert = "w.pem"
key = "wk.pem"
)");
  CHECK(in_words(result.problems).empty());
  REQUIRE(result.ok());
  const Config& config = *result.config;
  CHECK(config.tls.client.mode == ClientTlsMode::required);
  CHECK(config.tls.client.cert == "c.pem");
  CHECK(config.tls.client.key == "k.pem");
  CHECK(config.tls.client.ca == "a.pem");
  CHECK(config.tls.client.client_certificates == ClientCertificates::required);
  CHECK(config.tls.server.mode == ServerTlsMode::verify_identity);
  CHECK(config.tls.server.ca == "s.pem");
  CHECK(config.tls.server.cert == "w.pem");
  CHECK(config.tls.server.key == "wk.pem");
  CHECK(config.routing.consistency == Consistency::eventual);
  CHECK(config.routing.wait == 0ms);
  CHECK(config.routing.balance == Balance::weighted);
  CHECK(config.routing.primary_reads == PrimaryReads::never);
  CHECK(config.pool.mode == PoolMode::session);
  CHECK(config.pool.idle_timeout == 5s);
  CHECK(config.pool.max_age == 720h);
  CHECK(config.pool.queue_timeout == 1ms);
  CHECK(config.pool.diagnostics_hold == 0ms);
  CHECK(config.limits.max_packet == 1u << 30);
  CHECK(config.limits.handshake_timeout == 1s);
  CHECK(config.limits.idle_timeout == 24h);
  CHECK(config.limits.write_buffer == 1000000);
  CHECK(config.limits.query_timeout == 90s);
  CHECK(config.limits.prepared_statements == 7);
  CHECK(config.limits.half_open_per_address == 8);
  CHECK(config.limits.memory == std::size_t{2} << 30);
  CHECK(config.limits.connections_per_address == 9);
  CHECK(config.limits.connection_rate == 10);
  CHECK(config.limits.login_failures == 0);
  CHECK(config.limits.login_backoff == 5min);
  CHECK(config.log.level == LogLevel::debug);
  CHECK(config.log.format == LogFormat::json);
}

TEST_CASE("the rest of routing is read", "[config]") {
  const LoadResult result = load_with_rest(
      "[routing]\nprimary_reads = \"always\"\nmode = \"observe\"\nretry_reads = false\n"
      "failover_wait = \"1m\"\nhints = false\nzone = \"\"\ntransaction_reads = \"primary\"\n");
  CHECK(in_words(result.problems).empty());
  REQUIRE(result.ok());
  CHECK(result.config->routing.primary_reads == PrimaryReads::always);
  CHECK(result.config->routing.mode == RoutingMode::observe);
  CHECK_FALSE(result.config->routing.retry_reads);
  CHECK(result.config->routing.failover_wait == 1min);
  CHECK_FALSE(result.config->routing.hints);
}

TEST_CASE("listing a user changes the default of auth.mode", "[config]") {
  const std::string user =
      "[[user]]\nname = \"app\"\npassword = \"x\"\nroute = \"primary\"\n"
      "max_connections = 5\n";
  const LoadResult listed = load_with_rest(user);
  REQUIRE(listed.ok());
  CHECK(listed.config->auth.mode == AuthMode::users);
  REQUIRE(listed.config->find_user("app") != nullptr);
  CHECK(listed.config->find_user("app")->password == "x");
  CHECK(listed.config->find_user("app")->route == UserRoute::primary);
  CHECK(listed.config->find_user("app")->max_connections == 5);

  const LoadResult mixed = load_with_rest("[auth]\nmode = \"passthrough\"\n" + user);
  REQUIRE(mixed.ok());
  CHECK(mixed.config->auth.mode == AuthMode::passthrough);
  CHECK(mixed.config->users.size() == 1);
}

TEST_CASE("rules are read in their order", "[config]") {
  const LoadResult result = load_with_rest(R"(
[[rule]]
name = "reports"
user = "app"
schema = "shop"
digest = "527686288B8ff327"
pattern = '^SELECT .* FROM reports'
client = "10.0.0.0/8"
to = "server:db1"
max_lag = "30s"
consistency = "eventual"
[[rule]]
user = "guest"
to = "reject"
)");
  CHECK(in_words(result.problems).empty());
  CHECK(in_words(result.warnings).empty());
  REQUIRE(result.ok());
  REQUIRE(result.config->rules.size() == 2);
  const RuleConfig& first = result.config->rules[0];
  CHECK(first.name == "reports");
  CHECK(first.user == "app");
  CHECK(first.schema == "shop");
  CHECK(first.digest == "527686288B8ff327");
  CHECK(first.pattern == "^SELECT .* FROM reports");
  CHECK(first.client == "10.0.0.0/8");
  CHECK(first.to == "server:db1");
  CHECK(first.max_lag == 30s);
  CHECK(first.consistency == Consistency::eventual);
  const RuleConfig& second = result.config->rules[1];
  CHECK(second.name == "rule 2");
  CHECK(second.to == "reject");
  CHECK_FALSE(second.max_lag);
  CHECK_FALSE(second.consistency);
}

TEST_CASE("a rule that comes too late is a warning", "[config]") {
  const LoadResult result = load_with_rest(
      "[[rule]]\nuser = \"a\"\nto = \"primary\"\n"
      "[[rule]]\nuser = \"b\"\nto = \"primary\"\n"
      "[[rule]]\nuser = \"a\"\npattern = \"x\"\nto = \"replica\"\n"
      "[[rule]]\npattern = \"x\"\nto = \"replica\"");
  REQUIRE(result.ok());
  CHECK(in_words(result.warnings) ==
        std::vector<std::string>{"weir.toml:7: rule 3 can never match: rule 1 (line 1) takes "
                                 "everything that it would take"});
}

TEST_CASE("secrets come from where the file says, beside the file", "[config]") {
  FakeSecrets secrets;
  secrets.files["/etc/weir/monitor.password"] = "from file";
  secrets.files["/run/app"] = "absolute";
  secrets.variables["APP2"] = "from environment";
  const LoadResult result = parse_config(
      "[[server]]\nname = \"a\"\naddress = \"a\"\n"
      "[monitor]\nuser = \"m\"\npassword_file = \"monitor.password\"\n"
      "[[user]]\nname = \"app\"\npassword_file = \"/run/app\"\n"
      "[[user]]\nname = \"app2\"\npassword_env = \"APP2\"\n",
      "/etc/weir/weir.toml", secrets);
  CHECK(in_words(result.problems).empty());
  REQUIRE(result.ok());
  CHECK(result.config->monitor.password == "from file");
  CHECK(result.config->users[0].password == "absolute");
  CHECK(result.config->users[1].password == "from environment");
}

TEST_CASE("what is legal but unlikely is a warning", "[config]") {
  const LoadResult lag = load_with_rest("routing.hints = true");
  CHECK(lag.warnings.empty());
  const LoadResult result = load(
      "[[server]]\nname = \"a\"\naddress = \"a\"\nrole = \"replica\"\n"
      "[monitor]\nuser = \"m\"\npassword = \"p\"\nmax_lag = \"250ms\"\n");
  REQUIRE(result.ok());
  CHECK(in_words(result.warnings) ==
        std::vector<std::string>{
            "weir.toml:4: every server is pinned as replica: writes will have nowhere to go",
            "weir.toml:8: monitor.max_lag (250ms) is not above monitor.interval (250ms): healthy "
            "replicas will often look stale"});
}

TEST_CASE("line ends of any kind and a byte order mark are read", "[config]") {
  std::string crlf;
  for (const char c : kRest) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(load(crlf).ok());
  CHECK(load("\xef\xbb\xbf" + std::string(kRest)).ok());
  CHECK(load(kRest.substr(0, kRest.size() - 1)).ok());
}

TEST_CASE("whose statements are listed, and where", "[config]") {
  const LoadResult result = parse_config(
      "[firewall]\nmode = \"warn\"\nfile = \"lists/app\"\n"
      "[[user]]\nname = \"a\"\npassword = \"x\"\nfirewall = \"off\"\n"
      "[[user]]\nname = \"b\"\npassword = \"x\"\nfirewall = \"learn\"\n"
      "[[user]]\nname = \"c\"\npassword = \"x\"\n" +
          std::string(kRest),
      "/etc/weir/weir.toml", FakeSecrets());
  CHECK(in_words(result.problems).empty());
  REQUIRE(result.ok());
  const Config& config = *result.config;
  CHECK(config.firewall.file == "/etc/weir/lists/app");
  CHECK(config.firewall_mode(config.find_user("a")) == FirewallMode::off);
  CHECK(config.firewall_mode(config.find_user("b")) == FirewallMode::learn);
  CHECK(config.firewall_mode(config.find_user("c")) == FirewallMode::warn);
  CHECK(config.firewall_mode(nullptr) == FirewallMode::warn);
  CHECK(config.uses_firewall());
  CHECK(config.uses_firewall(FirewallMode::learn));
  CHECK_FALSE(config.uses_firewall(FirewallMode::enforce));
  CHECK_FALSE(Config().uses_firewall());
}

}  // namespace weir::test
