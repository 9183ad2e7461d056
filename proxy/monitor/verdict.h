// Whether one replica, by its latest answer alone, is good enough to read from. What it was before
// (hysteresis) is the assessor's business.

#pragma once

#include <string>

#include "proxy/monitor/probe.h"
#include "proxy/monitor/roles.h"

namespace weir {

struct Verdict {
  enum class Kind : std::uint8_t {
    good,
    bad,
    undecided,  // nothing speaks against it, nothing proves it: whatever it was, it stays
  };
  Kind kind = Kind::undecided;
  Health health = Health::unknown;  // when bad
  std::string why;
  std::optional<Milliseconds> lag;
  std::optional<TimePoint> fresh_until;
};

// What a replica's answer is held against.
struct ReplicaCase {
  const Config& config;
  const Election& election;
  const std::vector<Probe>& probes;  // of all servers
  const LagMeter& meter;
  std::size_t server = 0;  // the one to judge
  const GtidPosition* before =
      nullptr;  // its position at the answer before, if that was another one
  // How many of its answers in a row told of another group than the primary's answers did.
  unsigned apart = 0;
  const LagMeter* beats = nullptr;  // of the heartbeat; null: there is none
};

// For a server of any role that did not answer; nothing when it did.
std::optional<Verdict> judge_silence(const Probe& probe);

Verdict judge_replica(const ReplicaCase& c);

// True when both are members of a group, but do not see the same one.
bool is_apart(const Probe& member, const Probe& primary);

// Peculiarities worth knowing that do not decide anything. Contains no figures that change all the
// time.
std::string replica_notes(const ReplicaCase& c);

}  // namespace weir
