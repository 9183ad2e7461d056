// The files that people read about the configuration agree with the loader and with each other.

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>

#include "test/support/catch.h"
#include "test/unit/proxy/config_support.h"

namespace weir::test {
namespace {

std::string read_from_root(const std::string& name) {
  const auto root = std::filesystem::path(WEIR_SOURCE_DIR);
  std::ifstream file(root / name, std::ios::binary);
  CAPTURE(name);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

// "#key = value" and "#[section]" are keys at their defaults; "# text" is text.
std::string with_all_keys(const std::string& reference) {
  std::istringstream lines(reference);
  std::string out;
  for (std::string line; std::getline(lines, line); out += line + "\n") {
    const bool is_key = line.size() > 1 && line[0] == '#' &&
                        (line[1] == '[' || std::isalpha(static_cast<unsigned char>(line[1])) != 0);
    if (is_key) line.erase(0, 1);
  }
  return out;
}

// The text of each section: from its header to the next, comments above a header going with it.
std::map<std::string, std::string> by_section(const std::string& toml) {
  std::map<std::string, std::string> sections;
  std::istringstream lines(toml);
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t open = line.find_first_not_of('[');
    if (open == 1 || open == 2) name = line.substr(open, line.find(']') - open);
    sections[name] += line + "\n";
  }
  return sections;
}

void check_equal(const ListenConfig& a, const ListenConfig& b) {
  CHECK(a.mysql == b.mysql);
  CHECK(a.admin == b.admin);
  CHECK(a.workers == b.workers);
  CHECK(a.max_connections == b.max_connections);
  CHECK(a.proxy_protocol == b.proxy_protocol);
}

void check_equal(const ServerConfig& a, const ServerConfig& b) {
  CHECK(a.role == b.role);
  CHECK(a.weight == b.weight);
  CHECK(a.zone == b.zone);
  CHECK(a.max_connections == b.max_connections);
  CHECK(a.proxy_protocol == b.proxy_protocol);
}

void check_equal(const MonitorConfig& a, const MonitorConfig& b) {
  CHECK(a.interval == b.interval);
  CHECK(a.timeout == b.timeout);
  CHECK(a.max_lag == b.max_lag);
  CHECK(a.recover_after == b.recover_after);
  CHECK(a.catalogue == b.catalogue);
  CHECK(a.catalogue_interval == b.catalogue_interval);
  CHECK(a.discover == b.discover);
  CHECK(a.heartbeat == b.heartbeat);
}

void check_equal(const RoutingConfig& a, const RoutingConfig& b) {
  CHECK(a.consistency == b.consistency);
  CHECK(a.wait == b.wait);
  CHECK(a.balance == b.balance);
  CHECK(a.primary_reads == b.primary_reads);
  CHECK(a.mode == b.mode);
  CHECK(a.retry_reads == b.retry_reads);
  CHECK(a.failover_wait == b.failover_wait);
  CHECK(a.hints == b.hints);
  CHECK(a.transaction_reads == b.transaction_reads);
  CHECK(a.transaction_replay == b.transaction_replay);
  CHECK(a.transaction_replay_size == b.transaction_replay_size);
  CHECK(a.transaction_replay_timeout == b.transaction_replay_timeout);
}

void check_equal(const PoolConfig& a, const PoolConfig& b) {
  CHECK(a.mode == b.mode);
  CHECK(a.idle_timeout == b.idle_timeout);
  CHECK(a.max_age == b.max_age);
  CHECK(a.queue_timeout == b.queue_timeout);
  CHECK(a.diagnostics_hold == b.diagnostics_hold);
  CHECK(a.min_idle == b.min_idle);
}

void check_equal(const LimitsConfig& a, const LimitsConfig& b) {
  CHECK(a.max_packet == b.max_packet);
  CHECK(a.handshake_timeout == b.handshake_timeout);
  CHECK(a.idle_timeout == b.idle_timeout);
  CHECK(a.write_buffer == b.write_buffer);
  CHECK(a.prepared_statements == b.prepared_statements);
  CHECK(a.query_timeout == b.query_timeout);
  CHECK(a.half_open_per_address == b.half_open_per_address);
  CHECK(a.connections_per_address == b.connections_per_address);
  CHECK(a.connection_rate == b.connection_rate);
  CHECK(a.login_failures == b.login_failures);
  CHECK(a.login_backoff == b.login_backoff);
  CHECK(a.memory == b.memory);
}

void check_all_defaults(const Config& config) {
  const Config defaults;
  check_equal(config.listen, defaults.listen);
  for (const ServerConfig& server : config.servers) check_equal(server, ServerConfig{});
  check_equal(config.monitor, defaults.monitor);
  check_equal(config.routing, defaults.routing);
  check_equal(config.pool, defaults.pool);
  CHECK(config.auth.mode == defaults.auth.mode);
  CHECK(config.auth.admin.user == defaults.auth.admin.user);
  CHECK(config.auth.viewer.user == defaults.auth.viewer.user);
  CHECK(config.auth.admin_password_out == defaults.auth.admin_password_out);
  CHECK(config.firewall.mode == defaults.firewall.mode);
  CHECK(config.firewall.file == defaults.firewall.file);
  check_equal(config.limits, defaults.limits);
  CHECK(config.log.level == defaults.log.level);
  CHECK(config.log.format == defaults.log.format);
}

}  // namespace

TEST_CASE("the small configuration loads", "[config]") {
  const LoadResult result = load(read_from_root("conf/weir.toml"));
  CHECK(in_words(result.problems).empty());
  REQUIRE(result.ok());
  CHECK(result.config->servers.size() == 2);
}

TEST_CASE("the reference loads as it is, with every default", "[config]") {
  const LoadResult result = load(read_from_root("conf/weir.reference.toml"));
  CHECK(in_words(result.problems).empty());
  CHECK(in_words(result.warnings).empty());
  REQUIRE(result.ok());
  CHECK(result.config->users.empty());
  check_all_defaults(*result.config);
}

TEST_CASE("the reference's commented keys show the defaults", "[config]") {
  const LoadResult result = load(with_all_keys(read_from_root("conf/weir.reference.toml")));
  CHECK(in_words(result.problems).empty());
  CHECK(in_words(result.warnings).empty());
  REQUIRE(result.ok());
  REQUIRE(result.config->users.size() == 1);
  CHECK(result.config->users[0].route == UserConfig{}.route);
  CHECK(result.config->users[0].max_connections == UserConfig{}.max_connections);
  check_all_defaults(*result.config);
}

TEST_CASE("the reference names every key that the loader knows", "[config]") {
  const auto sections = by_section(with_all_keys(read_from_root("conf/weir.reference.toml")));
  for (const std::string& key : known_config_keys()) {
    CAPTURE(key);
    const std::size_t dot = key.rfind('.');
    const std::string section = key.substr(0, dot);
    const std::string name = key.substr(dot + 1);
    REQUIRE(sections.count(section) == 1);
    const std::string& text = sections.at(section);
    // The other ways to give a password cannot stand beside the first; they are told in its
    // comment.
    const bool is_alternative =
        name.ends_with("_file") || name.ends_with("_env") || name.ends_with("verifier");
    const bool found = text.find("\n" + name + " = ") != std::string::npos ||
                       (is_alternative && text.find(name) != std::string::npos);
    CHECK(found);
  }
}

TEST_CASE("the manual names every key that the loader knows", "[config]") {
  const std::string manual = read_from_root("docs/configuration.md");
  for (const std::string& key : known_config_keys()) {
    CAPTURE(key);
    CHECK(manual.find("`" + key + "`") != std::string::npos);
  }
}

// "| `monitor.interval` | duration, 10ms to 1m | `"250ms"` | ..." must agree with the reference.
TEST_CASE("the manual shows the defaults of the reference", "[config]") {
  const std::string manual = read_from_root("docs/configuration.md");
  const auto sections = by_section(with_all_keys(read_from_root("conf/weir.reference.toml")));
  for (const std::string& key : known_config_keys()) {
    CAPTURE(key);
    const std::size_t row = manual.find("| `" + key + "` |");
    REQUIRE(row != std::string::npos);
    const std::string line = manual.substr(row, manual.find('\n', row) - row);
    const std::size_t dot = key.rfind('.');
    const std::string& text = sections.at(key.substr(0, dot));
    const std::string assignment = "\n" + key.substr(dot + 1) + " = ";
    const std::size_t at = text.find(assignment);
    const bool has_default = line.find("| required |") == std::string::npos &&
                             line.find("| none |") == std::string::npos;
    if (!has_default || at == std::string::npos) continue;
    const std::size_t begin = at + assignment.size();
    const std::string value = text.substr(begin, text.find('\n', begin) - begin);
    CHECK(line.find("| `" + value + "` |") != std::string::npos);
  }
}

}  // namespace weir::test
