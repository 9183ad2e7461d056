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
  // What is waited for.
  enum class Step : std::uint8_t {
    target,  // where the session's command runs
    right,   // whether the user may end sessions of others
    end,     // the session has ended
    query,   // its command has ended on the server
  };
  std::uint32_t id = 0;     // the session's
  bool query_only = false;  // the session goes on
  Step step = Step::target;
  KillTarget target;  // once it is known
};

}  // namespace weir
