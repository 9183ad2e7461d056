#include "proxy/monitor/monitor.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "proxy/monitor/assess.h"
#include "proxy/monitor/library_thread.h"
#include "proxy/monitor/prober.h"
#include "proxy/monitor/routine_loader.h"
#include "proxy/monitor/search.h"
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
        known_(config_),
        probes_(config_->servers.size()),
        watchers_(config_->servers.size()) {
    if (!config_->monitor.heartbeat.empty()) heartbeat_.emplace(config_->monitor.heartbeat);
    if (config_->monitor.discover) {
      search_ =
          std::make_unique<Search>(*config_, wake_.fd(), heartbeat(), [this] { judge_again(); });
    }
  }

  void start() {
    begin_ = Clock::now();
    threads_.emplace_back([this] { judge(); });
    for (std::size_t i = 0; i < config_->servers.size(); ++i) {
      auto prober =
          std::make_unique<Prober>(config_->servers[i], *config_, wake_.fd(), heartbeat());
      const std::lock_guard lock(mutex_);
      threads_.push_back(watch(i, std::move(prober)));
    }
    if (search_ != nullptr) threads_.emplace_back([this] { search_->run(); });
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
    if (search_ != nullptr) search_->stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void question(std::size_t server, std::unique_ptr<Prober> prober);
  TimePoint next_attempt(std::size_t server, const Probe& probe, unsigned failures);
  Heartbeat* heartbeat() { return heartbeat_ ? &*heartbeat_ : nullptr; }
  void judge();
  bool discover(std::vector<Probe>& probes, Assessor& assessor);
  void take_servers(const std::vector<ServerConfig>& servers, std::vector<Probe>& probes);
  void take_joined(Search::Joined joined, std::vector<Probe>& probes);
  std::thread watch(std::size_t server, std::unique_ptr<Prober> prober);

  // A load of the primary's stored functions: from where, and under which count of changes.
  struct Load {
    std::size_t server = 0;
    ServerConfig from;
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
  std::vector<std::thread> found_threads_;  // one for each that has joined; the judge's
  WakeEvent wake_;
  std::optional<Heartbeat> heartbeat_;
  std::unique_ptr<Search> search_;  // null: nobody is looked for
  TimePoint begin_{};

  std::mutex mutex_;  // protects what follows
  std::condition_variable changed_;
  std::shared_ptr<const Config> known_;       // with the servers that were discovered
  std::vector<Probe> probes_;                 // the latest ended attempt of each server
  std::vector<const Prober*> watchers_;       // by server; whoever is not listed ends
  std::optional<std::size_t> primary_;        // as judged last
  std::shared_ptr<const Routines> routines_;  // as loaded last
  bool news_ = false;
  bool stopping_ = false;
  std::minstd_rand random_{std::random_device{}()};
};

// Until the monitor stops, or the server has left.
void Monitor::Threads::question(std::size_t server, std::unique_ptr<Prober> prober) {
  const LibraryThread library;
  unsigned failures = 0;
  bool primary = false;
  while (true) {
    Probe probe = prober->attempt(primary);
    failures = probe.outcome == Probe::Outcome::answered ? 0 : failures + 1;
    std::unique_lock lock(mutex_);
    if (stopping_ || watchers_[server] != prober.get()) return;
    const TimePoint next = next_attempt(server, probe, failures);
    probes_[server] = std::move(probe);
    news_ = true;
    changed_.notify_all();
    if (changed_.wait_until(lock, next, [this] { return stopping_; })) return;
    primary = primary_ == server;
  }
}

// Servers that answer are asked on a common beat, so that their answers can be compared; missed
// beats are skipped. Called with the mutex held.
TimePoint Monitor::Threads::next_attempt(std::size_t server, const Probe& probe,
                                         unsigned failures) {
  const Milliseconds interval = config_->monitor.interval;
  const TimePoint now = Clock::now();
  if (failures > 0) {
    const double jitter = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
    return now + retry_pause(probe.outcome, failures, interval, jitter);
  }
  // In a group that others may write to, being writable makes no primary.
  const bool follows = probe.read_only || (primary_ && *primary_ != server);
  const Milliseconds offset = follows ? std::min(kReplicaOffset, interval / 4) : Milliseconds{0};
  const auto beats = std::max<Clock::rep>((now - begin_ - offset) / interval, 0) + 1;
  return begin_ + offset + beats * interval;
}

void Monitor::Threads::judge() {
  Assessor assessor(config_);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_for(lock, config_->monitor.interval, [this] { return news_ || stopping_; });
    if (news_) changed_.wait_for(lock, kGather, [this] { return stopping_; });
    if (stopping_) break;
    news_ = false;
    std::vector<Probe> probes = probes_;
    lock.unlock();
    const bool searching = search_ != nullptr && discover(probes, assessor);
    Assessment result = assessor.assess(std::move(probes), Clock::now(), searching);
    log(result.events);
    if (drained_ != nullptr) apply(*drained_, result.topology);
    lock.lock();
    primary_ = result.topology.primary;
    result.topology.routines = routines_;
    lock.unlock();
    publish_(std::make_shared<const Topology>(std::move(result.topology)));
    lock.lock();
  }
  lock.unlock();
  for (std::thread& thread : found_threads_) thread.join();
}

