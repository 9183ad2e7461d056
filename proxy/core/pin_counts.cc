#include "proxy/core/pin_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sql_classifier/digest.h"

namespace weir {
namespace {

constexpr std::size_t kMaxText = 200;

bool continues_letter(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

PinCause pin_cause(std::string_view text, const sql::TextOptions& options) {
  PinCause cause;
  cause.digest = sql::digest(text, options);
  cause.text.resize(kMaxText);
  cause.text.resize(sql::normalise(text, options, cause.text.data(), cause.text.size()));
  if (cause.text.size() == kMaxText) {
    // It may have been cut in the middle of a letter.
    while (!cause.text.empty() && continues_letter(cause.text.back())) cause.text.pop_back();
    if (!cause.text.empty()) cause.text.back() = ' ';
    cause.text.append("...");
  }
  // Quoted names may hold line ends.
  for (char& c : cause.text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return cause;
}

void PinCounts::add(PinSet pins, const PinCause* cause) {
  pins.for_each([&](Pin pin) {
    ++totals_[index(pin)];
    if (cause == nullptr) {
      ++others_[index(pin)];
    } else {
      add(pin, cause->digest, cause->text, 1);
    }
  });
}

void PinCounts::add(Pin pin, std::uint64_t digest, std::string_view text, std::uint64_t count) {
  auto found = causes_.find({pin, digest});
  if (found == causes_.end()) {
    if (causes_.size() >= max_causes_) {
      others_[index(pin)] += count;
      return;
    }
    found = causes_.emplace(std::pair(pin, digest), Cause{std::string(text), 0}).first;
  }
  found->second.count += count;
}

void PinCounts::merge(const PinCounts& other) {
  for (std::size_t i = 0; i < kPinCount; ++i) {
    totals_[i] += other.totals_[i];
    others_[i] += other.others_[i];
  }
  for (const auto& [key, cause] : other.causes_) {
    add(key.first, key.second, cause.text, cause.count);
  }
}

bool PinCounts::empty() const {
  return std::all_of(totals_.begin(), totals_.end(), [](std::uint64_t n) { return n == 0; });
}

std::vector<PinCounts::Row> PinCounts::rows() const {
  std::vector<Row> rows;
  rows.reserve(causes_.size());
  for (const auto& [key, cause] : causes_) {
    rows.push_back({key.first, key.second, cause.text, cause.count});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.count > b.count; });
  return rows;
}

void PinReport::add_session(PinSet pins) {
  pins.for_each([&](Pin pin) { ++sessions[static_cast<std::size_t>(pin)]; });
}

void PinReport::merge(const PinReport& other) {
  counts.merge(other.counts);
  for (std::size_t i = 0; i < kPinCount; ++i) sessions[i] += other.sessions[i];
}

std::string print_pins(const PinCounts& counts) {
  std::string out;
  for (std::size_t i = 0; i < kPinCount; ++i) {
    const Pin pin = static_cast<Pin>(i);
    if (counts.total(pin) == 0) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", pin_name(pin), counts.total(pin));
  }
  const auto rows = counts.rows();
  if (rows.empty()) return out;
  const PinCounts::Row& most = rows.front();
  return out +
         fmt::format("; most often {} by '{}' ({})", pin_name(most.pin), most.text, most.count);
}

}  // namespace weir
