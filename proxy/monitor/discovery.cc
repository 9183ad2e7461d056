#include "proxy/monitor/discovery.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "proxy/config/endpoint_text.h"

namespace weir {
namespace {

// Addresses that are being looked at, or wait for it.
constexpr std::size_t kMostCandidates = 64;
// In the life of a process, so that nobody can have weir knock on ever new doors.
constexpr std::size_t kMostAddresses = 1024;
constexpr Milliseconds kFirstPause{5000};
constexpr Milliseconds kLongestPause{300000};
constexpr Milliseconds kForget{300000};
constexpr TimePoint kUnderWay = TimePoint::max();

bool answered(const Probe& probe) {
  return probe.outcome == Probe::Outcome::answered;
}

// Puts addresses into one spelling, and refuses what is none.
std::optional<Endpoint> address_of(const std::string& host, std::uint16_t port) {
  if (port == 0) return std::nullopt;
  auto parsed = config::parse_endpoint(Endpoint{host, port, ""}.to_string(), port);
  if (!parsed.ok() || parsed.endpoint.is_unix()) return std::nullopt;
  return std::move(parsed.endpoint);
}

class Gathering {
 public:
  explicit Gathering(std::size_t by) { mention_.by = by; }

  // A replica that follows several servers does not tell which of them is the primary of this
  // topology, and what a writable server fetches from elsewhere is its own affair.
  void add_source(const Probe& probe) {
    if (!probe.read_only || probe.channels.size() != 1) return;
    const Channel& channel = probe.channels.front();
    if (channel.source_id == 0 && channel.source_uuid.empty()) return;
    mention_.uuid = channel.source_uuid;
    mention_.id = channel.source_id;
    add(Mention::Tie::source, channel.source_host, channel.source_port, false);
  }
  void add_replicas(const Followers& followers) {
    for (const Followers::Replica& replica : followers.replicas) {
      mention_.uuid = replica.uuid;
      mention_.id = replica.id;
      add(Mention::Tie::replica, replica.host, replica.port, false);
      for (const std::string& host : followers.hosts) {
        if (host != replica.host) add(Mention::Tie::replica, host, replica.port, true);
      }
    }
  }
  void add_members(const Membership& member) {
    for (const Membership::Peer& peer : member.peers) {
      mention_.uuid = peer.uuid;
      mention_.id = 0;
      add(Mention::Tie::member, peer.host, peer.port, false);
    }
  }
  std::vector<Mention> all;

 private:
  void add(Mention::Tie tie, const std::string& host, std::uint16_t port, bool guess) {
    auto address = address_of(host, port);
    if (!address) return;
    mention_.address = std::move(*address);
    mention_.tie = tie;
    mention_.guess = guess;
    all.push_back(mention_);
  }

  Mention mention_;
};

std::string_view word(Mention::Tie tie) {
  switch (tie) {
    case Mention::Tie::source:
      return "its source";
    case Mention::Tie::replica:
      return "its replica";
    case Mention::Tie::member:
      return "a member of its group";
  }
  return "?";
}

// Why an address is not what it was said to be; `found` has answered.
std::string disproved(const Mention& mention, const Probe& found) {
  if (mention.tie == Mention::Tie::replica && !found.hidden_replication.empty()) {
    return found.hidden_replication;
  }
  return "is not that";
}

}  // namespace

std::vector<Mention> mentions(const std::vector<Probe>& probes) {
  std::vector<Mention> all;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    if (!answered(probes[i])) continue;
    Gathering gathering(i);
    if (probes[i].membership) gathering.add_members(*probes[i].membership);
    gathering.add_source(probes[i]);
    if (probes[i].followers != nullptr) gathering.add_replicas(*probes[i].followers);
    std::move(gathering.all.begin(), gathering.all.end(), std::back_inserter(all));
  }
  return all;
}

bool is_proved(const Mention& mention, const Probe& found, const std::vector<Probe>& probes) {
  if (!answered(found) || !answered(probes[mention.by])) return false;
  const Probe& by = probes[mention.by];
  const auto follows_it = [](const Probe& replica, const Probe& source) {
    return std::any_of(replica.channels.begin(), replica.channels.end(),
                       [&](const Channel& channel) { return follows(channel, source); });
  };
  switch (mention.tie) {
    case Mention::Tie::source:
      return follows_it(by, found);
    case Mention::Tie::replica:
      return follows_it(found, by);
    case Mention::Tie::member:
      return found.membership && by.membership && found.membership->view == by.membership->view;
  }
  return false;
}

ServerConfig discovered_server(const Endpoint& address) {
  ServerConfig server;
  server.name = address.to_string();
  server.address = address;
  server.origin = Origin::discovered;
  return server;
}

Discovery::Discovery(const Config& config)
    : patience_(2 * config.monitor.timeout),
      listed_(config.servers.size()),
      servers_(config.servers),
      known_(config.servers.size()) {}

