#include "proxy/config/schema.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>

#include "protocol/auth/rsa_key.h"
#include "protocol/auth/stored_password.h"
#include "proxy/config/endpoint_text.h"
#include "proxy/config/field_printer.h"
#include "proxy/config/later.h"
#include "proxy/config/network.h"
#include "proxy/config/rule_text.h"

namespace weir::config {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kManyConnections = 1000000;
constexpr std::size_t kLongestAccount = 128;  // MariaDB's limit; MySQL's is 32
constexpr std::size_t kLongestSchema = 256;   // 64 letters
constexpr std::size_t kLongestPath = 4096;    // the kernel's

constexpr Choice<RolePin> kRoles[] = {
    {"auto", RolePin::automatic}, {"primary", RolePin::primary}, {"replica", RolePin::replica}};
constexpr Choice<protocol::Compression> kCompressions[] = {{"off", protocol::Compression::none},
                                                           {"zlib", protocol::Compression::zlib},
                                                           {"zstd", protocol::Compression::zstd}};
constexpr Choice<Consistency> kConsistencies[] = {{"eventual", Consistency::eventual},
                                                  {"session", Consistency::session},
                                                  {"global", Consistency::global}};
constexpr Choice<Balance> kBalances[] = {{"least_loaded", Balance::least_loaded},
                                         {"weighted", Balance::weighted},
                                         {"fastest", Balance::fastest}};
constexpr Choice<PrimaryReads> kPrimaryReads[] = {{"fallback", PrimaryReads::fallback},
                                                  {"always", PrimaryReads::always},
                                                  {"never", PrimaryReads::never}};
constexpr Choice<TransactionReads> kTransactionReads[] = {{"primary", TransactionReads::primary},
                                                          {"split", TransactionReads::split}};
constexpr Choice<RoutingMode> kRoutingModes[] = {{"split", RoutingMode::split},
                                                 {"observe", RoutingMode::observe}};
constexpr Choice<PoolMode> kPoolModes[] = {{"transaction", PoolMode::transaction},
                                           {"session", PoolMode::session}};
constexpr Choice<OverloadMode> kOverloadModes[] = {{"off", OverloadMode::off},
                                                   {"adaptive", OverloadMode::adaptive}};
constexpr Choice<AuthMode> kAuthModes[] = {{"passthrough", AuthMode::passthrough},
                                           {"users", AuthMode::users}};
constexpr Choice<UserRoute> kRoutes[] = {
    {"split", UserRoute::split}, {"primary", UserRoute::primary}, {"replica", UserRoute::replica}};
constexpr Choice<FirewallMode> kFirewallModes[] = {{"off", FirewallMode::off},
                                                   {"learn", FirewallMode::learn},
                                                   {"warn", FirewallMode::warn},
                                                   {"enforce", FirewallMode::enforce}};
constexpr Choice<ClientTlsMode> kClientTlsModes[] = {{"disabled", ClientTlsMode::disabled},
                                                     {"preferred", ClientTlsMode::preferred},
                                                     {"required", ClientTlsMode::required}};
constexpr Choice<ClientCertificates> kClientCertificates[] = {
    {"optional", ClientCertificates::optional}, {"required", ClientCertificates::required}};
constexpr Choice<ServerTlsMode> kServerTlsModes[] = {
    {"disabled", ServerTlsMode::disabled},
    {"preferred", ServerTlsMode::preferred},
    {"required", ServerTlsMode::required},
    {"verify_ca", ServerTlsMode::verify_ca},
    {"verify_identity", ServerTlsMode::verify_identity}};
constexpr Choice<LogLevel> kLevels[] = {{"debug", LogLevel::debug},
                                        {"info", LogLevel::info},
                                        {"warning", LogLevel::warning},
                                        {"error", LogLevel::error}};
constexpr Choice<LogFormat> kFormats[] = {{"text", LogFormat::text}, {"json", LogFormat::json}};

// "": no file.
std::string what_is_wrong_with_path(std::string_view path) {
  if (path.size() >= kLongestPath) {
    return fmt::format("it must be shorter than {} bytes", kLongestPath);
  }
  return path.find('\0') != std::string_view::npos ? "it must not hold a zero byte" : "";
}

template <class Section>
struct KeyRow {
  std::string_view name;
  void (*read)(Field&, Section&);
};

constexpr KeyRow<ListenConfig> kListen[] = {
    {"mysql", [](Field& f, ListenConfig& c) { f.endpoints(c.mysql, kListenPort); }},
    {"admin", [](Field& f, ListenConfig& c) { f.optional_endpoint(c.admin, kAdminPort); }},
    {"http", [](Field& f, ListenConfig& c) { f.optional_endpoint(c.http, kHttpPort); }},
    {"workers", [](Field& f, ListenConfig& c) { f.number(c.workers, 0, 1024); }},
    {"max_connections",
     [](Field& f, ListenConfig& c) { f.number(c.max_connections, 1, kManyConnections); }},
    {"proxy_protocol",
     [](Field& f, ListenConfig& c) {
       f.checked_texts(c.proxy_protocol, what_is_wrong_with_network);
     }},
};

constexpr KeyRow<ServerConfig> kServer[] = {
    {"name", [](Field& f, ServerConfig& c) { f.label(c.name); }},
    {"address", [](Field& f, ServerConfig& c) { f.endpoint(c.address, kServerPort); }},
    {"role", [](Field& f, ServerConfig& c) { f.choice<RolePin>(c.role, kRoles); }},
    {"weight", [](Field& f, ServerConfig& c) { f.number(c.weight, 0, 10000); }},
    {"zone", [](Field& f, ServerConfig& c) { f.label(c.zone, true); }},
    {"max_connections",
     [](Field& f, ServerConfig& c) { f.number(c.max_connections, 0, kManyConnections); }},
    {"compression",
     [](Field& f, ServerConfig& c) {
       f.choice<protocol::Compression>(c.compression, kCompressions);
     }},
    {"proxy_protocol", [](Field& f, ServerConfig& c) { f.boolean(c.proxy_protocol); }},
};

constexpr KeyRow<MonitorConfig> kMonitor[] = {
    {"user", [](Field& f, MonitorConfig& c) { f.text(c.user, kLongestAccount); }},
    {"password", [](Field& f, MonitorConfig& c) { f.password(c.password); }},
    {"password_file", [](Field& f, MonitorConfig& c) { f.password_file(c.password); }},
    {"password_env", [](Field& f, MonitorConfig& c) { f.password_environment(c.password); }},
    {"interval", [](Field& f, MonitorConfig& c) { f.duration(c.interval, 10ms, 1min); }},
    {"timeout", [](Field& f, MonitorConfig& c) { f.duration(c.timeout, 10ms, 1min); }},
    {"max_lag", [](Field& f, MonitorConfig& c) { f.duration(c.max_lag, 1ms, 24h); }},
    {"recover_after", [](Field& f, MonitorConfig& c) { f.number(c.recover_after, 1, 1000); }},
    {"catalogue", [](Field& f, MonitorConfig& c) { f.boolean(c.catalogue); }},
    {"catalogue_interval",
     [](Field& f, MonitorConfig& c) { f.duration(c.catalogue_interval, 1s, 24h); }},
    {"discover", [](Field& f, MonitorConfig& c) { f.boolean(c.discover); }},
    {"heartbeat", [](Field& f, MonitorConfig& c) { f.label(c.heartbeat, true); }},
};

constexpr KeyRow<RoutingConfig> kRouting[] = {
    {"consistency",
     [](Field& f, RoutingConfig& c) { f.choice<Consistency>(c.consistency, kConsistencies); }},
    {"wait", [](Field& f, RoutingConfig& c) { f.duration(c.wait, 0ms, 1min); }},
    {"max_waits", [](Field& f, RoutingConfig& c) { f.number(c.max_waits, 0, 100000); }},
    {"zone", [](Field& f, RoutingConfig& c) { f.label(c.zone, true); }},
    {"slow_start", [](Field& f, RoutingConfig& c) { f.duration(c.slow_start, 0ms, 1h); }},
    {"balance", [](Field& f, RoutingConfig& c) { f.choice<Balance>(c.balance, kBalances); }},
    {"primary_reads",
     [](Field& f, RoutingConfig& c) { f.choice<PrimaryReads>(c.primary_reads, kPrimaryReads); }},
    {"spill_limit", [](Field& f, RoutingConfig& c) { f.number(c.spill_limit, 0, 1000000); }},
    {"mode", [](Field& f, RoutingConfig& c) { f.choice<RoutingMode>(c.mode, kRoutingModes); }},
    {"retry_reads", [](Field& f, RoutingConfig& c) { f.boolean(c.retry_reads); }},
    {"failover_wait", [](Field& f, RoutingConfig& c) { f.duration(c.failover_wait, 0ms, 10min); }},
    {"transaction_reads",
     [](Field& f, RoutingConfig& c) {
       f.choice<TransactionReads>(c.transaction_reads, kTransactionReads);
     }},
    {"transaction_replay", [](Field& f, RoutingConfig& c) { f.boolean(c.transaction_replay); }},
    {"transaction_replay_size",
     [](Field& f, RoutingConfig& c) { f.size(c.transaction_replay_size, 1u << 10, 1u << 30); }},
    {"transaction_replay_timeout",
     [](Field& f, RoutingConfig& c) { f.duration(c.transaction_replay_timeout, 10ms, 10min); }},
    {"hints", [](Field& f, RoutingConfig& c) { f.boolean(c.hints); }},
};

constexpr KeyRow<PoolConfig> kPool[] = {
    {"mode", [](Field& f, PoolConfig& c) { f.choice<PoolMode>(c.mode, kPoolModes); }},
    {"idle_timeout", [](Field& f, PoolConfig& c) { f.duration(c.idle_timeout, 1ms, 24h); }},
    {"max_age", [](Field& f, PoolConfig& c) { f.duration(c.max_age, 1ms, 720h); }},
    {"queue_timeout", [](Field& f, PoolConfig& c) { f.duration(c.queue_timeout, 1ms, 10min); }},
    {"diagnostics_hold",
     [](Field& f, PoolConfig& c) { f.duration(c.diagnostics_hold, 0ms, 1min); }},
    {"min_idle", [](Field& f, PoolConfig& c) { f.number(c.min_idle, 0, 10000); }},
};

constexpr KeyRow<OverloadConfig> kOverload[] = {
    {"mode", [](Field& f, OverloadConfig& c) { f.choice<OverloadMode>(c.mode, kOverloadModes); }},
    {"min_concurrency",
     [](Field& f, OverloadConfig& c) { f.number(c.min_concurrency, 1, kManyConnections); }},
    {"max_concurrency",
     [](Field& f, OverloadConfig& c) { f.number(c.max_concurrency, 1, kManyConnections); }},
    {"queue", [](Field& f, OverloadConfig& c) { f.number(c.queue, 0, kManyConnections); }},
};

// Travels in a header, as RFC 6750 has it. Nothing slows down who guesses, so it has to be long.
std::string what_is_wrong_with_token(std::string_view text) {
  constexpr std::size_t kShortest = 16;
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
  const bool fits =
      text.size() >= kShortest && text.find_first_not_of(kLetters) == std::string_view::npos;
  return fits ? ""
              : fmt::format(
                    "it must have at least {} of letters, digits and - . _ ~ + / =; openssl "
                    "rand -hex 16 makes one",
                    kShortest);
}

constexpr TextCheck kStored = protocol::what_is_wrong_with_stored_password;
constexpr TextCheck kToken = what_is_wrong_with_token;

constexpr KeyRow<AuthConfig> kAuth[] = {
    {"mode", [](Field& f, AuthConfig& c) { f.choice<AuthMode>(c.mode, kAuthModes); }},
    {"admin_user", [](Field& f, AuthConfig& c) { f.text(c.admin.user, kLongestAccount); }},
    {"admin_password", [](Field& f, AuthConfig& c) { f.password(c.admin.password); }},
    {"admin_password_file", [](Field& f, AuthConfig& c) { f.password_file(c.admin.password); }},
    {"admin_password_env",
     [](Field& f, AuthConfig& c) { f.password_environment(c.admin.password); }},
    {"admin_password_out",
     [](Field& f, AuthConfig& c) {
       f.checked_text(c.admin_password_out, what_is_wrong_with_path);
     }},
    {"admin_verifier", [](Field& f, AuthConfig& c) { f.password(c.admin.verifier, kStored); }},
    {"admin_verifier_file",
     [](Field& f, AuthConfig& c) { f.password_file(c.admin.verifier, kStored); }},
    {"admin_verifier_env",
     [](Field& f, AuthConfig& c) { f.password_environment(c.admin.verifier, kStored); }},
    {"viewer_user", [](Field& f, AuthConfig& c) { f.text(c.viewer.user, kLongestAccount); }},
    {"viewer_password", [](Field& f, AuthConfig& c) { f.password(c.viewer.password); }},
    {"viewer_password_file", [](Field& f, AuthConfig& c) { f.password_file(c.viewer.password); }},
    {"viewer_password_env",
     [](Field& f, AuthConfig& c) { f.password_environment(c.viewer.password); }},
    {"viewer_verifier", [](Field& f, AuthConfig& c) { f.password(c.viewer.verifier, kStored); }},
    {"viewer_verifier_file",
     [](Field& f, AuthConfig& c) { f.password_file(c.viewer.verifier, kStored); }},
    {"viewer_verifier_env",
     [](Field& f, AuthConfig& c) { f.password_environment(c.viewer.verifier, kStored); }},
    {"http_token", [](Field& f, AuthConfig& c) { f.password(c.http_token, kToken); }},
    {"http_token_file", [](Field& f, AuthConfig& c) { f.password_file(c.http_token, kToken); }},
    {"http_token_env",
     [](Field& f, AuthConfig& c) { f.password_environment(c.http_token, kToken); }},
    {"rsa_key",
     [](Field& f, AuthConfig& c) {
       f.secret_file(c.rsa_key, protocol::what_is_wrong_with_rsa_key);
     }},
};

void service_account(Field& field, ServiceAccount& account) {
  const SubField keys[] = {
      {"user", [&](Field& f) { f.text(account.user, kLongestAccount); }},
      {"password", [&](Field& f) { f.password(account.password); }},
      {"password_file", [&](Field& f) { f.password_file(account.password); }},
      {"password_env", [&](Field& f) { f.password_environment(account.password); }},
  };
  field.table(keys);
}

constexpr KeyRow<UserConfig> kUser[] = {
    {"name", [](Field& f, UserConfig& c) { f.text(c.name, kLongestAccount); }},
    {"password", [](Field& f, UserConfig& c) { f.password(c.password); }},
    {"password_file", [](Field& f, UserConfig& c) { f.password_file(c.password); }},
    {"password_env", [](Field& f, UserConfig& c) { f.password_environment(c.password); }},
    {"route", [](Field& f, UserConfig& c) { f.choice<UserRoute>(c.route, kRoutes); }},
    {"max_connections",
     [](Field& f, UserConfig& c) { f.number(c.max_connections, 0, kManyConnections); }},
    {"consistency",
     [](Field& f, UserConfig& c) {
       f.optional_choice<Consistency>(c.consistency, kConsistencies);
     }},
    {"verifier", [](Field& f, UserConfig& c) { f.password(c.verifier, kStored); }},
    {"verifier_file", [](Field& f, UserConfig& c) { f.password_file(c.verifier, kStored); }},
    {"verifier_env", [](Field& f, UserConfig& c) { f.password_environment(c.verifier, kStored); }},
    {"verifier_next", [](Field& f, UserConfig& c) { f.password(c.verifier_next, kStored); }},
    {"verifier_next_file",
     [](Field& f, UserConfig& c) { f.password_file(c.verifier_next, kStored); }},
    {"verifier_next_env",
     [](Field& f, UserConfig& c) { f.password_environment(c.verifier_next, kStored); }},
    {"backend", [](Field& f, UserConfig& c) { service_account(f, c.backend); }},
    {"require_tls", [](Field& f, UserConfig& c) { f.boolean(c.require_tls); }},
    {"allow_from",
     [](Field& f, UserConfig& c) { f.checked_texts(c.allow_from, what_is_wrong_with_network); }},
    {"query_timeout",
     [](Field& f, UserConfig& c) { f.optional_duration(c.query_timeout, 0ms, 24h); }},
    {"firewall",
     [](Field& f, UserConfig& c) { f.optional_choice<FirewallMode>(c.firewall, kFirewallModes); }},
};

constexpr KeyRow<RuleConfig> kRule[] = {
    {"name", [](Field& f, RuleConfig& c) { f.label(c.name); }},
    {"user", [](Field& f, RuleConfig& c) { f.text(c.user, kLongestAccount); }},
    {"schema", [](Field& f, RuleConfig& c) { f.text(c.schema, kLongestSchema); }},
    {"digest",
     [](Field& f, RuleConfig& c) { f.checked_text(c.digest, what_is_wrong_with_digest); }},
    {"pattern",
     [](Field& f, RuleConfig& c) { f.checked_text(c.pattern, what_is_wrong_with_pattern); }},
    {"client",
     [](Field& f, RuleConfig& c) { f.checked_text(c.client, what_is_wrong_with_network); }},
    {"to", [](Field& f, RuleConfig& c) { f.checked_text(c.to, what_is_wrong_with_target); }},
    {"max_lag", [](Field& f, RuleConfig& c) { f.optional_duration(c.max_lag, 1ms, 24h); }},
    {"consistency",
     [](Field& f, RuleConfig& c) {
       f.optional_choice<Consistency>(c.consistency, kConsistencies);
     }},
    {"timeout", [](Field& f, RuleConfig& c) { f.optional_duration(c.timeout, 0ms, 24h); }},
};

constexpr KeyRow<FirewallConfig> kFirewall[] = {
    {"mode", [](Field& f, FirewallConfig& c) { f.choice<FirewallMode>(c.mode, kFirewallModes); }},
    {"file", [](Field& f, FirewallConfig& c) { f.file_path(c.file); }},
};

constexpr KeyRow<ClientTlsConfig> kClientTls[] = {
    {"mode",
     [](Field& f, ClientTlsConfig& c) { f.choice<ClientTlsMode>(c.mode, kClientTlsModes); }},
    {"cert", [](Field& f, ClientTlsConfig& c) { f.checked_text(c.cert, what_is_wrong_with_path); }},
    {"key", [](Field& f, ClientTlsConfig& c) { f.checked_text(c.key, what_is_wrong_with_path); }},
    {"ca", [](Field& f, ClientTlsConfig& c) { f.checked_text(c.ca, what_is_wrong_with_path); }},
    {"client_certificates",
     [](Field& f, ClientTlsConfig& c) {
       f.choice<ClientCertificates>(c.client_certificates, kClientCertificates);
     }},
};

constexpr KeyRow<ServerTlsConfig> kServerTls[] = {
    {"mode",
     [](Field& f, ServerTlsConfig& c) { f.choice<ServerTlsMode>(c.mode, kServerTlsModes); }},
    {"ca", [](Field& f, ServerTlsConfig& c) { f.checked_text(c.ca, what_is_wrong_with_path); }},
    {"cert", [](Field& f, ServerTlsConfig& c) { f.checked_text(c.cert, what_is_wrong_with_path); }},
    {"key", [](Field& f, ServerTlsConfig& c) { f.checked_text(c.key, what_is_wrong_with_path); }},
};

constexpr KeyRow<LimitsConfig> kLimits[] = {
    {"max_packet", [](Field& f, LimitsConfig& c) { f.size(c.max_packet, 1u << 10, 1u << 30); }},
    {"handshake_timeout",
     [](Field& f, LimitsConfig& c) { f.duration(c.handshake_timeout, 10ms, 10min); }},
    {"idle_timeout", [](Field& f, LimitsConfig& c) { f.duration(c.idle_timeout, 1ms, 8760h); }},
    {"write_buffer", [](Field& f, LimitsConfig& c) { f.size(c.write_buffer, 4u << 10, 1u << 30); }},
    {"prepared_statements",
     [](Field& f, LimitsConfig& c) { f.number(c.prepared_statements, 1, 1u << 20); }},
    {"server_statements",
     [](Field& f, LimitsConfig& c) { f.number(c.server_statements, 1, 1u << 16); }},
    {"query_timeout", [](Field& f, LimitsConfig& c) { f.duration(c.query_timeout, 0ms, 24h); }},
    {"half_open_per_address",
     [](Field& f, LimitsConfig& c) { f.number(c.half_open_per_address, 0, kManyConnections); }},
    {"connections_per_address",
     [](Field& f, LimitsConfig& c) { f.number(c.connections_per_address, 0, kManyConnections); }},
    {"connection_rate",
     [](Field& f, LimitsConfig& c) { f.number(c.connection_rate, 0, kManyConnections); }},
    {"login_failures", [](Field& f, LimitsConfig& c) { f.number(c.login_failures, 0, 1000000); }},
    {"login_backoff", [](Field& f, LimitsConfig& c) { f.duration(c.login_backoff, 1s, 24h); }},
    {"memory", [](Field& f, LimitsConfig& c) { f.size(c.memory, 0, std::uint64_t{1} << 50); }},
};

constexpr KeyRow<LogConfig> kLog[] = {
    {"level", [](Field& f, LogConfig& c) { f.choice<LogLevel>(c.level, kLevels); }},
    {"format", [](Field& f, LogConfig& c) { f.choice<LogFormat>(c.format, kFormats); }},
};

using KeyNames = std::vector<std::string_view>;

struct SectionRow {
  std::string_view name;
  bool repeated;  // written [[name]]
  KeyNames keys;
  std::function<void(const Node&, Config&, Context&)> read;
  std::function<void(Config&, std::vector<ConfigValue>&)> print;
};

std::string bracketed(const SectionRow& row) {
  return row.repeated ? fmt::format("[[{}]]", row.name) : fmt::format("[{}]", row.name);
}

void unknown_key(const Node& node, std::string_view section, Context& context);

template <class Section>
void read_keys(const Node& table, std::string_view section, std::span<const KeyRow<Section>> rows,
               Section& out, Context& context) {
  for (const Node& child : table.children) {
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const auto& each) { return each.name == child.key; });
    if (row != rows.end()) {
      FieldReader field(child, section, context);
      row->read(field, out);
    } else if (const LaterKey* later = find_later_key(section, child.key)) {
      const std::string why = refusal(*later, child);
      if (!why.empty()) context.problem(child.line, why);
    } else {
      unknown_key(child, section, context);
    }
  }
}

