// What KILL needs to know of the session that it is about.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace weir {

struct KillTarget {
  std::string user;
  // Where its command runs, and the id of the connection there; nothing: none is running on a
  // server.
  std::optional<std::size_t> server;
  std::uint32_t thread_id = 0;
};

// A KILL on its way.
struct KillRequest {
  std::uint32_t id = 0;       // the session's
  bool query_only = false;    // the session goes on
  KillTarget target;          // once it is known
  bool may_kill_any = false;  // the server says so
};

}  // namespace weir
