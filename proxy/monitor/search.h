// Looks for servers that the known ones name: Discovery decides, this asks. One address is looked
// at at a time.

#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "proxy/monitor/discovery.h"
#include "proxy/monitor/prober.h"

namespace weir {

class Search {
 public:
  // `wake_fd`: see ServerConnection. `news` is called from run() when something was found, or was
  // not: time for a step(). The configuration and `heartbeat` (null: none) have to outlive this
  // object.
  Search(const Config& config, int wake_fd, Heartbeat* heartbeat, std::function<void()> news)
      : config_(config),
        wake_fd_(wake_fd),
        heartbeat_(heartbeat),
        news_(std::move(news)),
        discovery_(config) {}

  // The body of a thread: looks at what step() wants to be looked at, until stop().
  void run();
  // Any thread. A look under way ends with `wake_fd`.
  void stop();

  struct Joined {
    std::size_t server = 0;
    std::unique_ptr<Prober> prober;  // connected already
    Probe probe;                     // its first
  };
  struct Step {
    bool changed = false;               // `servers` is another list than before
    std::vector<ServerConfig> servers;  // as Discovery::servers()
    std::optional<Joined> joined;       // one of them, to be watched from now on
    bool searching = false;             // see Discovery::searching()
    std::vector<MonitorEvent> events;
  };
  // One thread, always the same. `probes` and `primary`: see Discovery::hear().
  Step step(const std::vector<Probe>& probes, std::optional<std::size_t> primary, TimePoint now);

 private:
  struct Look {
    Endpoint address;
    std::unique_ptr<Prober> prober;
    Probe probe;
  };

  std::optional<Look> take_look();

  const Config& config_;
  const int wake_fd_;
  Heartbeat* const heartbeat_;
  const std::function<void()> news_;
  Discovery discovery_;   // of step()
  bool looking_ = false;  // likewise: one address is out

  std::mutex mutex_;  // protects what follows
  std::condition_variable changed_;
  std::optional<Endpoint> wanted_;
  std::optional<Look> look_;  // that has ended
  bool stopping_ = false;
};

}  // namespace weir