template <class Section>
void print_keys(const std::string& path, std::span<const KeyRow<Section>> rows, Section& section,
                std::vector<ConfigValue>& out) {
  for (const auto& row : rows) {
    FieldPrinter field;
    row.read(field, section);
    if (field.value()) out.push_back({fmt::format("{}.{}", path, row.name), *field.value()});
  }
}

template <class Section>
SectionRow section(std::string_view name, std::span<const KeyRow<Section>> rows,
                   Section& (*target)(Config&)) {
  SectionRow row{name, false, {}, {}, {}};
  for (const auto& key : rows) row.keys.push_back(key.name);
  row.read = [=](const Node& table, Config& config, Context& context) {
    read_keys(table, name, rows, target(config), context);
  };
  row.print = [=](Config& config, std::vector<ConfigValue>& out) {
    print_keys(std::string(name), rows, target(config), out);
  };
  return row;
}

// Written [[name]].
template <class Section>
SectionRow repeated_section(std::string_view name, std::span<const KeyRow<Section>> rows,
                            std::vector<Section>& (*list)(Config&)) {
  SectionRow row{name, true, {}, {}, {}};
  for (const auto& key : rows) row.keys.push_back(key.name);
  row.read = [=](const Node& table, Config& config, Context& context) {
    read_keys(table, name, rows, list(config).emplace_back(), context);
  };
  row.print = [=](Config& config, std::vector<ConfigValue>& out) {
    for (Section& each : list(config)) {
      print_keys(fmt::format("{}.{}", name, each.name), rows, each, out);
    }
  };
  return row;
}

