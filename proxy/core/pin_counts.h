// How often sessions were pinned, and by which statements. Pure; its size is bounded, whatever the
// statements are.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/core/pins.h"
#include "sql_classifier/classification.h"

namespace weir {

// A statement as a cause: what is left of it without its values.
struct PinCause {
  std::uint64_t digest = 0;
  std::string text;  // normalised, no more than its beginning, on one line
};

PinCause pin_cause(std::string_view text, const sql::TextOptions& options);

class PinCounts {
 public:
  static constexpr std::size_t kMaxCauses = 1000;

  struct Row {
    Pin pin;
    std::uint64_t digest;
    std::string text;  // of the first statement with the digest
    std::uint64_t count;
  };

  // Causes beyond `max_causes` are counted without a name of their own.
  explicit PinCounts(std::size_t max_causes = kMaxCauses) : max_causes_(max_causes) {}

  // A session has these pins now that it did not have before. `cause` is null when the statement is
  // not known.
  void add(PinSet pins, const PinCause* cause);
  void merge(const PinCounts& other);

  bool empty() const;
  std::uint64_t total(Pin pin) const { return totals_[index(pin)]; }
  // Among them those by statements that are not known, or that there was no room for.
  std::uint64_t others(Pin pin) const { return others_[index(pin)]; }
  // By cause, the most frequent first.
  std::vector<Row> rows() const;

 private:
  struct Cause {
    std::string text;
    std::uint64_t count = 0;
  };
  static std::size_t index(Pin pin) { return static_cast<std::size_t>(pin); }
  void add(Pin pin, std::uint64_t digest, std::string_view text, std::uint64_t count);

  std::size_t max_causes_;
  std::array<std::uint64_t, kPinCount> totals_{};
  std::array<std::uint64_t, kPinCount> others_{};
  // Not hashed: clients choose their statements, and with them the digests.
  std::map<std::pair<Pin, std::uint64_t>, Cause> causes_;
};

// The pins of one worker, or of all: since they began, and now.
struct PinReport {
  PinCounts counts;
  std::array<std::size_t, kPinCount> sessions{};  // that have the pin at the moment

  void add_session(PinSet pins);
  void merge(const PinReport& other);
};

// One line for people: totals by pin, and the most frequent cause.
std::string print_pins(const PinCounts& counts);

}  // namespace weir
