// What weir believes about the servers, as one immutable value. The monitor publishes a new one
// whenever a belief changes; workers hold it as std::shared_ptr<const Topology> and never wait for
// it.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/capabilities.h"
#include "proxy/config/config.h"

namespace weir {

// weir's own monotonic clock; the servers' clocks are never trusted.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

enum class Flavor : std::uint8_t { unknown, mysql, mariadb };

enum class Role : std::uint8_t { unknown, primary, replica };

// Whether a server takes part, and if not, why. `why` in ServerState says it in words.
enum class Health : std::uint8_t {
  unknown,     // not yet probed
  up,          // a primary that answers, or a replica fresh enough for reads
  recovering,  // a replica that is good again, but not for recover_after samples yet
  lagging,     // a replica above max_lag
  stalled,     // a replica whose replication is stopped or whose position is unknown
  denied,      // it answers, but not to the monitor's account; clients may still be able to log in
  down,        // does not answer
  drained,     // taken out by an operator
};

class GtidSet;
class MariaPosition;

struct ServerState {
  std::string name;
  Endpoint address;
  Role role = Role::unknown;
  Health health = Health::unknown;
  std::string why;      // for people: "no connection: Connection refused"
  std::string version;  // @@version as the server says it; empty until known
  Flavor flavor = Flavor::unknown;
  std::uint32_t server_id = 0;      // @@server_id
  std::optional<Milliseconds> lag;  // of a replica; nothing when unknown
  // Everything committed on the primary before this instant is visible here. Nothing while unknown.
  std::optional<TimePoint> fresh_until;
  // Of the monitor's question and its answer, smoothed; nothing while it does not answer.
  std::optional<std::chrono::microseconds> latency;
  // How far it is in the cluster's history, see monitor/gtid_set.h; null: not known.
  std::shared_ptr<const std::variant<GtidSet, MariaPosition>> position;
  unsigned weight = 100;  // its share of the reads now: less than configured for a while after it
                          // has come back
  std::string zone;
  std::size_t max_connections = 0;
  protocol::Compression compression = protocol::Compression::none;
  bool proxy_protocol = false;  // see ServerConfig
  Origin origin = Origin::listed;

  bool serves_reads() const { return role == Role::replica && health == Health::up; }
};

// A server of which nothing but its configuration is known.
inline ServerState unasked(const ServerConfig& config) {
  ServerState state;
  state.name = config.name;
  state.address = config.address;
  state.weight = config.weight;
  state.zone = config.zone;
  state.max_connections = config.max_connections;
  state.compression = config.compression;
  state.proxy_protocol = config.proxy_protocol;
  state.origin = config.origin;
  return state;
}

class Routines;

struct Topology {
  std::uint64_t version = 0;  // grows with each publication
  // In the order of the configuration, then those that were discovered; the index is the server's
  // id. Grows, but never beyond server_capacity(); who has left keeps its place.
  std::vector<ServerState> servers;
  std::optional<std::size_t> primary;  // the one server that takes writes; nothing: none or several
  std::string no_primary_why;          // when there is none: what was tried, in one line
  // What the greeting shows; learnt from the primary (before one was seen: from any server).
  std::string greeting_version;         // e.g. "9.7.4", "5.5.5-10.11.19-MariaDB"; empty until known
  std::uint16_t default_collation = 0;  // id; 0 until known
  protocol::Capabilities capabilities = 0;  // what it can do
  // A replica can be told to wait for the GTIDs that the primary reports with its writes.
  bool replicas_wait = true;
  std::shared_ptr<const Routines> routines;  // what is known of stored functions; null: nothing

  bool known() const { return !greeting_version.empty(); }
  bool is_mariadb() const { return known() && (capabilities & protocol::kLongPassword) == 0; }
  // MySQL 9 has no COM_PROCESS_KILL any more.
  bool lacks_process_kill() const { return !is_mariadb() && greeting_version.starts_with("9."); }
};

// For people: the servers that are believed in, by index; nothing for one that has left, or is not
// known. Before the first look, those of the configuration.
inline std::optional<ServerState> server_shown(const Config& config, const Topology& topology,
                                               std::size_t server) {
  if (server < topology.servers.size()) {
    const ServerState& state = topology.servers[server];
    return state.origin != Origin::left ? std::optional(state) : std::nullopt;
  }
  if (server < config.servers.size()) return unasked(config.servers[server]);
  return std::nullopt;
}

}  // namespace weir
