// Room that the streams of a worker share.

#pragma once

#include <cstddef>
#include <string>

namespace weir {

// Empties it after use; what is more than most uses need is given back.
inline void clear_room(std::string& room) {
  constexpr std::size_t kMaxIdle = 256u << 10;
  room.clear();
  if (room.capacity() > kMaxIdle) std::string().swap(room);
}

}  // namespace weir
