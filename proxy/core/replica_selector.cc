#include "proxy/core/replica_selector.h"

#include <algorithm>

namespace weir {
namespace {

// Another zone is better than one's own when that has more than twice as much to do, and this much
// more.
constexpr std::uint64_t kZoneSlack = 8;

class Selection {
 public:
  Selection(const Topology& topology, const ReadNeeds& needs, const Balancing& balancing,
            std::span<const ServerWork> work, std::uint64_t random)
      : topology_(topology), needs_(needs), balancing_(balancing), work_(work), random_(random) {}

  std::optional<std::size_t> choose() const {
    const auto preferred = needs_.preferred;
    if (preferred && takes_part(*preferred, Place::anywhere, false)) return preferred;
    if (const auto trial = find_trial()) return trial;
    const auto near = choose_in(Place::same_zone, false);
    const auto far = balancing_.zone.empty() ? std::nullopt : choose_in(Place::other_zone, false);
    if (near && far) return overloaded(*near, *far) ? far : near;
    if (near || far) return near ? near : far;
    if (!needs_.only_replicas && could_leave()) return std::nullopt;
    return choose_in(Place::anywhere, true);
  }

 private:
  enum class Place : std::uint8_t { same_zone, other_zone, anywhere };

  const ServerState& server(std::size_t i) const { return topology_.servers[i]; }
  ServerWork work(std::size_t i) const { return i < work_.size() ? work_[i] : ServerWork{}; }
  std::uint64_t weight(std::size_t i) const { return server(i).weight; }
  bool wanted(std::size_t i) const {
    if (needs_.avoid == i || (needs_.only && needs_.only != i)) return false;
    return qualifies(server(i), needs_);
  }
  bool eligible(std::size_t i) const {
    if (!wanted(i)) return false;
    if (is_full(i)) return false;
    if (!needs_.seen_on) return true;
    const auto least = needs_.seen_on == i ? needs_.seen_until : needs_.seen_at;
    return !least || (server(i).fresh_until.has_value() && *server(i).fresh_until >= *least);
  }
  bool is_full(std::size_t i) const {
    return i < work_.size() && work_[i].full && !needs_.takes_full && needs_.admitted != i;
  }
  bool is_near(std::size_t i) const {
    return balancing_.zone.empty() || server(i).zone == balancing_.zone;
  }
  bool takes_part(std::size_t i, Place place, bool outliers) const {
    if (place != Place::anywhere && is_near(i) != (place == Place::same_zone)) return false;
    return (outliers || !work(i).outlier) && eligible(i);
  }

  // Somebody else than an outlier will be able to answer as soon as weir knows it to be as fresh as
  // the replica before.
  bool could_leave() const {
    for (std::size_t i = 0; i < topology_.servers.size(); ++i) {
      if (!work(i).outlier && wanted(i)) return true;
    }
    return false;
  }

  std::optional<std::size_t> find_trial() const {
    for (std::size_t i = 0; i < work_.size() && i < topology_.servers.size(); ++i) {
      if (work_[i].trial && eligible(i)) return i;
    }
    return std::nullopt;
  }

  std::optional<std::size_t> choose_in(Place place, bool outliers) const {
    std::uint64_t units = 0;
    std::size_t count = 0;
    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < topology_.servers.size(); ++i) {
      if (!takes_part(i, place, outliers)) continue;
      if (!first) first = i;
      if (weight(i) > 0) ++count;
      units += weight(i);
    }
    // Servers of weight 0 serve only when nobody else can.
    if (!first || units == 0) return first;
    const std::size_t a = draw(place, outliers, (random_ & 0xffffffff) % units, std::nullopt);
    if (balancing_.balance == Balance::weighted || count < 2) return a;
    const std::uint64_t others = units - weight(a);
    const std::size_t b = draw(place, outliers, (random_ >> 32) % others, a);
    return better(b, a) ? b : a;
  }

  // Where the n-th unit of weight falls among the servers that take part, without one of them.
  std::size_t draw(Place place, bool outliers, std::uint64_t unit,
                   std::optional<std::size_t> without) const {
    std::size_t last = 0;
    for (std::size_t i = 0; i < topology_.servers.size(); ++i) {
      if (without == i || !takes_part(i, place, outliers)) continue;
      last = i;
      if (unit < weight(i)) return i;
      unit -= weight(i);
    }
    return last;
  }

  // True when `a` is to be preferred to `b`.
  bool better(std::size_t a, std::size_t b) const {
    const ServerWork of_a = work(a);
    const ServerWork of_b = work(b);
    if (balancing_.balance == Balance::fastest) {
      const auto score = [&](const ServerWork& one, std::size_t i) {
        return one.latency.microseconds() * static_cast<double>(load(one) + 1) /
               static_cast<double>(weight(i));
      };
      return score(of_a, a) < score(of_b, b);
    }
    return load(of_a) * weight(b) < load(of_b) * weight(a);
  }

  bool overloaded(std::size_t near, std::size_t far) const {
    return load(work(near)) > 2 * load(work(far)) + kZoneSlack;
  }
  static std::uint64_t load(const ServerWork& one) {
    return std::uint64_t{one.outstanding} + one.queued;
  }

  const Topology& topology_;
  const ReadNeeds& needs_;
  const Balancing& balancing_;
  const std::span<const ServerWork> work_;
  const std::uint64_t random_;
};

}  // namespace

bool qualifies(const ServerState& server, const ReadNeeds& needs) {
  const bool usable = needs.max_lag
                          ? server.role == Role::replica && server.lag.has_value() &&
                                *server.lag <= *needs.max_lag &&
                                (server.health == Health::up || server.health == Health::lagging)
                          : server.serves_reads();
  if (!usable) return false;
  if (needs.fresh_after == TimePoint{}) return true;
  return server.fresh_until.has_value() && *server.fresh_until >= needs.fresh_after;
}

bool is_primarys_turn(const Topology& topology, const ReadNeeds& needs, std::uint64_t random) {
  if (!topology.primary) return false;
  const std::uint64_t own = topology.servers[*topology.primary].weight;
  std::uint64_t units = own;
  for (std::size_t i = 0; i < topology.servers.size(); ++i) {
    if (needs.avoid != i && qualifies(topology.servers[i], needs))
      units += topology.servers[i].weight;
  }
  return units > 0 && random % units < own;
}

std::optional<std::size_t> select_replica(const Topology& topology, const ReadNeeds& needs,
                                          const Balancing& balancing,
                                          std::span<const ServerWork> work, std::uint64_t random) {
  return Selection(topology, needs, balancing, work, random).choose();
}

}  // namespace weir
