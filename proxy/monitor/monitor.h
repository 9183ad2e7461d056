// Watches all servers and publishes what it believes. One thread per server asks (a server that
// hangs delays nobody else), one thread judges and publishes, and one reads the primary's stored
// functions.

#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <spdlog/logger.h>

#include "proxy/config/config.h"
#include "proxy/core/drained_servers.h"
#include "proxy/core/routine_changes.h"
#include "proxy/core/topology.h"
#include "proxy/monitor/monitor_event.h"
#include "proxy/monitor/topology_text.h"

namespace weir {

class Monitor {
 public:
  using Publish = std::function<void(std::shared_ptr<const Topology>)>;

  // `publish` is called from the monitor's own thread, at least once per interval, never after
  // stop() has returned; it must not block for long and must not call stop(). Changes of role and
  // health are written to `logger`. `changes` and `drained` outlive the monitor; without the first,
  // nothing is learnt about stored functions.
  Monitor(std::shared_ptr<const Config> config, Publish publish,
          std::shared_ptr<spdlog::logger> logger, const RoutineChanges* changes = nullptr,
          const DrainedServers* drained = nullptr);
  ~Monitor();  // stops
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  void start();
  // Any thread: publishes anew at once, because a server was drained or enabled.
  void judge_again();
  // Ends every wait at once and joins the threads. A monitor that was stopped is not started again.
  void stop();

 private:
  class Threads;
  std::unique_ptr<Threads> threads_;
};

// Looks at all servers once (twice where lag needs a second look) within about two timeouts: for a
// configuration check. Servers that are discovered are looked at one after the other, those that
// cannot be reached for a timeout each; what is to be said of it goes to `events`.
Topology probe_once(const Config& config, std::vector<MonitorEvent>* events = nullptr);

}  // namespace weir
