// Questions one server again and again over a connection that it keeps open.

#pragma once

#include <optional>
#include <string>

#include "proxy/config/config.h"
#include "proxy/monitor/heartbeat.h"
#include "proxy/monitor/probe.h"
#include "proxy/monitor/probe_query.h"
#include "proxy/monitor/server_connection.h"

namespace weir {

// Used by one thread at a time.
class Prober {
 public:
  // `wake_fd`: see ServerConnection. `monitor` and `heartbeat` (null: none) have to outlive this
  // object.
  Prober(ServerConfig server, const Config& config, int wake_fd, Heartbeat* heartbeat = nullptr);

  // One attempt: connects where needed, asks, decodes. Ends within the monitor's timeout (but see
  // ServerConnection::connect) and never throws for what a server does.
  // `primary`: the server is believed to be; the heartbeat is written there.
  Probe attempt(bool primary = false);

 private:
  bool connect(Probe& probe, TimePoint deadline);
  ServerReply ask(Probe& probe, TimePoint deadline);
  std::optional<ServerReply> look_for_group(TimePoint deadline);
  void ask_for_followers(Probe& probe, TimePoint deadline);
  void beat(Probe& probe, bool primary, TimePoint deadline);
  void write_beat(Probe& probe, TimePoint deadline);
  void read_beat(Probe& probe, TimePoint deadline);
  void learn_collation(const ServerReply& reply, Probe& probe, TimePoint deadline);

  const ServerConfig server_;
  const MonitorConfig& monitor_;
  Heartbeat* const heartbeat_;
  ServerConnection connection_;
  ServerKind kind_;
  TimePoint next_look_{};  // for a group
  TimePoint next_ask_{};   // for followers
  std::shared_ptr<const Followers> followers_;
  TimePoint next_clean_{};  // of the heartbeat's table
  std::uint64_t sequence_ = 0;
  protocol::Capabilities capabilities_ = 0;
  std::string collation_name_;  // of which collation_id_ is the id
  std::uint16_t collation_id_ = 0;
};

// How long to wait after an attempt that failed `failures` times in a row. It grows, so that a
// server which is in trouble is not bothered, but stays short enough to find it back within a
// second; `jitter` (0 to 1) keeps several weirs from knocking at once.
Milliseconds retry_pause(Probe::Outcome outcome, unsigned failures, Milliseconds interval,
                         double jitter);

}  // namespace weir
