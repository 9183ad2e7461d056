// Addresses as they are written: "host:port", "host", "[::1]:3306", "unix:/path".

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/config/config.h"

namespace weir::config {

inline constexpr std::uint16_t kServerPort = 3306;
inline constexpr std::uint16_t kListenPort = 6033;
inline constexpr std::uint16_t kAdminPort = 6032;
inline constexpr std::uint16_t kHttpPort = 6080;

struct EndpointText {
  Endpoint endpoint;
  std::string why;  // not empty: it is no address, and this says what to write instead

  bool ok() const { return why.empty(); }
};

// Port 0, which lets the kernel choose, is only for addresses to listen on: `least_port` is 0 then.
EndpointText parse_endpoint(std::string_view text, std::uint16_t default_port,
                            std::uint16_t least_port = 1);

}  // namespace weir::config