bool Discovery::hear(const std::vector<Probe>& probes, std::optional<std::size_t> primary,
                     TimePoint now, std::vector<MonitorEvent>& events) {
  remember(probes);
  const std::vector<bool> tied = find_tied(probes, primary);
  for (auto& [text, candidate] : candidates_) candidate.mentions.clear();
  for (const Mention& mention : mentions(probes)) {
    if (tied[mention.by]) note(mention, now, events);
  }
  std::erase_if(candidates_, [](const auto& entry) { return entry.second.mentions.empty(); });
  for (auto& [text, candidate] : candidates_) expect(candidate, now);
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (tied[i] && answered(probes[i])) known_[i].heard = now;
  }
  const bool dropped = drop_duplicates(events);
  return forget(now, events) || dropped;
}

void Discovery::remember(const std::vector<Probe>& probes) {
  for (std::size_t i = 0; i < probes.size(); ++i) {
    if (!answered(probes[i]) || !takes_part(i)) continue;
    known_[i].identity = probes[i].identity;
    known_[i].id = probes[i].server_id;
  }
}

// The servers that belong together with a listed one, or with the primary, by what they follow and
// which group they are in. A discovered one that was put to other uses belongs to them no more, and
// whom it names then is not looked for.
std::vector<bool> Discovery::find_tied(const std::vector<Probe>& probes,
                                       std::optional<std::size_t> primary) const {
  std::vector<bool> tied(servers_.size());
  for (std::size_t i = 0; i < tied.size(); ++i) {
    tied[i] = servers_[i].origin == Origin::listed || primary == i;
  }
  for (bool grown = true; grown;) {
    grown = false;
    for (std::size_t a = 0; a < tied.size(); ++a) {
      for (std::size_t b = 0; b < tied.size(); ++b) {
        if (tied[a] == tied[b] || !takes_part(a) || !takes_part(b)) continue;
        if (!belongs(probes[a], b) && !same_group(probes[a], probes[b])) continue;
        tied[a] = tied[b] = grown = true;
      }
    }
  }
  return tied;
}

bool Discovery::belongs(const Probe& replica, std::size_t source) const {
  const Known& known = known_[source];
  return answered(replica) &&
         std::any_of(replica.channels.begin(), replica.channels.end(), [&](const Channel& channel) {
           if (!channel.source_uuid.empty()) return channel.source_uuid == known.identity;
           return channel.source_id != 0 && channel.source_id == known.id;
         });
}

bool Discovery::same_group(const Probe& a, const Probe& b) {
  return answered(a) && answered(b) && a.membership && b.membership &&
         a.membership->view == b.membership->view;
}

void Discovery::note(const Mention& mention, TimePoint now, std::vector<MonitorEvent>& events) {
  if (const auto server = find(mention)) {
    known_[*server].heard = now;
    return;
  }
  const std::string text = mention.address.to_string();
  const auto found = candidates_.find(text);
  if (found != candidates_.end()) return found->second.mentions.push_back(mention);
  if (candidates_.size() >= kMostCandidates || addresses_ >= kMostAddresses) {
    tell_full(mention, events);
    return;
  }
  ++addresses_;
  candidates_[text] = Candidate{{mention}, now, now, 0, 0, {}};
}

// One that was looked at in vain is looked at again as soon as more servers name it: it may be
// theirs. Its former source names a replica for a while that has gone over to another one.
void Discovery::expect(Candidate& candidate, TimePoint now) {
  if (candidate.mentions.size() <= candidate.most_mentions) return;
  candidate.most_mentions = candidate.mentions.size();
  if (candidate.due != kUnderWay) candidate.due = std::min(candidate.due, now);
}

std::optional<std::size_t> Discovery::find(const Mention& mention) const {
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (!takes_part(i)) continue;
    if (mention.uuid.empty() ? mention.id != 0 && mention.id == known_[i].id
                             : mention.uuid == known_[i].identity) {
      return i;
    }
  }
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (takes_part(i) && servers_[i].address == mention.address) return i;
  }
  const auto alias = aliases_.find(mention.address.to_string());
  return alias != aliases_.end() ? find_identity(alias->second) : std::nullopt;
}

std::optional<std::size_t> Discovery::find_identity(const std::string& identity) const {
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (takes_part(i) && !identity.empty() && known_[i].identity == identity) return i;
  }
  return std::nullopt;
}

// One that is known under two addresses, of which the second answered first.
bool Discovery::drop_duplicates(std::vector<MonitorEvent>& events) {
  bool dropped = false;
  for (std::size_t i = listed_; i < servers_.size(); ++i) {
    if (!takes_part(i)) continue;
    const auto same = find_identity(known_[i].identity);
    if (!same || *same == i) continue;
    aliases_[servers_[i].address.to_string()] = known_[i].identity;
    events.push_back({false, fmt::format("server {} is {}: it is counted once from now on",
                                         servers_[i].name, servers_[*same].name)});
    leave(i);
    dropped = true;
  }
  return dropped;
}

