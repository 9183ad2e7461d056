// The configuration as plain values. Immutable once loaded and shared between threads as
// std::shared_ptr<const Config>. Meanings, ranges and defaults for people:
// conf/weir.reference.toml.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/compression.h"

namespace weir {

using Milliseconds = std::chrono::milliseconds;

// Where to listen or connect: a TCP host and port, or the path of a unix socket.
struct Endpoint {
  std::string host;  // name or address; empty for a unix socket
  std::uint16_t port = 0;
  std::string unix_path;  // empty for TCP

  bool is_unix() const { return !unix_path.empty(); }
  std::string to_string() const;  // "10.0.0.1:3306", "[::1]:3306", "unix:/run/weir.sock"
  bool operator==(const Endpoint&) const = default;
};

struct ListenConfig {
  std::vector<Endpoint> mysql = {Endpoint{"127.0.0.1", 6033, ""}};
  std::optional<Endpoint> admin = Endpoint{"127.0.0.1", 6032, ""};  // nothing: no console
  std::optional<Endpoint> http = Endpoint{"127.0.0.1", 6080, ""};   // port 0: any; nothing: no HTTP
  unsigned workers = 0;                                             // 0: one per core
  std::size_t max_connections = 10000;                              // client connections in total
  std::vector<std::string> proxy_protocol;  // networks whose connections begin with a PROXY header
};

enum class RolePin : std::uint8_t { automatic, primary, replica };

// How weir has come to know a server. No key: files only list.
enum class Origin : std::uint8_t {
  listed,
  discovered,  // another server named it, see MonitorConfig::discover
  left,        // was discovered, and is no part of the topology any more; its index stays taken
};

struct ServerConfig {
  std::string name;  // unique; [A-Za-z0-9_.-]+
  Endpoint address;
  RolePin role = RolePin::automatic;
  unsigned weight = 100;  // 0: serves reads only when nobody else can
  std::string zone;
  std::size_t max_connections = 0;  // over all workers; 0: no limit of weir's own
  protocol::Compression compression = protocol::Compression::none;
  bool proxy_protocol = false;  // connections to it begin with a PROXY header
  Origin origin = Origin::listed;
};

struct MonitorConfig {
  std::string user;
  std::string password;
  Milliseconds interval{250};
  Milliseconds timeout{1000};
  Milliseconds max_lag{2000};
  unsigned recover_after = 3;  // good samples in a row before a replica is read from again
  bool catalogue = true;       // learn which stored functions only read
  Milliseconds catalogue_interval{60000};
  bool discover = false;  // look for servers that the listed ones name
  std::string heartbeat;  // "schema.table" that weir writes to, to measure lag; empty: none
};

enum class Consistency : std::uint8_t { eventual, session, global };
enum class Balance : std::uint8_t { least_loaded, weighted, fastest };
enum class PrimaryReads : std::uint8_t { fallback, always, never };
enum class TransactionReads : std::uint8_t { primary, split };
enum class RoutingMode : std::uint8_t { split, observe };

struct RoutingConfig {
  Consistency consistency = Consistency::session;
  Milliseconds wait{50};
  std::size_t max_waits = 64;  // reads that wait on one replica at a time
  Balance balance = Balance::least_loaded;
  std::string zone;                // where weir stands; empty: zones do not matter
  Milliseconds slow_start{10000};  // until a replica that has come back has its full share
  PrimaryReads primary_reads = PrimaryReads::fallback;
  RoutingMode mode = RoutingMode::split;
  std::size_t spill_limit = 0;  // reads for replicas that the primary takes over at a time; 0: any
  bool retry_reads = true;
  Milliseconds failover_wait{10000};
  TransactionReads transaction_reads = TransactionReads::primary;
  bool transaction_replay = false;  // run a lost transaction again on the new primary,
  std::size_t transaction_replay_size = 1u << 20;  // if its statements take no more bytes
  Milliseconds transaction_replay_timeout{30000};  // and it takes no longer
  bool hints = true;                               // obey routing hints in leading comments
};

enum class PoolMode : std::uint8_t { transaction, session };

struct PoolConfig {
  PoolMode mode = PoolMode::transaction;
  Milliseconds idle_timeout{60000};
  Milliseconds max_age{3600000};
  Milliseconds queue_timeout{5000};
  Milliseconds diagnostics_hold{1000};
  std::size_t min_idle = 0;  // idle connections to each server that idle_timeout spares, per worker
};

enum class OverloadMode : std::uint8_t { off, adaptive };

// For each server, over all workers.
struct OverloadConfig {
  OverloadMode mode = OverloadMode::off;
  std::size_t min_concurrency = 32;
  std::size_t max_concurrency = 1000;
  std::size_t queue = 1000;  // statements in line
};

enum class AuthMode : std::uint8_t { passthrough, users };

// An account of the admin console; the servers do not know it.
struct ConsoleAccount {
  std::string user;
  std::string password = {};  // counts when there is no verifier
  std::string verifier = {};  // see UserConfig

