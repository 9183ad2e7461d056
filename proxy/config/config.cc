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

FirewallMode Config::firewall_mode(const UserConfig* user) const {
  return user != nullptr ? user->firewall.value_or(firewall.mode) : firewall.mode;
}

bool Config::uses_firewall(FirewallMode mode) const {
  return firewall.mode == mode ||
         std::any_of(users.begin(), users.end(),
                     [&](const UserConfig& user) { return user.firewall == mode; });
}

bool Config::uses_firewall() const {
  return uses_firewall(FirewallMode::learn) || uses_firewall(FirewallMode::warn) ||
         uses_firewall(FirewallMode::enforce);
}

}  // namespace weir