bool Discovery::forget(TimePoint now, std::vector<MonitorEvent>& events) {
  bool forgotten = false;
  for (std::size_t i = listed_; i < servers_.size(); ++i) {
    if (!takes_part(i) || now - known_[i].heard < kForget) continue;
    events.push_back(
        {true, fmt::format("server {} has left: for {} s nobody has named it, nor has it answered "
                           "as a part of the topology",
                           servers_[i].name,
                           std::chrono::duration_cast<std::chrono::seconds>(kForget).count())});
    leave(i);
    forgotten = true;
  }
  return forgotten;
}

void Discovery::leave(std::size_t server) {
  servers_[server].origin = Origin::left;
  known_[server] = Known{};
}

std::optional<Endpoint> Discovery::next(TimePoint now) {
  Candidate* best = nullptr;
  for (auto& [text, candidate] : candidates_) {
    if (candidate.due > now) continue;
    const bool better = best == nullptr || candidate.looks < best->looks ||
                        (candidate.looks == best->looks && candidate.due < best->due);
    if (better) best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  best->due = kUnderWay;
  return best->mentions.front().address;
}

std::optional<std::size_t> Discovery::looked(const Endpoint& address, const Probe& found,
                                             const std::vector<Probe>& probes, TimePoint now,
                                             std::vector<MonitorEvent>& events) {
  const auto at = candidates_.find(address.to_string());
  if (at == candidates_.end()) return std::nullopt;  // nobody names it any more
  Candidate& candidate = at->second;
  const Mention first = candidate.mentions.front();
  if (!answered(found)) {
    in_vain(candidate, "cannot be questioned: " + found.error, now, events);
    return std::nullopt;
  }
  if (const auto same = find_identity(found.identity)) {
    events.push_back(
        {false, fmt::format("{}, which {} names as {}, is {}", address.to_string(),
                            servers_[first.by].name, word(first.tie), servers_[*same].name)});
    aliases_[address.to_string()] = found.identity;
    candidates_.erase(at);
    return std::nullopt;
  }
  const auto proof =
      std::find_if(candidate.mentions.begin(), candidate.mentions.end(),
                   [&](const Mention& mention) { return is_proved(mention, found, probes); });
  if (proof == candidate.mentions.end()) {
    in_vain(candidate, disproved(first, found), now, events);
    return std::nullopt;
  }
  const Mention mention = *proof;
  const auto server = join(address);
  if (!server) {
    in_vain(candidate, "finds no place", now, events);
    tell_full(mention, events);
    return std::nullopt;
  }
  known_[*server] = Known{found.identity, found.server_id, now};
  events.push_back({false, fmt::format("found server {}: {} names it as {}", servers_[*server].name,
                                       servers_[mention.by].name, word(mention.tie))});
  candidates_.erase(at);
  return server;
}

void Discovery::in_vain(Candidate& candidate, const std::string& why, TimePoint now,
                        std::vector<MonitorEvent>& events) {
  const unsigned doublings = std::min(candidate.looks, 10u);
  candidate.due = now + std::min(kFirstPause * (1u << doublings), kLongestPause);
  ++candidate.looks;
  const Mention& mention = candidate.mentions.front();
  if (mention.guess || candidate.told == why) return;
  candidate.told = why;
  events.push_back({true, fmt::format("{}, which {} names as {}, {}", mention.address.to_string(),
                                      servers_[mention.by].name, word(mention.tie), why)});
}

// Who comes back gets its old place.
std::optional<std::size_t> Discovery::join(const Endpoint& address) {
  for (std::size_t i = listed_; i < servers_.size(); ++i) {
    if (takes_part(i) || servers_[i].address != address) continue;
    servers_[i].origin = Origin::discovered;
    return i;
  }
  if (servers_.size() - listed_ >= kMostDiscovered) return std::nullopt;
  servers_.push_back(discovered_server(address));
  known_.emplace_back();
  return servers_.size() - 1;
}

void Discovery::tell_full(const Mention& mention, std::vector<MonitorEvent>& events) {
  if (std::exchange(told_full_, true)) return;
  events.push_back(
      {true,
       fmt::format("{}, which {} names as {}, is not looked for: {} discovered servers, {} "
                   "addresses at a time and {} in all are the limit until weir is restarted; said "
                   "once",
                   mention.address.to_string(), servers_[mention.by].name, word(mention.tie),
                   kMostDiscovered, kMostCandidates, kMostAddresses)});
}

bool Discovery::searching(TimePoint now) const {
  return std::any_of(candidates_.begin(), candidates_.end(), [&](const auto& entry) {
    return entry.second.looks == 0 && now - entry.second.since < patience_;
  });
}

}  // namespace weir
