// How busy the connections to one server are.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

struct ServerLoad {
  std::size_t open = 0;         // logged in, or about to be
  std::size_t idle = 0;         // of them, in a pool
  std::size_t outstanding = 0;  // statements under way
  std::size_t waiting = 0;      // requests for a connection that wait for a place
  std::size_t limit = 0;        // of statements at a time, see Admission; 0: there is none
  std::size_t in_line = 0;      // statements that wait to be let in,
  std::uint64_t shed = 0;       // and those that were turned away

  void merge(const ServerLoad& other) {
    open += other.open;
    idle += other.idle;
    outstanding += other.outstanding;
    waiting += other.waiting;
    limit += other.limit;
    in_line += other.in_line;
    shed += other.shed;
  }
  bool operator==(const ServerLoad&) const = default;
};

}  // namespace weir
