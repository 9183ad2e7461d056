// Durations and sizes as people write them: "500ms", "8h", "64MiB".

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

// A whole number and one of ms, s, m, h, d. Nothing when it is anything else, or would overflow.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// A whole number and one of B, KiB, MiB, GiB (powers of 1024), KB, MB, GB (powers of 1000).
std::optional<std::uint64_t> parse_size(std::string_view text);

// In the largest unit that loses nothing: 60000 ms is "1m".
std::string duration_text(std::chrono::milliseconds duration);
std::string size_text(std::uint64_t bytes);

}  // namespace weir::config
