#include "proxy/config/config.h"

#include <algorithm>

namespace weir {

std::string Endpoint::to_string() const {
  if (is_unix()) return "unix:" + unix_path;
  // Only an IPv6 address holds a colon; without brackets its port could not be told apart.
  const bool bracketed = host.find(':') != std::string::npos;
  return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

const UserConfig* Config::find_user(const std::string& name) const {
  const auto found = std::find_if(users.begin(), users.end(),
                                  [&](const UserConfig& user) { return user.name == name; });
  return found == users.end() ? nullptr : &*found;
}

}  // namespace weir