  bool has_secret() const { return !password.empty() || !verifier.empty(); }
};

struct AuthConfig {
  AuthMode mode = AuthMode::passthrough;  // `users` as soon as a [[user]] is listed, unless set
  ConsoleAccount admin{"admin"};          // may do everything; see admin/made_password.h
  ConsoleAccount viewer{"viewer"};        // may only look; without a secret there is none
  std::string admin_password_out;         // path, for a password that weir makes; empty: it chooses
  std::string http_token;                 // empty: HTTP is open to whoever reaches it
  std::string rsa_key;                    // PEM text; empty: one is made at start
};

enum class UserRoute : std::uint8_t { split, primary, replica };
enum class FirewallMode : std::uint8_t { off, learn, warn, enforce };
constexpr std::string_view to_string(FirewallMode mode) {
  constexpr std::string_view kNames[] = {"off", "learn", "warn", "enforce"};
  return kNames[static_cast<std::size_t>(mode)];
}

// Which statements users may run, see firewall/allow_list.h.
struct FirewallConfig {
  FirewallMode mode = FirewallMode::off;  // of users who have none of their own
  std::string file;                       // the list; empty: none is needed
};

// An account of the servers that weir uses for clients that have another name.
struct ServiceAccount {
  std::string user;  // empty: there is none
  std::string password;
};

struct UserConfig {
  std::string name;
  std::string password;  // counts when there is no verifier
  UserRoute route = UserRoute::split;
  std::size_t max_connections = 0;            // 0: no limit
  std::optional<Consistency> consistency;     // nothing: as [routing] says
  std::optional<Milliseconds> query_timeout;  // nothing: as [limits] says
  // What servers store of a password, see protocol::parse_stored_password(). Empty: none.
  std::string verifier = {};
  std::string verifier_next = {};  // a second one that lets in as well
  ServiceAccount backend = {};     // logs in to the servers instead of the client's own account
  bool require_tls = false;        // not over a channel that others could read
  std::vector<std::string> allow_from = {};   // networks; empty: everywhere
  std::optional<FirewallMode> firewall = {};  // nothing: as [firewall] says
};

// What meets all conditions that are given goes by the rule; the first rule counts. Texts that are
// empty were not given. Those of digest, pattern, client and to are right, see rule_text.h and
// network.h.
struct RuleConfig {
  std::string name;  // unique; "rule 2" when it was given none
  std::string user;
  std::string schema;                      // the session's, by default
  std::string digest;                      // 16 hexadecimal digits
  std::string pattern;                     // over the normalised text
  std::string client;                      // a network
  std::string to;                          // "primary", "replica", "server:NAME" or "reject"
  std::optional<Milliseconds> max_lag;     // instead of the monitor's
  std::optional<Consistency> consistency;  // instead of the session's
  std::optional<Milliseconds> timeout;     // instead of the query_timeout
};

enum class ClientTlsMode : std::uint8_t { disabled, preferred, required };
enum class ClientCertificates : std::uint8_t { optional, required };

// What weir shows clients. All files are PEM. Without a certificate one is made at start.
struct ClientTlsConfig {
  ClientTlsMode mode = ClientTlsMode::preferred;
  std::string cert;  // with the chain above it; empty: none
  std::string key;   // empty: none
  std::string ca;    // whose certificates clients may show; empty: they are not asked for one
  ClientCertificates client_certificates = ClientCertificates::optional;
};

// As MySQL's clients name them (--ssl-mode).
enum class ServerTlsMode : std::uint8_t {
  disabled,
  preferred,        // when the server offers it
  required,         // or no connection
  verify_ca,        // and the certificate must be signed by one that weir trusts
  verify_identity,  // and be for the server's host
};

// What weir asks of servers. All files are PEM.
struct ServerTlsConfig {
  ServerTlsMode mode = ServerTlsMode::preferred;
  std::string ca;    // whom verify_* trusts; empty: whom the system trusts
  std::string cert;  // to be shown to servers; empty: none
  std::string key;
};

struct TlsConfig {
  ClientTlsConfig client;
  ServerTlsConfig server;
};

struct LimitsConfig {
  std::size_t max_packet = 64u << 20;  // bytes of one command from a client
  Milliseconds handshake_timeout{10000};
  Milliseconds idle_timeout{8 * 3600 * 1000};
  Milliseconds query_timeout{0};            // of one command on a server; 0: none
  std::size_t write_buffer = 256u << 10;    // bytes queued per client before its backend must wait
  std::size_t prepared_statements = 16384;  // per client
  std::size_t server_statements = 256;      // kept prepared on one server connection
  // By the address that clients come from, see core/stranger_limits.h. 0: no limit.
  std::size_t half_open_per_address = 256;  // connections that have not logged in
  std::size_t connections_per_address = 0;  // all of them
  std::size_t connection_rate = 0;          // new ones in a second
  std::size_t login_failures = 10;          // in a row, of one user; from then on
  Milliseconds login_backoff{60000};        // every login of it is refused for so long
  std::size_t memory =
      0;  // bytes that the process may have in use, see core/memory_budget.h; 0: any
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

struct Config {
  ListenConfig listen;
  std::vector<ServerConfig> servers;
  MonitorConfig monitor;
  RoutingConfig routing;
  PoolConfig pool;
  OverloadConfig overload;
  AuthConfig auth;
  std::vector<UserConfig> users;
  std::vector<RuleConfig> rules;
  FirewallConfig firewall;
  TlsConfig tls;
  LimitsConfig limits;
  LogConfig log;

  const UserConfig* find_user(const std::string& name) const;
  // Of a user's statements; `user` is null for those who are not listed.
  FirewallMode firewall_mode(const UserConfig* user) const;
  // Somebody has that mode, or may have it.
  bool uses_firewall(FirewallMode mode) const;
  // Somebody has another mode than off.
  bool uses_firewall() const;
};

// So many servers may be discovered in the life of a process.
inline constexpr std::size_t kMostDiscovered = 64;

// How many servers there can be at most: what is kept by server has this size from the start.
inline std::size_t server_capacity(const Config& config) {
  return config.servers.size() + (config.monitor.discover ? kMostDiscovered : 0);
}

}  // namespace weir
