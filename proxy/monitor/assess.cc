#include "proxy/monitor/assess.h"

#include <algorithm>

#include <fmt/format.h>

#include "proxy/monitor/heartbeat.h"
#include "proxy/monitor/probe_query.h"
#include "proxy/monitor/topology_text.h"

namespace weir {
namespace {

constexpr Milliseconds kLeastMemory{60000};

// Between the end of one probe and the next there is at most the longest pause of the retry
// schedule.
constexpr Milliseconds kLongestRetryPause{1000};

// A group takes some seconds to give up a member that is silent. If it has not by then, it goes on
// with it, and only weir does not reach it.
constexpr Milliseconds kGroupNotices{15000};

Milliseconds lag_memory(const MonitorConfig& config) {
  return std::max<Milliseconds>(4 * config.max_lag, kLeastMemory);
}

Milliseconds usual_gap(const MonitorConfig& config) {
  return 2 * config.interval + config.timeout;
}

std::string both(const std::string& why, const std::string& note) {
  return why.empty() || note.empty() ? why + note : why + "; " + note;
}

// What is written there can be named to a replica, which then waits for it.
bool has_positions(const Probe& primary) {
  if (primary.outcome != Probe::Outcome::answered) return true;  // not known to lack them
  if (primary.flavor == Flavor::mariadb && primary.membership) return false;
  return primary.as_primary != nullptr;
}

}  // namespace

Assessor::Assessor(std::shared_ptr<const Config> config)
    : config_(std::move(config)),
      meter_(lag_memory(config_->monitor), usual_gap(config_->monitor)),
      beats_(lag_memory(config_->monitor), usual_gap(config_->monitor)),
      memory_(config_->servers.size()),
      notes_(config_->servers.size()) {}

void Assessor::know(std::shared_ptr<const Config> config) {
  config_ = std::move(config);
  memory_.resize(config_->servers.size());
  notes_.resize(config_->servers.size());
}

Assessment Assessor::assess(std::vector<Probe> probes, TimePoint now, bool searching) {
  silence_left(probes);
  silence_overdue(probes, now);
  const Election election = choose(probes, now, searching);
  remember_writer(election, probes, now);
  sample_primary(election, probes);
  sample_beat(election, probes);
  learn_greeting(election, probes);

  Assessment result;
  Topology& topology = result.topology;
  topology.version = ++version_;
  topology.primary = election.primary;
  topology.no_primary_why = election.no_primary_why;
  topology.greeting_version = greeting_version_;
  topology.default_collation = default_collation_;
  topology.capabilities = capabilities_;
  topology.replicas_wait = !election.primary || has_positions(probes[*election.primary]);
  tell_primary(election, probes, result.events);
  for (std::size_t i = 0; i < probes.size(); ++i) {
    topology.servers.push_back(judge(i, election, probes));
    const bool heard =
        probes[i].outcome != Probe::Outcome::none && topology.servers.back().origin != Origin::left;
    tell(memory_[i], topology.servers.back(), notes_[i], heard, result.events);
  }
  return result;
}

Election Assessor::choose(const std::vector<Probe>& probes, TimePoint now, bool searching) {
  std::vector<Role> last_roles;
  for (const Memory& memory : memory_) last_roles.push_back(memory.role);
  Election election = elect(*config_, probes, last_roles, last_writer(now));
  if (election.primary && searching && !had_primary_) {
    election.roles[*election.primary] = Role::unknown;
    election.primary.reset();
    election.no_primary_why = "servers that others name are being looked at";
  }
  had_primary_ = had_primary_ || election.primary;
  return election;
}

// Nobody waits for an answer of who has left.
void Assessor::silence_left(std::vector<Probe>& probes) const {
  for (std::size_t i = 0; i < probes.size(); ++i) {
    if (config_->servers[i].origin != Origin::left) continue;
    probes[i] = Probe{};
    probes[i].outcome = Probe::Outcome::failed;
    probes[i].error = "has left";
  }
}

// A prober that hangs where no timeout reaches (name resolution) must not keep its server alive by
// its last answer. Time is counted in steps of at most one interval, so that a pause of weir itself
// (SIGSTOP, a frozen machine) passes for nothing.
void Assessor::silence_overdue(std::vector<Probe>& probes, TimePoint now) {
  const MonitorConfig& monitor = config_->monitor;
  const Milliseconds step =
      last_ ? std::min(std::chrono::duration_cast<Milliseconds>(now - *last_), monitor.interval)
            : Milliseconds{0};
  last_ = now;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    Memory& memory = memory_[i];
    memory.unheard =
        probes[i].sequence == memory.sequence ? memory.unheard + step : Milliseconds{0};
    if (probes[i].outcome != Probe::Outcome::answered) continue;
    if (memory.unheard > monitor.timeout + 2 * monitor.interval + kLongestRetryPause) {
      probes[i].outcome = Probe::Outcome::failed;
      probes[i].error = "the probe itself does not come back (name resolution?)";
    }
  }
}

