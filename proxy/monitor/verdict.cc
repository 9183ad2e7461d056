#include "proxy/monitor/verdict.h"

#include <algorithm>

#include <fmt/format.h>

#include "proxy/monitor/heartbeat.h"

namespace weir {
namespace {

// So many answers in a row may tell of another group than the primary's.
constexpr unsigned kApart = 2;

Verdict bad(Health health, std::string why) {
  return {Verdict::Kind::bad, health, std::move(why), std::nullopt, std::nullopt};
}

std::string because(const std::string& error) {
  return error.empty() ? "" : ": " + error;
}

std::string channel_name(const Channel& channel) {
  return channel.name.empty() ? "" : fmt::format(" of channel '{}'", channel.name);
}

// A channel on which replication was stopped, or stopped itself. A receiver that is still trying to
// reach its source is not stopped: how old the data is tells whether that matters.
std::optional<std::string> stopped(const std::vector<Channel>& channels) {
  for (const Channel& channel : channels) {
    if (channel.applier == ThreadState::stopped) {
      return fmt::format("the SQL thread{} is stopped{}", channel_name(channel),
                         because(channel.applier_error));
    }
    if (channel.receiver == ThreadState::stopped) {
      return fmt::format("the IO thread{} is stopped{}", channel_name(channel),
                         because(channel.receiver_error));
    }
  }
  return std::nullopt;
}

// The worst of the server's own figures; nothing when one channel does not know.
std::optional<std::uint32_t> seconds_behind(const std::vector<Channel>& channels) {
  std::optional<std::uint32_t> worst;
  for (const Channel& channel : channels) {
    if (!channel.seconds_behind) return std::nullopt;
    worst = std::max(worst.value_or(0), *channel.seconds_behind);
  }
  return worst;
}

Verdict judge_by_samples(const ReplicaCase& c, const LagReading& reading) {
  const Probe& probe = c.probes[c.server];
  const Milliseconds max_lag = c.config.monitor.max_lag;
  Verdict verdict;
  verdict.fresh_until = reading.fresh_until;
  if (reading.kind == LagReading::Kind::unknown) {
    verdict.why = "not compared with the primary yet";
    return verdict;
  }
  if (reading.kind == LagReading::Kind::at_least) {
    const auto seconds = seconds_behind(probe.channels);
    return bad(Health::lagging,
               fmt::format(
                   "behind by at least {} ms: it has nothing yet of what the primary had when weir "
                   "first asked{}",
                   reading.at_least.count(),
                   seconds ? fmt::format(" (the server itself says {} s)", *seconds) : ""));
  }
  verdict.lag = reading.lag;
  if (reading.lag <= max_lag) {
    verdict.kind = Verdict::Kind::good;
  } else if (reading.gap && reading.at_least <= max_lag) {
    verdict.why = "no samples were taken for a while: lag is not known closely";
  } else {
    verdict.kind = Verdict::Kind::bad;
    verdict.health = Health::lagging;
    verdict.why =
        fmt::format("lag of {} ms is above max_lag ({} ms)", reading.lag.count(), max_lag.count());
  }
  return verdict;
}

// The server's own word, in whole seconds, taken at its worst. It counts from what the replica has
// fetched, so one that fetches late says 0: good enough to tell the age of its data where nothing
// better is known, and never to replace what is known for certain.
Verdict judge_by_seconds(const ReplicaCase& c) {
  const Probe& probe = c.probes[c.server];
  if (!probe.hidden_replication.empty()) {
    return bad(Health::stalled, "lag is unknown: GTIDs are off and replication status is hidden");
  }
  const auto seconds = seconds_behind(probe.channels);
  if (!seconds) {
    if (!c.election.primary) return {};  // nobody to connect to: it gets no older than it is
    return bad(Health::stalled, "lag is unknown: the server says NULL seconds behind its source");
  }
  Verdict verdict;
  verdict.lag = std::chrono::duration_cast<Milliseconds>(std::chrono::seconds(*seconds + 1LL));
  const bool knows_better = !c.meter.empty() || (c.beats != nullptr && !c.beats->empty());
  if (!knows_better) verdict.fresh_until = probe.when.sent - *verdict.lag;
  if (*verdict.lag <= c.config.monitor.max_lag) {
    verdict.kind = Verdict::Kind::good;
    return verdict;
  }
  verdict.kind = Verdict::Kind::bad;
  verdict.health = Health::lagging;
  verdict.why = fmt::format(
      "lag of up to {} s is above max_lag ({} ms); without GTIDs lag is known in whole seconds "
      "only",
      *seconds + 1LL, c.config.monitor.max_lag.count());
  return verdict;
}

bool is_configured(const ReplicaCase& c, const Channel& channel) {
  for (std::size_t i = 0; i < c.probes.size(); ++i) {
    const Endpoint& address = c.config.servers[i].address;
    if (address.host == channel.source_host && address.port == channel.source_port) return true;
    // Names and addresses of one server differ between machines; ids do not.
    if (channel.source_id != 0 && channel.source_id == c.probes[i].server_id) return true;
    // Not heard of yet: it may be the one.
    if (c.probes[i].server_id == 0) return true;
  }
  return false;
}

// What speaks against a replica that follows a source, apart from how old its data is.
std::optional<Verdict> judge_replication(const ReplicaCase& c) {
  const Probe& probe = c.probes[c.server];
  if (c.election.roles[c.server] == Role::unknown) {
    const bool all_asked = std::none_of(c.probes.begin(), c.probes.end(), [](const Probe& other) {
      return other.outcome == Probe::Outcome::none;
    });
    Verdict early;
    early.why = "writable; not all servers were asked yet";
    if (!all_asked) return early;
    return bad(Health::stalled, "writable, but not the only one");
  }
  if (probe.hidden_replication.empty() && probe.channels.empty()) {
    return bad(Health::stalled, fmt::format("is {} and follows nobody",
                                            probe.read_only ? "read_only" : "a replica"));
  }
  if (c.config.servers[c.server].origin == Origin::discovered) {
    for (const Channel& channel : probe.channels) {
      if (channel.filter.empty()) continue;
      return bad(Health::stalled,
                 fmt::format("may lack data ({}): such a replica is read from only when it is "
                             "listed in the configuration",
                             channel.filter));
    }
  }
  // With no primary there is nothing to follow (and a failover tool may have stopped the threads
  // while it chooses one): what the replica has shown to contain still holds.
  const auto stop = stopped(probe.channels);
  if (stop && c.election.primary) return bad(Health::stalled, *stop);
  return std::nullopt;
}

// The same for a member of a group, whose members settle among themselves who is part of it.
std::optional<Verdict> judge_membership(const Membership& member, unsigned apart) {
  switch (member.state) {
    case Membership::State::in:
      break;
    case Membership::State::recovering:
      return bad(Health::recovering, member.why);
    case Membership::State::lent:
    case Membership::State::out:
      return bad(Health::stalled, member.why);
  }
  // While somebody joins or leaves, the members hear of it one after the other.
  if (apart > kApart) return bad(Health::stalled, "is in another group than the primary");
  return std::nullopt;
}

}  // namespace

std::optional<Verdict> judge_silence(const Probe& probe) {
  switch (probe.outcome) {
    case Probe::Outcome::answered:
      return std::nullopt;
    case Probe::Outcome::none:
      return Verdict{Verdict::Kind::undecided, Health::unknown, "not asked yet", {}, {}};
    case Probe::Outcome::denied:
      return bad(Health::denied, "refuses the monitor's account: " + probe.error);
    case Probe::Outcome::refused:
      return bad(Health::unknown, "cannot be questioned: " + probe.error);
    case Probe::Outcome::failed:
      break;
  }
  return bad(Health::down, probe.error);
}

Verdict judge_replica(const ReplicaCase& c) {
  const Probe& probe = c.probes[c.server];
  if (auto silence = judge_silence(probe)) return *silence;
  if (probe.membership) {
    if (auto outside = judge_membership(*probe.membership, c.apart)) return *outside;
  } else if (auto unfit = judge_replication(c)) {
    return *unfit;
  }
  if (probe.as_replica && c.before != nullptr && went_backwards(*c.before, *probe.as_replica)) {
    return bad(Health::stalled, "its position went backwards (a reset or a restore?)");
  }
  if (probe.as_replica && c.meter.holds_lost(*probe.as_replica)) {
    return bad(Health::stalled,
               "has transactions that the primary has lost; rebuild it from the primary");
  }
  if (!c.meter.empty() && probe.as_replica && comparable(*c.meter.newest(), *probe.as_replica)) {
    return judge_by_samples(c, c.meter.read(*probe.as_replica, probe.when));
  }
  if (c.beats != nullptr && !c.beats->empty() && probe.read) {
    if (const auto position = beat_position(probe.read->count)) {
      return judge_by_samples(c, c.beats->read(*position, probe.read->when));
    }
  }
  if (c.election.primary && c.probes[*c.election.primary].outcome == Probe::Outcome::answered) {
    return judge_by_seconds(c);
  }
  Verdict verdict;
  verdict.why = "not compared with a primary: none has been seen";
  return verdict;
}

bool is_apart(const Probe& member, const Probe& primary) {
  return member.membership && primary.membership &&
         member.membership->view != primary.membership->view;
}

std::string replica_notes(const ReplicaCase& c) {
  const Probe& probe = c.probes[c.server];
  std::vector<std::string> notes;
  if (!probe.hidden_replication.empty()) notes.push_back(probe.hidden_replication);
  if (!probe.read_only && !probe.membership) notes.push_back("it is writable");
  for (const Channel& channel : probe.channels) {
    if (!is_configured(c, channel)) {
      notes.push_back(fmt::format("follows {}:{}, which is not in the configuration",
                                  channel.source_host, channel.source_port));
    }
    if (channel.receiver == ThreadState::connecting) {
      notes.push_back(fmt::format("the IO thread{} cannot reach its source{}",
                                  channel_name(channel), because(channel.receiver_error)));
    }
    if (channel.delay > 0) {
      notes.push_back(fmt::format("kept {} s behind by its own configuration", channel.delay));
    }
  }
  return fmt::format("{}", fmt::join(notes, "; "));
}

}  // namespace weir
