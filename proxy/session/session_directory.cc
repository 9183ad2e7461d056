#include "proxy/session/session_directory.h"

#include <utility>

namespace weir {

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

}  // namespace weir
