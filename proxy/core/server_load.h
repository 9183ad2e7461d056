// How busy the connections to one server are.

#pragma once

#include <cstddef>

namespace weir {

struct ServerLoad {
  std::size_t open = 0;         // logged in, or about to be
  std::size_t idle = 0;         // of them, in a pool
  std::size_t outstanding = 0;  // statements under way
  std::size_t waiting = 0;      // requests for a connection that wait for a place

  void merge(const ServerLoad& other) {
    open += other.open;
    idle += other.idle;
    outstanding += other.outstanding;
    waiting += other.waiting;
  }
  bool operator==(const ServerLoad&) const = default;
};

}  // namespace weir