const std::vector<SectionRow>& sections() {
  static const std::vector<SectionRow> rows = {
      section<ListenConfig>(
          "listen", kListen, [](Config & c) -> auto& { return c.listen; }),
      repeated_section<ServerConfig>(
          "server", kServer, [](Config & c) -> auto& { return c.servers; }),
      section<MonitorConfig>(
          "monitor", kMonitor, [](Config & c) -> auto& { return c.monitor; }),
      section<RoutingConfig>(
          "routing", kRouting, [](Config & c) -> auto& { return c.routing; }),
      section<PoolConfig>(
          "pool", kPool, [](Config & c) -> auto& { return c.pool; }),
      section<OverloadConfig>(
          "overload", kOverload, [](Config & c) -> auto& { return c.overload; }),
      section<AuthConfig>(
          "auth", kAuth, [](Config & c) -> auto& { return c.auth; }),
      repeated_section<UserConfig>(
          "user", kUser, [](Config & c) -> auto& { return c.users; }),
      repeated_section<RuleConfig>(
          "rule", kRule, [](Config & c) -> auto& { return c.rules; }),
      section<FirewallConfig>(
          "firewall", kFirewall, [](Config & c) -> auto& { return c.firewall; }),
      section<ClientTlsConfig>(
          "tls.client", kClientTls, [](Config & c) -> auto& { return c.tls.client; }),
      section<ServerTlsConfig>(
          "tls.server", kServerTls, [](Config & c) -> auto& { return c.tls.server; }),
      section<LimitsConfig>(
          "limits", kLimits, [](Config & c) -> auto& { return c.limits; }),
      section<LogConfig>(
          "log", kLog, [](Config & c) -> auto& { return c.log; }),
  };
  return rows;
}

