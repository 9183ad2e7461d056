// A session as people are shown it. A value, taken on the session's own thread.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/core/pins.h"

namespace weir {

struct SessionInfo {
  std::uint32_t id = 0;
  std::string user;  // empty before the login
  std::string client;
  std::string schema;
  std::string_view state;  // of static storage: "login", "idle", or the stage of its command
  std::chrono::milliseconds since{0};  // its command began, or, without one, the last one ended
  bool in_transaction = false;
  PinSet pins;
  std::vector<std::size_t> servers;  // on which it holds a connection
  std::size_t memory = 0;            // bytes that are kept for it, about
};

}  // namespace weir
