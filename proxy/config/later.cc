#include "proxy/config/later.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

namespace weir::config {
namespace {

constexpr LaterKey kKeys[] = {
    {"log", "slow_query", "", ""},
};

// Numbers and plain text only; enough for the values above.
std::string as_toml(const Node& value) {
  if (value.kind == Node::Kind::integer) return std::to_string(value.number);
  if (value.kind == Node::Kind::text) return "\"" + value.text + "\"";
  return "";
}

}  // namespace

std::span<const LaterKey> later_keys() {
  return kKeys;
}

const LaterKey* find_later_key(std::string_view section, std::string_view key) {
  const auto found = std::find_if(std::begin(kKeys), std::end(kKeys), [&](const LaterKey& row) {
    return row.section == section && row.key == key;
  });
  return found == std::end(kKeys) ? nullptr : found;
}

std::string refusal(const LaterKey& later, const Node& value) {
  if (!later.accepted.empty() && as_toml(value) == later.accepted) return "";
  const std::string what =
      later.what.empty()
          ? fmt::format("this version does not know \"{}.{}\" yet", later.section, later.key)
          : std::string(later.what);
  const std::string instead =
      later.accepted.empty() ? "" : fmt::format(" or set it to {}", later.accepted);
  return what + "; remove the key" + instead;
}

}  // namespace weir::config
