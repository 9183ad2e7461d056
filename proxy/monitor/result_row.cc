#include "proxy/monitor/result_row.h"

#include <array>

namespace weir {
namespace {

std::string modern_name(std::string name) {
  constexpr std::array<std::array<std::string_view, 2>, 2> kWords = {
      {{"Slave", "Replica"}, {"Master", "Source"}}};
  for (const auto& [old_word, new_word] : kWords) {
    for (std::size_t at = 0; (at = name.find(old_word, at)) != std::string::npos;) {
      name.replace(at, old_word.size(), new_word);
      at += new_word.size();
    }
  }
  return name;
}

}  // namespace

std::optional<std::string> ResultRow::get(std::string_view column) const {
  for (std::size_t i = 0; i < result_.columns.size() && i < row_.size(); ++i) {
    if (modern_name(result_.columns[i]) == column) return row_[i];
  }
  return std::nullopt;
}

}  // namespace weir
