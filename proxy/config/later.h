// What the design of weir names and this version does not do yet. Such keys get words of their own
// instead of "unknown key", and are refused: a setting that is silently ignored would be
// a lie. A row is deleted in the change that makes weir do what it says.

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "proxy/config/node.h"

namespace weir::config {

struct LaterKey {
  std::string_view section;
  std::string_view key;
  std::string_view accepted;  // the value that asks for nothing, as TOML; empty: there is none
  std::string_view what;      // what is missing; empty: the key's name says it
};

std::span<const LaterKey> later_keys();
const LaterKey* find_later_key(std::string_view section, std::string_view key);

// Why this value of a later key is refused; empty when it asks for nothing and is accepted.
std::string refusal(const LaterKey& later, const Node& value);

}  // namespace weir::config
