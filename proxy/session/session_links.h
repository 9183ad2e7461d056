// The server connections that a session holds, and what ties it to one of them.

#pragma once

#include <memory>
#include <utility>

#include "proxy/backend/pool.h"

namespace weir {

// At most one connection for writes, one for reads, and one for what weir asks on the way.
class SessionLinks {
 public:
  enum class Slot : std::uint8_t { primary, replica, errand };

  BackendConnection* get(Slot slot) const { return slots_[index(slot)].get(); }
  BackendConnection* primary() const { return get(Slot::primary); }
  BackendConnection* replica() const { return get(Slot::replica); }
  // The connection that ran the previous statement; null when it is gone.
  BackendConnection* last() const { return last_; }
  // The connection that the open transaction runs on; null when none is open.
  BackendConnection* transaction() const { return transaction_; }

  BackendConnection& put(Slot slot, std::unique_ptr<BackendConnection> connection) {
    slots_[index(slot)] = std::move(connection);
    return *slots_[index(slot)];
  }
  // Takes a connection out; whatever tied the session to it is forgotten.
  std::unique_ptr<BackendConnection> take(const BackendConnection& connection) {
    if (last_ == &connection) last_ = nullptr;
    if (transaction_ == &connection) transaction_ = nullptr;
    for (auto& slot : slots_) {
      if (slot.get() == &connection) return std::move(slot);
    }
    return nullptr;
  }
  std::unique_ptr<BackendConnection> take(Slot slot) {
    return get(slot) != nullptr ? take(*get(slot)) : nullptr;
  }

  void set_last(BackendConnection* connection) { last_ = connection; }
  void set_transaction(BackendConnection* connection) { transaction_ = connection; }

 private:
  static std::size_t index(Slot slot) { return static_cast<std::size_t>(slot); }

  std::unique_ptr<BackendConnection> slots_[3];
  BackendConnection* last_ = nullptr;
  BackendConnection* transaction_ = nullptr;
};

}  // namespace weir
