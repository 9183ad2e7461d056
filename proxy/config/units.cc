#include "proxy/config/units.h"

#include <charconv>
#include <limits>
#include <span>

namespace weir::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// In the order of preference for writing: the first unit that divides a value evenly is used.
constexpr Unit kDurations[] = {
    {"d", 24ull * 3600 * 1000}, {"h", 3600ull * 1000}, {"m", 60ull * 1000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizes[] = {{"GiB", 1ull << 30},
                           {"MiB", 1ull << 20},
                           {"KiB", 1ull << 10},
                           {"GB", 1000000000},
                           {"MB", 1000000},
                           {"KB", 1000},
                           {"B", 1}};

std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > kMost / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

std::string write(std::uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) {
      return std::to_string(value / unit.factor).append(unit.name);
    }
  }
  return "0";
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse(text, kDurations);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse(text, kSizes);
}

std::string duration_text(std::chrono::milliseconds duration) {
  if (duration.count() <= 0) return "0s";
  return write(static_cast<std::uint64_t>(duration.count()), kDurations);
}

std::string size_text(std::uint64_t bytes) {
  return bytes == 0 ? "0B" : write(bytes, kSizes);
}

}  // namespace weir::config
