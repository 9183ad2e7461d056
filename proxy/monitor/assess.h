// Judges what the probes found: roles, lag, health with hysteresis, the next Topology. No I/O and
// no clock of its own: the same probes at the same instants give the same beliefs.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/monitor/lag_meter.h"
#include "proxy/monitor/monitor_event.h"
#include "proxy/monitor/probe.h"
#include "proxy/monitor/verdict.h"

namespace weir {

struct Assessment {
  Topology topology;
  std::vector<MonitorEvent> events;
};

// Holds what has to be remembered between assessments. Not safe for use from several threads at
// once.
class Assessor {
 public:
  explicit Assessor(std::shared_ptr<const Config> config);

  // From now on there are further servers: those known so far stay where they are.
  void know(std::shared_ptr<const Config> config);

  // `probes` has one entry per server, in that order: the latest attempt that ended. While
  // `searching`, servers may be found that claim to be the primary: until there has been one, none
  // is chosen.
  Assessment assess(std::vector<Probe> probes, TimePoint now, bool searching = false);

 private:
  struct Memory {
    std::uint64_t sequence = 0;  // of the probe judged last
    Milliseconds unheard{0};     // how long there was no newer probe, pauses of weir left out
    bool up = false;
    bool judged = false;                  // has been found good or bad at least once
    unsigned good = 0;                    // good samples in a row while not up
    std::optional<TimePoint> back_since;  // up again since then; nothing: up from the beginning
    Role role = Role::unknown;
    PositionPtr position;  // as a replica, at the last answer
    unsigned apart = 0;    // answers in a row that told of another group than the primary's
    std::optional<std::chrono::microseconds> latency;
    // What was last told to people.
    Health told_health = Health::unknown;
    Role told_role = Role::unknown;
    std::string told_note;
  };

  Election choose(const std::vector<Probe>& probes, TimePoint now, bool searching);
  void silence_left(std::vector<Probe>& probes) const;
  void silence_overdue(std::vector<Probe>& probes, TimePoint now);
  std::optional<LastWriter> last_writer(TimePoint now) const;
  void remember_writer(const Election& election, const std::vector<Probe>& probes, TimePoint now);
  void sample_primary(const Election& election, const std::vector<Probe>& probes);
  void sample_beat(const Election& election, const std::vector<Probe>& probes);
  ServerState judge(std::size_t server, const Election& election, const std::vector<Probe>& probes);
  static void measure(Memory& memory, const Probe& probe);
  void settle(Memory& memory, const Verdict& verdict, bool new_sample, ServerState& state) const;
  void start_slowly(const Memory& memory, ServerState& state) const;
  void learn_greeting(const Election& election, const std::vector<Probe>& probes);
  void tell(Memory& memory, const ServerState& state, const std::string& note, bool heard,
            std::vector<MonitorEvent>& events) const;
  void tell_primary(const Election& election, const std::vector<Probe>& probes,
                    std::vector<MonitorEvent>& events);

  std::shared_ptr<const Config> config_;
  LagMeter meter_;
  LagMeter beats_;  // of the heartbeat
  std::vector<Memory> memory_;
  std::vector<std::string> notes_;  // of the servers, from the judgement under way
  std::uint64_t version_ = 0;
  std::uint64_t sampled_ = 0;  // sequence of the primary's probe sampled last
  std::uint64_t last_beat_ = 0;
  std::optional<std::size_t> sampled_from_;
  std::optional<TimePoint> last_;
  std::optional<LastWriter> writer_;  // the member of a group that was the primary last
  TimePoint writer_heard_{};
  bool primary_rewound_ = false;
  bool greeting_from_primary_ = false;
  std::string greeting_version_;
  std::uint16_t default_collation_ = 0;
  protocol::Capabilities capabilities_ = 0;
  bool had_primary_ = false;
  std::optional<std::size_t> told_primary_;
  std::string told_no_primary_;
};

}  // namespace weir
