#include "proxy/monitor/gtid_set.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace weir {
namespace {

// The highest number that MySQL gives to a transaction is 2^63 - 2.
constexpr std::uint64_t kMaxTransaction = (std::uint64_t{1} << 63) - 2;
constexpr std::size_t kMaxTag = 32;

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the part up to `separator` (or the end) off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view head = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return trim(head);
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return !text.empty() && error == std::errc() && stop == end;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool parse_uuid(std::string_view text, std::array<std::uint8_t, 16>& uuid) {
  const bool dashed = text.size() == 36;
  if (!dashed && text.size() != 32) return false;
  std::size_t digit = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (dashed && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-') return false;
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return false;
    uuid[digit / 2] = static_cast<std::uint8_t>(uuid[digit / 2] << 4 | value);
    ++digit;
  }
  return true;
}

// A tag is [a-z_][a-z0-9_]{0,31} and does not depend on case. Empty when `text` is none.
std::string parse_tag(std::string_view text) {
  if (text.empty() || text.size() > kMaxTag || (text[0] >= '0' && text[0] <= '9')) return {};
  std::string tag;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return {};
    tag.push_back(c);
  }
  return tag;
}

}  // namespace

// Reads one text into sources that are not sorted yet.
class GtidSet::Parser {
 public:
  explicit Parser(GtidSet& set) : set_(set) {}

  bool parse(std::string_view text) {
    while (!text.empty()) {
      const std::string_view entry = take(text, ',');
      if (!entry.empty() && !parse_entry(entry)) return false;
    }
    return true;
  }

 private:
  bool parse_entry(std::string_view entry) {
    Source source;
    if (!parse_uuid(take(entry, ':'), source.origin.uuid)) return false;
    while (!entry.empty()) {
      const std::string_view part = take(entry, ':');
      if (std::string tag = parse_tag(part); !tag.empty()) {
        finish(source);
        source.origin.tag = std::move(tag);
      } else if (!parse_interval(part, source.intervals)) {
        return false;
      }
    }
    finish(source);
    return true;
  }

  bool parse_interval(std::string_view text, std::vector<Interval>& intervals) {
    Interval interval;
    const bool range = text.find('-') != std::string_view::npos;
    if (!parse_number(take(text, '-'), interval.first)) return false;
    interval.last = interval.first;
    if (range && !parse_number(trim(text), interval.last)) return false;
    if (interval.first == 0 || interval.first > kMaxTransaction ||
        interval.last > kMaxTransaction) {
      return false;
    }
    if (++intervals_ > kMaxGtidIntervals) return false;
    // The server reads "5-3" as an interval of nothing; so does weir.
    if (interval.first <= interval.last) intervals.push_back(interval);
    return true;
  }

  void finish(Source& source) {
    if (!source.intervals.empty()) set_.sources_.push_back(source);
    source.intervals.clear();
  }

  GtidSet& set_;
  std::size_t intervals_ = 0;
};

std::optional<GtidSet> GtidSet::parse(std::string_view text) {
  GtidSet set;
  if (text.size() > kMaxGtidText || !Parser(set).parse(text)) return std::nullopt;
  set.normalise();
  return set;
}