std::optional<LastWriter> Assessor::last_writer(TimePoint now) const {
  std::optional<LastWriter> writer = writer_;
  if (writer && now - writer_heard_ > kGroupNotices) writer->view.clear();
  return writer;
}

void Assessor::remember_writer(const Election& election, const std::vector<Probe>& probes,
                               TimePoint now) {
  if (!election.primary) return;
  const Probe& probe = probes[*election.primary];
  if (probe.outcome != Probe::Outcome::answered) return;
  writer_.reset();
  if (!probe.membership) return;
  writer_ = LastWriter{*election.primary, probe.membership->view};
  writer_heard_ = now;
}

void Assessor::sample_primary(const Election& election, const std::vector<Probe>& probes) {
  if (!election.primary) return;
  const Probe& probe = probes[*election.primary];
  if (probe.outcome != Probe::Outcome::answered || !probe.as_primary) return;
  if (sampled_from_ == election.primary && sampled_ == probe.sequence) return;
  sampled_from_ = election.primary;
  sampled_ = probe.sequence;
  // A new primary continues the old one's history: samples that it contains stay good, others are
  // gone with the transactions that were lost.
  primary_rewound_ = !meter_.add(probe.when, probe.as_primary);
}

// Counts only grow, whichever server they are written to.
void Assessor::sample_beat(const Election& election, const std::vector<Probe>& probes) {
  if (!election.primary) return;
  const auto& beat = probes[*election.primary].written;
  if (!beat || beat->count <= last_beat_) return;
  last_beat_ = beat->count;
  if (auto position = beat_position(beat->count)) beats_.add(beat->when, std::move(position));
}

ServerState Assessor::judge(std::size_t server, const Election& election,
                            const std::vector<Probe>& probes) {
  const Probe& probe = probes[server];
  Memory& memory = memory_[server];
  const bool new_sample = probe.sequence != memory.sequence;

  ServerState state = unasked(config_->servers[server]);
  if (state.origin == Origin::left) {
    memory = Memory{};  // should it come back
    notes_[server].clear();
    state.health = Health::down;
    state.why = "is no part of the topology any more";
    return state;
  }
  state.role = election.roles[server];
  state.version = probe.version;
  state.flavor = probe.flavor;
  state.server_id = probe.server_id;

  if (new_sample) measure(memory, probe);
  state.latency = memory.latency;
  state.position = state.role == Role::primary ? probe.as_primary : probe.as_replica;

  notes_[server].clear();
  if (state.role == Role::primary) {
    const auto silence = judge_silence(probe);
    state.health = !silence ? Health::up : silence->health;
    state.why = silence ? silence->why : "";
    if (!silence && probe.read_only) notes_[server] = "is read_only, but configured as the primary";
    // When it becomes a replica, it has to prove itself like one that comes back.
    memory.up = false;
    memory.judged = true;
    memory.good = 0;
  } else {
    ReplicaCase c{*config_, election, probes, meter_, server, nullptr, 0, &beats_};
    if (new_sample) {
      c.before = memory.position.get();
      const bool apart = election.primary && is_apart(probe, probes[*election.primary]);
      memory.apart = apart ? memory.apart + 1 : 0;
    }
    c.apart = memory.apart;
    const Verdict verdict = judge_replica(c);
    if (probe.outcome == Probe::Outcome::answered) notes_[server] = replica_notes(c);
    settle(memory, verdict, new_sample, state);
  }
  if (probe.followers != nullptr) {
    notes_[server] = both(notes_[server], probe.followers->hidden);
  }
  notes_[server] = both(notes_[server], probe.beat_trouble);
  state.why = both(state.why, notes_[server]);
  memory.role = state.role;
  memory.sequence = probe.sequence;
  if (probe.as_replica) memory.position = probe.as_replica;
  return state;
}

// Smoothed, so that one slow answer among many does not make a server look far away.
void Assessor::measure(Memory& memory, const Probe& probe) {
  constexpr int kSteps = 5;  // the newest answer counts for a fifth
  if (probe.outcome != Probe::Outcome::answered) return memory.latency.reset();
  const auto taken =
      std::chrono::duration_cast<std::chrono::microseconds>(probe.when.answered - probe.when.sent);
  memory.latency = memory.latency ? *memory.latency + (taken - *memory.latency) / kSteps : taken;
}

