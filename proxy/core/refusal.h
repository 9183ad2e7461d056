// Why a client was turned away before it had logged in.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

enum class Refusal : std::uint8_t {
  full,         // listen.max_connections
  memory,       // limits.memory
  half_open,    // limits.half_open_per_address
  connections,  // limits.connections_per_address
  rate,         // limits.connection_rate
  header,       // no PROXY header where there must be one
  late,         // limits.handshake_timeout
  password,     // wrong, or of nobody
  backoff,      // limits.login_failures: the password was not even looked at
};

inline constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::backoff) + 1;

// Stable, for labels.
constexpr std::string_view refusal_name(Refusal refusal) {
  constexpr std::string_view kNames[kRefusals] = {"full",        "memory",   "half_open",
                                                  "connections", "rate",     "header",
                                                  "late",        "password", "backoff"};
  return kNames[static_cast<std::size_t>(refusal)];
}

}  // namespace weir