void GtidSet::normalise() {
  std::stable_sort(sources_.begin(), sources_.end(),
                   [](const Source& a, const Source& b) { return a.origin < b.origin; });
  std::vector<Source> merged;
  for (Source& source : sources_) {
    if (!merged.empty() && merged.back().origin == source.origin) {
      merged.back().intervals.insert(merged.back().intervals.end(), source.intervals.begin(),
                                     source.intervals.end());
    } else {
      merged.push_back(std::move(source));
    }
  }
  for (Source& source : merged) {
    auto& all = source.intervals;
    std::sort(all.begin(), all.end(),
              [](const Interval& a, const Interval& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (std::size_t i = 1; i < all.size(); ++i) {
      if (all[i].first <= all[kept].last + 1) {
        all[kept].last = std::max(all[kept].last, all[i].last);
      } else {
        all[++kept] = all[i];
      }
    }
    all.resize(kept + 1);
  }
  sources_ = std::move(merged);
}

bool GtidSet::covers(const std::vector<Interval>& whole, const std::vector<Interval>& part) {
  auto candidate = whole.begin();
  for (const Interval& wanted : part) {
    while (candidate != whole.end() && candidate->last < wanted.first) ++candidate;
    if (candidate == whole.end() || wanted.first < candidate->first ||
        candidate->last < wanted.last) {
      return false;
    }
  }
  return true;
}

bool GtidSet::contains(const GtidSet& part) const {
  auto mine = sources_.begin();
  for (const Source& wanted : part.sources_) {
    while (mine != sources_.end() && mine->origin < wanted.origin) ++mine;
    if (mine == sources_.end() || mine->origin != wanted.origin) return false;
    if (!covers(mine->intervals, wanted.intervals)) return false;
  }
  return true;
}

std::string GtidSet::to_string() const {
  std::string text;
  const Source* previous = nullptr;
  for (const Source& source : sources_) {
    if (previous == nullptr || previous->origin.uuid != source.origin.uuid) {
      if (previous != nullptr) text += ',';
      for (std::size_t i = 0; i < source.origin.uuid.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        fmt::format_to(std::back_inserter(text), "{:02x}", source.origin.uuid[i]);
      }
    }
    if (!source.origin.tag.empty()) text += ":" + source.origin.tag;
    for (const Interval& interval : source.intervals) {
      fmt::format_to(std::back_inserter(text), ":{}", interval.first);
      if (interval.last != interval.first) {
        fmt::format_to(std::back_inserter(text), "-{}", interval.last);
      }
    }
    previous = &source;
  }
  return text;
}

std::optional<MariaPosition> MariaPosition::parse(std::string_view text) {
  MariaPosition position;
  if (text.size() > kMaxGtidText) return std::nullopt;
  while (!text.empty()) {
    std::string_view entry = take(text, ',');
    if (entry.empty()) continue;
    Domain domain;
    if (!parse_number(take(entry, '-'), domain.domain)) return std::nullopt;
    if (!parse_number(take(entry, '-'), domain.server)) return std::nullopt;
    if (!parse_number(trim(entry), domain.sequence)) return std::nullopt;
    if (position.domains_.size() == kMaxGtidIntervals) return std::nullopt;
    position.domains_.push_back(domain);
  }
  // gtid_binlog_state lists a domain once for each server that wrote in it: the furthest counts.
  auto& all = position.domains_;
  std::sort(all.begin(), all.end(), [](const Domain& a, const Domain& b) {
    return a.domain != b.domain ? a.domain < b.domain : a.sequence > b.sequence;
  });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const Domain& a, const Domain& b) { return a.domain == b.domain; }),
            all.end());
  return position;
}

MariaPosition MariaPosition::of_primary(const MariaPosition& binlog, const MariaPosition& current) {
  if (binlog.empty()) return current;
  MariaPosition position = binlog;
  for (Domain& domain : position.domains_) {
    const Domain* other = current.find(domain.domain);
    if (other != nullptr && other->sequence > domain.sequence) domain = *other;
  }
  return position;
}

const MariaPosition::Domain* MariaPosition::find(std::uint32_t domain) const {
  const auto at = std::lower_bound(domains_.begin(), domains_.end(), domain,
                                   [](const Domain& d, std::uint32_t id) { return d.domain < id; });
  return at != domains_.end() && at->domain == domain ? &*at : nullptr;
}

bool MariaPosition::contains(const MariaPosition& part) const {
  return std::all_of(part.domains_.begin(), part.domains_.end(), [this](const Domain& wanted) {
    const Domain* mine = find(wanted.domain);
    return mine != nullptr && mine->sequence >= wanted.sequence;
  });
}

std::string MariaPosition::to_string() const {
  std::string text;
  for (const Domain& domain : domains_) {
    if (!text.empty()) text += ',';
    fmt::format_to(std::back_inserter(text), "{}-{}-{}", domain.domain, domain.server,
                   domain.sequence);
  }
  return text;
}

bool comparable(const GtidPosition& a, const GtidPosition& b) {
  return a.index() == b.index();
}

bool contains(const GtidPosition& whole, const GtidPosition& part) {
  if (!comparable(whole, part)) return false;
  if (const auto* set = std::get_if<GtidSet>(&whole)) return set->contains(std::get<GtidSet>(part));
  return std::get<MariaPosition>(whole).contains(std::get<MariaPosition>(part));
}

bool went_backwards(const GtidPosition& before, const GtidPosition& now) {
  return comparable(before, now) && !contains(now, before);
}

std::string to_string(const GtidPosition& position) {
  return std::visit([](const auto& p) { return p.to_string(); }, position);
}

}  // namespace weir
