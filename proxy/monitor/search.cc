#include "proxy/monitor/search.h"

#include <utility>

#include "proxy/monitor/library_thread.h"

namespace weir {

void Search::run() {
  const LibraryThread library;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || wanted_; });
    if (stopping_) return;
    Look look;
    look.address = *std::exchange(wanted_, std::nullopt);
    lock.unlock();
    look.prober =
        std::make_unique<Prober>(discovered_server(look.address), config_, wake_fd_, heartbeat_);
    look.probe = look.prober->attempt();
    lock.lock();
    look_ = std::move(look);
    lock.unlock();
    news_();
    lock.lock();
  }
}

void Search::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

std::optional<Search::Look> Search::take_look() {
  const std::lock_guard lock(mutex_);
  return std::exchange(look_, std::nullopt);
}

Search::Step Search::step(const std::vector<Probe>& probes, std::optional<std::size_t> primary,
                          TimePoint now) {
  Step step;
  step.changed = discovery_.hear(probes, primary, now, step.events);
  if (std::optional<Look> look = take_look()) {
    looking_ = false;
    const auto server = discovery_.looked(look->address, look->probe, probes, now, step.events);
    if (server) {
      step.changed = true;
      step.joined = Joined{*server, std::move(look->prober), std::move(look->probe)};
    }
  }
  if (step.changed) step.servers = discovery_.servers();
  // Who has joined may name others, so that there is no end yet.
  step.searching = step.joined || discovery_.searching(now);
  if (looking_) return step;
  if (auto address = discovery_.next(now)) {
    looking_ = true;
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(address);
    changed_.notify_all();
  }
  return step;
}

}  // namespace weir
