// Positions in the history of a cluster: MySQL's GTID sets and MariaDB's GTID positions, as values
// that can be compared. Text that comes from a server is parsed with bounds; malformed text gives
// nothing.
//
//   MySQL     uuid[:tag]:interval[:interval...][:tag:interval...], ...      (tags since 8.3)
//             3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7:app:1-3,\n4350f323-...:1
//   MariaDB   domain-server-sequence, ...
//             0-1-1234,7-2-99

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir {

// Texts longer than this, or with more intervals, are refused: no server in good order has such a
// set.
inline constexpr std::size_t kMaxGtidText = 16u << 20;
inline constexpr std::size_t kMaxGtidIntervals = 1u << 20;

// The transactions that a MySQL server has executed. Kept normalised (sorted, merged), so that
// equal sets are equal values whatever their spelling was.
class GtidSet {
 public:
  static std::optional<GtidSet> parse(std::string_view text);

  // True when every transaction of `part` is in this set. Everything contains the empty set.
  bool contains(const GtidSet& part) const;
  bool empty() const { return sources_.empty(); }
  std::string to_string() const;
  bool operator==(const GtidSet&) const = default;

 private:
  // Both ends belong to the interval.
  struct Interval {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    bool operator==(const Interval&) const = default;
  };
  // One origin of transactions: a server's UUID, and a tag where one was used.
  struct Origin {
    std::array<std::uint8_t, 16> uuid{};
    std::string tag;
    auto operator<=>(const Origin&) const = default;
  };
  struct Source {
    Origin origin;
    std::vector<Interval> intervals;
    bool operator==(const Source&) const = default;
  };
  class Parser;

  void normalise();
  static bool covers(const std::vector<Interval>& whole, const std::vector<Interval>& part);

  std::vector<Source> sources_;  // sorted by origin; no source is without intervals
};

// How far a MariaDB server has come in each replication domain. Within a domain the order is total,
// so the sequence number alone decides; the server id only says who wrote it.
class MariaPosition {
 public:
  static std::optional<MariaPosition> parse(std::string_view text);

  // A primary's position from its two variables. gtid_binlog_pos knows which domains the replicas
  // will hear of; gtid_current_pos may be further in one of them when the server was promoted
  // without having logged what it had replicated before.
  static MariaPosition of_primary(const MariaPosition& binlog, const MariaPosition& current);

  // True when this position is at or after `part` in every domain that `part` names.
  bool contains(const MariaPosition& part) const;
  bool empty() const { return domains_.empty(); }
  std::string to_string() const;
  bool operator==(const MariaPosition&) const = default;

 private:
  struct Domain {
    std::uint32_t domain = 0;
    std::uint32_t server = 0;
    std::uint64_t sequence = 0;
    bool operator==(const Domain&) const = default;
  };
  const Domain* find(std::uint32_t domain) const;

  std::vector<Domain> domains_;  // sorted by domain, one entry each
};

using GtidPosition = std::variant<GtidSet, MariaPosition>;

// Positions of different flavours say nothing about each other.
bool comparable(const GtidPosition& a, const GtidPosition& b);

// False also when the two cannot be compared: what is not proven is not contained.
bool contains(const GtidPosition& whole, const GtidPosition& part);

// A server that has lost part of its history (a reset, a restore, a crash that lost commits).
bool went_backwards(const GtidPosition& before, const GtidPosition& now);

std::string to_string(const GtidPosition& position);

}  // namespace weir
