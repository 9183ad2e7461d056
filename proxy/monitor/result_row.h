// One row of a server's answer, with its columns by name. Text from a server is hostile: what is
// not there, or not a number, is nothing.

#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/monitor/server_reply.h"

namespace weir {

// The whole text as a number; nothing when it is none, or too large.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || stop != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// The result has to outlive this object. MySQL's older names for columns are found under the
// present ones: "Slave_IO_Running" is "Replica_IO_Running".
class ResultRow {
 public:
  ResultRow(const ResultSet& result, std::size_t row) : result_(result), row_(result.rows[row]) {}

  std::optional<std::string> get(std::string_view column) const;
  std::string text(std::string_view column) const { return get(column).value_or(""); }
  template <class Number>
  std::optional<Number> number(std::string_view column) const {
    const auto value = get(column);
    return value ? parse_number<Number>(*value) : std::nullopt;
  }

 private:
  const ResultSet& result_;
  const std::vector<std::optional<std::string>>& row_;
};

}  // namespace weir
