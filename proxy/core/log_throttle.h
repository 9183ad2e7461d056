// Lets one line of a kind into the log now and then, so that strangers cannot fill the disk.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "proxy/core/topology.h"

namespace weir {

class LogThrottle {
 public:
  // How many were left out since the last one that was let in; nothing: leave this one out, too.
  std::optional<std::uint64_t> pass(TimePoint now) {
    if (next_ && now < *next_) {
      ++left_out_;
      return std::nullopt;
    }
    next_ = now + kPause;
    return std::exchange(left_out_, 0);
  }

 private:
  static constexpr Milliseconds kPause{1000};

  std::optional<TimePoint> next_;
  std::uint64_t left_out_ = 0;
};

// The end of a line that is let in; empty when none was left out.
inline std::string left_out_text(std::uint64_t left_out) {
  if (left_out == 0) return {};
  return " (" + std::to_string(left_out) + " more since the last such line)";
}

}  // namespace weir
