// The median of many latencies, in constant memory.

#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace weir {

// Counts latencies in steps of an eighth of their power of two, so the median is right to about one
// part in ten, however many there are.
class LatencyMedian {
 public:
  void add(double microseconds) {
    ++counts_[step(microseconds)];
    ++total_;
  }
  std::uint32_t total() const { return total_; }
  // Microseconds; 0 when there are none.
  double value() const {
    std::uint32_t before = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (2 * (before + counts_[i]) >= total_ && counts_[i] > 0) {
        const double part = (total_ / 2.0 - before) / counts_[i];
        return start(i) + part * (start(i + 1) - start(i));
      }
      before += counts_[i];
    }
    return 0;
  }
  void clear() { *this = {}; }

 private:
  static constexpr unsigned kBits = 3;  // eight steps for each power of two
  static constexpr std::uint32_t kMost = 1u << 30;

  static std::size_t step(double microseconds) {
    const auto whole =
        static_cast<std::uint32_t>(std::clamp(microseconds, 0.0, static_cast<double>(kMost)));
    if (whole < (1u << kBits)) return whole;
    const auto shift = static_cast<unsigned>(std::bit_width(whole)) - 1 - kBits;
    return (std::size_t{shift} << kBits) + (whole >> shift);
  }
  // The least latency of a step.
  static double start(std::size_t step) {
    if (step < (1u << kBits)) return static_cast<double>(step);
    const std::size_t shift = (step >> kBits) - 1;
    const std::size_t top = (step & ((1u << kBits) - 1)) + (1u << kBits);
    return static_cast<double>(std::uint64_t{top} << shift);
  }

  std::array<std::uint32_t, 240> counts_{};
  std::uint32_t total_ = 0;
};

}  // namespace weir