// The keys of one section that may be written, later ones included.
KeyNames keys_of(const SectionRow& row) {
  KeyNames names = row.keys;
  for (const LaterKey& later : later_keys()) {
    if (later.section == row.name) names.push_back(later.key);
  }
  return names;
}

void unknown_key(const Node& node, std::string_view section_name, Context& context) {
  std::string where;
  std::string near;
  std::string elsewhere;
  for (const SectionRow& row : sections()) {
    const KeyNames names = keys_of(row);
    if (row.name == section_name) {
      where = bracketed(row);
      near = did_you_mean(node.key, names);
    } else if (elsewhere.empty() &&
               std::find(names.begin(), names.end(), node.key) != names.end()) {
      elsewhere = fmt::format("; {} has such a key", bracketed(row));
    }
  }
  // The very same word in another section tells more than a similar one in this.
  const std::string hint = !elsewhere.empty() ? elsewhere : near.empty() ? "; remove it" : near;
  context.problem(node.line,
                  fmt::format("unknown key {} in {}{}", in_quotes(node.key), where, hint));
}

void unknown_section(const std::string& name, const Node& node, Context& context) {
  KeyNames names;
  for (const SectionRow& row : sections()) names.push_back(row.name);
  const std::string_view near = nearest(name, names);
  const bool is_section = node.kind == Node::Kind::table || node.kind == Node::Kind::list;
  std::string hint = near.empty() ? "; remove it" : fmt::format("; did you mean [{}]?", near);
  if (!is_section) hint = "; every key stands in a section, such as [monitor]";
  context.problem(node.line, fmt::format("unknown {} {}{}", is_section ? "section" : "key",
                                         in_quotes(name), hint));
}

