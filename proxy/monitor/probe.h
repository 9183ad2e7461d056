// What one attempt to question one server found out. Plain values: the prober fills them, the
// assessor judges them, tests write them down by hand.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/monitor/lag_meter.h"
#include "proxy/monitor/membership.h"

namespace weir {

enum class ThreadState : std::uint8_t { stopped, connecting, running };

// One replication channel, as SHOW REPLICA STATUS shows it.
struct Channel {
  std::string name;  // empty for the default one
  std::string source_host;
  std::uint16_t source_port = 0;
  std::uint32_t source_id = 0;  // the source's @@server_id; 0 until it has been reached once
  std::string source_uuid;      // MySQL: likewise its @@server_uuid; empty until then
  ThreadState receiver = ThreadState::stopped;  // fetches events ("IO thread")
  ThreadState applier = ThreadState::stopped;   // executes them ("SQL thread")
  std::string receiver_error;
  std::string applier_error;
  std::optional<std::uint32_t> seconds_behind;  // nothing: the server says NULL
  std::uint32_t delay = 0;                      // seconds that the replica stays behind on purpose
  std::string filter;  // a setting that keeps users' data from being replicated; empty: none
};

// What a server tells of those who fetch its binary log.
struct Followers {
  // One that has registered, as SHOW REPLICAS shows it.
  struct Replica {
    std::string host;  // its own report_host; often empty
    std::uint16_t port = 0;
    std::uint32_t id = 0;  // @@server_id
    std::string uuid;      // MySQL: @@server_uuid
  };
  std::vector<Replica> replicas;
  std::vector<std::string> hosts;  // from where binary logs are fetched now; replicas and others
  std::string hidden;              // what cannot be seen of them, with the GRANT; usually empty
};

// A count of the heartbeat (see heartbeat.h) that was written to a server, or was read there.
struct Beat {
  std::uint64_t count = 0;
  Exchange when;
};

struct Probe {
  enum class Outcome : std::uint8_t {
    none,  // no attempt has ended yet
    answered,
    denied,   // the server speaks, but refuses the monitor's account
    refused,  // the server speaks, but does not answer what it was asked; clients may be served
    failed,   // no connection, or no answer in time
  };

  std::uint64_t sequence = 0;  // grows with each attempt that ended
  Outcome outcome = Outcome::none;
  std::string error;  // for people, when not `answered`

  // The rest is valid when `answered`.
  Exchange when;
  std::string version;
  Flavor flavor = Flavor::unknown;
  std::string account;  // CURRENT_USER() of the monitor, for advice
  std::uint32_t server_id = 0;
  // The same for whoever asks under whatever address, and no other server's: @@server_uuid, on
  // MariaDB server id, host name and port.
  std::string identity;
  std::uint16_t default_collation = 0;
  protocol::Capabilities capabilities = 0;  // as its greeting says
  bool read_only = false;                   // read_only or super_read_only
  // Nothing when the server keeps no GTIDs, or says something that is not a position.
  PositionPtr as_primary;  // what its replicas have to reach
  PositionPtr as_replica;  // what is visible here
  std::vector<Channel> channels;
  std::optional<Membership> membership;  // of a server that belongs to a group
  std::string
      hidden_replication;  // why replication status cannot be seen, with the GRANT; usually empty
  // As it told some seconds ago at most; null when it was not asked.
  std::shared_ptr<const Followers> followers;
  std::optional<Beat> written;  // to the primary, by this attempt
  std::optional<Beat> read;     // on others
  std::string beat_trouble;     // why there is none, and what to do; usually empty
};

// True when the channel has fetched from this server, which has answered.
inline bool follows(const Channel& channel, const Probe& source) {
  if (source.outcome != Probe::Outcome::answered) return false;
  if (!channel.source_uuid.empty() && source.flavor == Flavor::mysql) {
    return channel.source_uuid == source.identity;
  }
  return channel.source_id != 0 && channel.source_id == source.server_id;
}

}  // namespace weir