void Assessor::settle(Memory& memory, const Verdict& verdict, bool new_sample,
                      ServerState& state) const {
  state.lag = verdict.lag;
  state.fresh_until = verdict.fresh_until;
  state.why = verdict.why;
  if (verdict.kind == Verdict::Kind::bad) {
    memory.up = false;
    memory.good = 0;
    state.health = verdict.health;
  } else if (memory.up) {
    state.health = Health::up;
  } else if (verdict.kind == Verdict::Kind::undecided) {
    state.health = memory.judged ? Health::recovering : Health::unknown;
  } else {
    if (new_sample) ++memory.good;
    memory.up = !memory.judged || memory.good >= config_->monitor.recover_after;
    memory.back_since = memory.up && memory.judged ? last_ : std::nullopt;
    state.health = memory.up ? Health::up : Health::recovering;
    if (!memory.up) {
      state.why =
          fmt::format("good again, sample {} of {}", memory.good, config_->monitor.recover_after);
    }
  }
  if (verdict.kind != Verdict::Kind::undecided) memory.judged = true;
  if (state.health == Health::up) start_slowly(memory, state);
}

// A replica that comes back has cold caches: its share of the reads grows with time.
void Assessor::start_slowly(const Memory& memory, ServerState& state) const {
  const Milliseconds whole = config_->routing.slow_start;
  if (!memory.back_since || state.weight == 0) return;
  const auto since = std::chrono::duration_cast<Milliseconds>(*last_ - *memory.back_since);
  if (since >= whole) return;
  const auto share = static_cast<unsigned>(state.weight * since.count() / whole.count());
  state.weight = std::max(share, 1u);
}

void Assessor::learn_greeting(const Election& election, const std::vector<Probe>& probes) {
  const auto learn = [this](const Probe& probe) {
    greeting_version_ = greeting_version(probe.flavor, probe.version);
    default_collation_ = probe.default_collation;
    capabilities_ = probe.capabilities;
  };
  if (election.primary && probes[*election.primary].outcome == Probe::Outcome::answered) {
    learn(probes[*election.primary]);
    greeting_from_primary_ = true;
  }
  if (greeting_from_primary_ || !greeting_version_.empty()) return;
  const auto any = std::find_if(probes.begin(), probes.end(), [](const Probe& probe) {
    return probe.outcome == Probe::Outcome::answered;
  });
  if (any != probes.end()) learn(*any);
}

void Assessor::tell(Memory& memory, const ServerState& state, const std::string& note, bool heard,
                    std::vector<MonitorEvent>& events) const {
  // A server that merely waits for its first comparison is no news.
  if (!heard || (state.health == Health::unknown && !memory.judged)) return;
  if (state.health == memory.told_health && state.role == memory.told_role &&
      note == memory.told_note) {
    return;
  }
  memory.told_health = state.health;
  memory.told_role = state.role;
  memory.told_note = note;
  const bool fine = state.health == Health::up || state.health == Health::recovering;
  events.push_back({!fine || !note.empty(),
                    fmt::format("server {} ({}): {}, {}{}", state.name, state.address.to_string(),
                                to_string(state.role), to_string(state.health),
                                state.why.empty() ? "" : ": " + state.why)});
}

void Assessor::tell_primary(const Election& election, const std::vector<Probe>& probes,
                            std::vector<MonitorEvent>& events) {
  if (primary_rewound_) {
    primary_rewound_ = false;
    events.push_back(
        {true, fmt::format("the primary {} has lost transactions that the primary had before "
                           "(a failover, a reset or a restore?)",
                           config_->servers[*election.primary].name)});
  }
  const bool asked = std::none_of(probes.begin(), probes.end(), [](const Probe& probe) {
    return probe.outcome == Probe::Outcome::none;
  });
  if (election.primary) {
    if (told_primary_ != election.primary) {
      events.push_back(
          {false, fmt::format("the primary is {} ({})", config_->servers[*election.primary].name,
                              config_->servers[*election.primary].address.to_string())});
    }
    told_no_primary_.clear();
  } else if (asked && told_no_primary_ != election.no_primary_why) {
    told_no_primary_ = election.no_primary_why;
    events.push_back({true, "there is no primary: " + election.no_primary_why});
  }
  told_primary_ = election.primary;
}

}  // namespace weir