// Takes in who joins and who leaves. True while somebody may be found at any moment.
bool Monitor::Threads::discover(std::vector<Probe>& probes, Assessor& assessor) {
  Search::Step step = search_->step(probes, primary_, Clock::now());
  log(step.events);
  if (step.changed) {
    take_servers(step.servers, probes);
    assessor.know(known_);
  }
  if (step.joined) take_joined(std::move(*step.joined), probes);
  return step.searching;
}

// Servers are added at the end, or change whether they take part: nobody's index changes.
void Monitor::Threads::take_servers(const std::vector<ServerConfig>& servers,
                                    std::vector<Probe>& probes) {
  auto known = std::make_shared<Config>(*config_);
  known->servers = servers;
  const std::lock_guard lock(mutex_);
  known_ = std::move(known);
  probes_.resize(servers.size());
  probes.resize(servers.size());
  watchers_.resize(servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (servers[i].origin != Origin::left) continue;
    probes_[i] = probes[i] = Probe{};
    watchers_[i] = nullptr;
  }
}

// The one who looked at it goes on to do so.
void Monitor::Threads::take_joined(Search::Joined joined, std::vector<Probe>& probes) {
  const std::lock_guard lock(mutex_);
  probes[joined.server] = probes_[joined.server] = std::move(joined.probe);
  found_threads_.push_back(watch(joined.server, std::move(joined.prober)));
}

// Called with the mutex held.
std::thread Monitor::Threads::watch(std::size_t server, std::unique_ptr<Prober> prober) {
  watchers_[server] = prober.get();
  return std::thread([this, server, prober = std::move(prober)]() mutable {
    question(server, std::move(prober));
  });
}

void Monitor::Threads::learn_routines() {
  const LibraryThread library;
  RoutineLoader loader(*config_, wake_.fd());
  std::optional<Load> last;
  TimePoint next{};
  std::string told;
  while (const std::optional<Load> load = wait_for_load(last, next)) {
    RoutineLoader::Outcome outcome = loader.load(load->from);
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
      if (changed || now >= next) return Load{*primary_, known_->servers[*primary_], *settled, now};
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

namespace {

// All servers, each asked once and all at the same time.
void attempt_all(std::vector<std::unique_ptr<Prober>>& probers, std::vector<Probe>& probes) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < probers.size(); ++i) {
    threads.emplace_back([&, i] {
      const LibraryThread library;
      probes[i] = probers[i]->attempt();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Looks at every address that is named, one after the other, until nobody new is.
std::shared_ptr<const Config> find_others(const Config& config, int wake_fd,
                                          std::vector<std::unique_ptr<Prober>>& probers,
                                          std::vector<Probe>& probes,
                                          std::vector<MonitorEvent>& events) {
  Discovery discovery(config);
  discovery.hear(probes, std::nullopt, Clock::now(), events);
  while (const auto address = discovery.next(Clock::now())) {
    auto prober = std::make_unique<Prober>(discovered_server(*address), config, wake_fd);
    Probe probe = prober->attempt();
    const auto server = discovery.looked(*address, probe, probes, Clock::now(), events);
    if (!server) continue;
    probers.push_back(std::move(prober));  // nobody leaves here, so that it is the last one
    probes.push_back(std::move(probe));
    discovery.hear(probes, std::nullopt, Clock::now(), events);
  }
  auto known = std::make_shared<Config>(config);
  known->servers = discovery.servers();
  return known;
}

}  // namespace

Topology probe_once(const Config& config, std::vector<MonitorEvent>* events) {
  const WakeEvent never;
  std::vector<std::unique_ptr<Prober>> probers;
  for (const ServerConfig& server : config.servers) {
    probers.push_back(std::make_unique<Prober>(server, config, never.fd()));
  }
  std::vector<Probe> probes(probers.size());
  attempt_all(probers, probes);
  std::vector<MonitorEvent> said;
  auto known = std::make_shared<const Config>(config);
  if (config.monitor.discover) {
    known = find_others(config, never.fd(), probers, probes, said);
  }
  Assessor assessor(known);
  Topology topology = assessor.assess(probes, Clock::now()).topology;
  // Where the first round had a verdict on everything, a second one adds nothing.
  const auto& servers = topology.servers;
  const bool settled = std::none_of(servers.begin(), servers.end(), [](const ServerState& server) {
    return server.health == Health::unknown && server.role == Role::replica;
  });
  if (!settled) {
    std::this_thread::sleep_for(std::min(config.monitor.interval, config.monitor.timeout));
    attempt_all(probers, probes);
    topology = assessor.assess(probes, Clock::now()).topology;
  }
  if (events != nullptr) *events = std::move(said);
  return topology;
}

}  // namespace weir
