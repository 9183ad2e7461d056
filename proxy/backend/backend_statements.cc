#include <algorithm>
#include <utility>

#include "proxy/backend/backend_connection.h"

namespace weir {

BackendStatement* BackendStatements::find(std::uint64_t id) {
  const auto found = statements_.find(id);
  if (found == statements_.end()) return nullptr;
  found->second.used = ++uses_;
  return &found->second;
}

void BackendStatements::add(std::uint64_t id, std::uint32_t server_id) {
  BackendStatement added;
  added.id = server_id;
  added.used = ++uses_;
  statements_[id] = std::move(added);
}

std::optional<std::uint32_t> BackendStatements::erase(std::uint64_t id) {
  const auto found = statements_.find(id);
  if (found == statements_.end()) return std::nullopt;
  const std::uint32_t server_id = found->second.id;
  statements_.erase(found);
  return server_id;
}

std::optional<std::uint32_t> BackendStatements::make_room(std::size_t limit) {
  if (statements_.size() < limit) return std::nullopt;
  const auto oldest =
      std::min_element(statements_.begin(), statements_.end(),
                       [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
  return erase(oldest->first);
}

}  // namespace weir
