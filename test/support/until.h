// Waiting for a condition instead of for a time.

#pragma once

#include <chrono>
#include <thread>

namespace weir::test {

inline constexpr std::chrono::seconds kPatience{60};

// True as soon as the condition is; false when it is not within the deadline, which is generous.
template <class Condition>
bool until(Condition condition, std::chrono::milliseconds deadline = kPatience) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace weir::test