void read_section(const std::string& name, const Node& node, Config& config, Context& context) {
  const auto row = std::find_if(sections().begin(), sections().end(),
                                [&](const SectionRow& each) { return each.name == name; });
  if (row == sections().end()) return unknown_section(name, node, context);
  const bool is_list = node.kind == Node::Kind::list && !node.children.empty() &&
                       std::all_of(node.children.begin(), node.children.end(),
                                   [](const Node& n) { return n.kind == Node::Kind::table; });
  const bool fits = row->repeated ? is_list : node.kind == Node::Kind::table;
  if (!fits) {
    return context.problem(
        node.line,
        fmt::format("{} must be {}: write {}", in_quotes(name),
                    row->repeated ? "a list of sections" : "one section", bracketed(*row)));
  }
  if (!row->repeated) return row->read(node, config, context);
  for (const Node& item : node.children) row->read(item, config, context);
}

}  // namespace

void read_config(const Node& root, Config& config, Context& context) {
  for (const Node& child : root.children) {
    if (child.key != "tls" || child.kind != Node::Kind::table) {
      read_section(child.key, child, config, context);
      continue;
    }
    for (const Node& side : child.children) {
      read_section("tls." + side.key, side, config, context);
    }
  }
}

std::vector<ConfigValue> print_config(const Config& config) {
  std::vector<ConfigValue> out;
  Config copy = config;  // the rows could write, too
  for (const SectionRow& row : sections()) row.print(copy, out);
  return out;
}

std::vector<std::string> schema_keys() {
  std::vector<std::string> keys;
  for (const SectionRow& row : sections()) {
    for (const std::string_view key : row.keys) keys.push_back(fmt::format("{}.{}", row.name, key));
    for (const LaterKey& later : later_keys()) {
      const bool writable = later.section == row.name && !later.accepted.empty();
      if (writable) keys.push_back(fmt::format("{}.{}", row.name, later.key));
    }
  }
  return keys;
}

}  // namespace weir::config
