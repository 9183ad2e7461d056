#include "proxy/session/session_directory.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace weir {
namespace {

// Calls of which the last one is followed by another.
struct Round {
  std::function<void(SessionHost&, std::size_t)> action;
  std::function<void()> done;
  std::atomic<std::size_t> left{0};

  // Whoever ends the round sees what all others have written.
  void end_one() {
    if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) done();
  }
};

}  // namespace

void SessionDirectory::add(std::uint32_t id, SessionHost& host) {
  const std::lock_guard lock(mutex_);
  hosts_[id] = &host;
}

void SessionDirectory::remove(std::uint32_t id) {
  const std::lock_guard lock(mutex_);
  hosts_.erase(id);
}

bool SessionDirectory::visit(std::uint32_t id, std::function<void(ClientSession*)> action) const {
  // A worker removes all its sessions before it ends, so the host is there while the lock is held.
  const std::lock_guard lock(mutex_);
  const auto found = hosts_.find(id);
  if (found == hosts_.end()) return false;
  SessionHost* host = found->second;
  return host->post([host, id, action = std::move(action)] { action(host->find_session(id)); });
}

void SessionDirectory::add_worker(SessionHost& worker) {
  const std::lock_guard lock(mutex_);
  workers_.push_back(&worker);
}

void SessionDirectory::remove_worker(SessionHost& worker) {
  const std::lock_guard lock(mutex_);
  workers_.erase(std::remove(workers_.begin(), workers_.end(), &worker), workers_.end());
}

void SessionDirectory::visit_workers(const std::function<void(std::size_t)>& prepare,
                                     std::function<void(SessionHost&, std::size_t)> action,
                                     std::function<void()> done) const {
  const auto round = std::make_shared<Round>();
  round->action = std::move(action);
  round->done = std::move(done);
  {
    const std::lock_guard lock(mutex_);
    prepare(workers_.size());
    round->left = workers_.size() + 1;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      SessionHost* worker = workers_[i];
      const bool posted = worker->post([round, worker, i] {
        round->action(*worker, i);
        round->end_one();
      });
      if (!posted) round->end_one();
    }
  }
  round->end_one();  // the one that is left was for this: done() may need the lock
}

}  // namespace weir
