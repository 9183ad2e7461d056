#include "proxy/monitor/monitor.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include <mysql.h>

#include "proxy/monitor/assess.h"
#include "proxy/monitor/prober.h"
#include "proxy/monitor/routine_loader.h"
#include "proxy/monitor/wake_event.h"

namespace weir {
namespace {

// After the first news of a round, the others' follow within moments: they are judged together.
constexpr Milliseconds kGather{5};

// A replica asked a little after the primary can show that it has what the primary just had.
constexpr Milliseconds kReplicaOffset{40};

// Between two loads of the stored functions, however many statements change them.
constexpr Milliseconds kLoadPause{500};
constexpr Milliseconds kPauseAfterFailure{5000};

// What the client library keeps per thread.
struct LibraryThread {
  LibraryThread() { mysql_thread_init(); }
  ~LibraryThread() { mysql_thread_end(); }
};

}  // namespace

class Monitor::Threads {
 public:
  Threads(std::shared_ptr<const Config> config, Publish publish,
          std::shared_ptr<spdlog::logger> logger, const RoutineChanges* changes,
          const DrainedServers* drained)
      : config_(std::move(config)),
        publish_(std::move(publish)),
        logger_(std::move(logger)),
        changes_(changes),
        drained_(drained),
        probes_(config_->servers.size()) {}

  void start() {
    const TimePoint begin = Clock::now();
    threads_.emplace_back([this] { judge(); });
    for (std::size_t i = 0; i < config_->servers.size(); ++i) {
      threads_.emplace_back([this, i, begin] { question(i, begin); });
    }
    if (changes_ != nullptr && config_->monitor.catalogue) {
      threads_.emplace_back([this] { learn_routines(); });
    }
  }

  void judge_again() {
    const std::lock_guard lock(mutex_);
    news_ = true;
    changed_.notify_all();
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.set();
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void question(std::size_t server, TimePoint begin);
  TimePoint next_attempt(std::size_t server, const Probe& probe, unsigned failures,
                         TimePoint begin);
  void judge();

  // A load of the primary's stored functions: from where, and under which count of changes.
  struct Load {
    std::size_t server = 0;
    std::uint64_t changes = 0;
    TimePoint begun{};
  };
  void learn_routines();
  std::optional<Load> wait_for_load(const std::optional<Load>& last, TimePoint next);
  void take_routines(std::shared_ptr<Routines> routines, const Load& load);
  void log(const std::vector<MonitorEvent>& events);

  const std::shared_ptr<const Config> config_;
  const Publish publish_;
  const std::shared_ptr<spdlog::logger> logger_;
  const RoutineChanges* const changes_;
  const DrainedServers* const drained_;
  std::vector<std::thread> threads_;
  WakeEvent wake_;

  std::mutex mutex_;  // protects what follows
  std::condition_variable changed_;
  std::vector<Probe> probes_;                 // the latest ended attempt of each server
  std::optional<std::size_t> primary_;        // as judged last
  std::shared_ptr<const Routines> routines_;  // as loaded last
  bool news_ = false;
  bool stopping_ = false;
  std::minstd_rand random_{std::random_device{}()};
};

void Monitor::Threads::question(std::size_t server, TimePoint begin) {
  const LibraryThread library;
  Prober prober(config_->servers[server], config_->monitor, wake_.fd());
  unsigned failures = 0;
  while (true) {
    Probe probe = prober.attempt();
    failures = probe.outcome == Probe::Outcome::answered ? 0 : failures + 1;
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    const TimePoint next = next_attempt(server, probe, failures, begin);
    probes_[server] = std::move(probe);
    news_ = true;
    changed_.notify_all();
    if (changed_.wait_until(lock, next, [this] { return stopping_; })) return;
  }
}

// Servers that answer are asked on a common beat, so that their answers can be compared; missed
// beats are skipped. Called with the mutex held.
TimePoint Monitor::Threads::next_attempt(std::size_t server, const Probe& probe, unsigned failures,
                                         TimePoint begin) {
  const Milliseconds interval = config_->monitor.interval;
  const TimePoint now = Clock::now();
  if (failures > 0) {
    const double jitter = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
    return now + retry_pause(probe.outcome, failures, interval, jitter);
  }
  // In a group that others may write to, being writable makes no primary.
  const bool follows = probe.read_only || (primary_ && *primary_ != server);
  const Milliseconds offset = follows ? std::min(kReplicaOffset, interval / 4) : Milliseconds{0};
  const auto beats = std::max<Clock::rep>((now - begin - offset) / interval, 0) + 1;
  return begin + offset + beats * interval;
}

void Monitor::Threads::judge() {
  Assessor assessor(config_);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, config_->monitor.interval, [this] { return news_ || stopping_; });
    if (news_) changed_.wait_for(lock, kGather, [this] { return stopping_; });
    if (stopping_) return;
    news_ = false;
    std::vector<Probe> probes = probes_;
    lock.unlock();
    Assessment result = assessor.assess(std::move(probes), Clock::now());
    log(result.events);
    if (drained_ != nullptr) apply(*drained_, result.topology);
    lock.lock();
    primary_ = result.topology.primary;
    result.topology.routines = routines_;
    lock.unlock();
    publish_(std::make_shared<const Topology>(std::move(result.topology)));
    lock.lock();
  }
}

