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
  ThreadState receiver = ThreadState::stopped;  // fetches events ("IO thread")
  ThreadState applier = ThreadState::stopped;   // executes them ("SQL thread")
  std::string receiver_error;
  std::string applier_error;
  std::optional<std::uint32_t> seconds_behind;  // nothing: the server says NULL
  std::uint32_t delay = 0;                      // seconds that the replica stays behind on purpose
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
};

}  // namespace weir