void Monitor::Threads::learn_routines() {
  const LibraryThread library;
  RoutineLoader loader(*config_, wake_.fd());
  std::optional<Load> last;
  TimePoint next{};
  std::string told;
  while (const std::optional<Load> load = wait_for_load(last, next)) {
    RoutineLoader::Outcome outcome = loader.load(load->server);
    const Milliseconds interval = config_->monitor.catalogue_interval;
    next = load->begun + (outcome.failed ? std::min(interval, kPauseAfterFailure) : interval);
    last = load;
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    take_routines(std::move(outcome.routines), *load);
    if (outcome.text != told) {
      logger_->log(outcome.failed ? spdlog::level::warn : spdlog::level::info, "monitor: {}",
                   outcome.text);
    }
    told = outcome.text;
  }
}

// Until it is time, or the functions may have changed, or there is another primary; nothing: the
// monitor stops. Nothing is loaded while a statement that may change them is under way. What ends
// the waiting need not be signalled: the probes do so several times per interval.
std::optional<Monitor::Threads::Load> Monitor::Threads::wait_for_load(
    const std::optional<Load>& last, TimePoint next) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto settled = changes_->settled();
    const TimePoint now = Clock::now();
    if (primary_ && settled && (!last || now >= last->begun + kLoadPause)) {
      const bool changed = !last || last->server != *primary_ || last->changes != *settled;
      if (changed || now >= next) return Load{*primary_, *settled, now};
    }
    changed_.wait_for(lock, config_->monitor.interval);
  }
  return std::nullopt;
}

// Called with the mutex held. Replicas that showed the functions as they were at the load before
// still do, when nothing has changed in between.
void Monitor::Threads::take_routines(std::shared_ptr<Routines> routines, const Load& load) {
  if (routines != nullptr) {
    routines->server = load.server;
    routines->changes = load.changes;
    const bool same = routines_ != nullptr && routines_->server == load.server &&
                      routines_->changes == load.changes && routines_->has_same_readers(*routines);
    routines->since = same ? routines_->since : load.begun;
  }
  routines_ = std::move(routines);
  news_ = true;
  changed_.notify_all();
}

void Monitor::Threads::log(const std::vector<MonitorEvent>& events) {
  for (const MonitorEvent& event : events) {
    logger_->log(event.warning ? spdlog::level::warn : spdlog::level::info, "monitor: {}",
                 event.text);
  }
}

Monitor::Monitor(std::shared_ptr<const Config> config, Publish publish,
                 std::shared_ptr<spdlog::logger> logger, const RoutineChanges* changes,
                 const DrainedServers* drained)
    : threads_(std::make_unique<Threads>(std::move(config), std::move(publish), std::move(logger),
                                         changes, drained)) {}

Monitor::~Monitor() {
  stop();
}

void Monitor::start() {
  threads_->start();
}

void Monitor::judge_again() {
  threads_->judge_again();
}

void Monitor::stop() {
  threads_->stop();
}

Topology probe_once(const Config& config) {
  const WakeEvent never;
  std::vector<std::unique_ptr<Prober>> probers;
  for (const ServerConfig& server : config.servers) {
    probers.push_back(std::make_unique<Prober>(server, config.monitor, never.fd()));
  }
  std::vector<Probe> probes(probers.size());
  Assessor assessor(std::make_shared<const Config>(config));
  Topology topology;
  for (int round = 0; round < 2; ++round) {
    // Where the first round had a verdict on everything, the second adds nothing.
    if (round > 0) {
      const bool settled = std::none_of(
          topology.servers.begin(), topology.servers.end(), [](const ServerState& server) {
            return server.health == Health::unknown && server.role == Role::replica;
          });
      if (settled) break;
      std::this_thread::sleep_for(std::min(config.monitor.interval, config.monitor.timeout));
    }
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < probers.size(); ++i) {
      threads.emplace_back([&, i] {
        const LibraryThread library;
        probes[i] = probers[i]->attempt();
      });
    }
    for (std::thread& thread : threads) thread.join();
    topology = assessor.assess(probes, Clock::now()).topology;
  }
  return topology;
}

}  // namespace weir
