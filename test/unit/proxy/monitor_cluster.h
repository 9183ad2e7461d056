// Three servers on paper, for tests of the assessor: a test edits their answers and lets time pass.

#pragma once

#include "proxy/monitor/assess.h"
#include "proxy/monitor/topology_text.h"
#include "test/support/catch.h"

namespace weir::test {

using namespace std::chrono_literals;

inline PositionPtr pos(unsigned long sequence) {
  return std::make_shared<const GtidPosition>(
      *MariaPosition::parse("0-1-" + std::to_string(sequence)));
}

// db1, db2, db3 with answers that a test edits; time only moves by tick().
struct Cluster {
  std::shared_ptr<Config> config = std::make_shared<Config>();
  std::vector<Probe> probes;
  TimePoint now = TimePoint{} + 1h;
  std::unique_ptr<Assessor> assessor;
  Assessment last;

  Cluster() {
    for (int i = 1; i <= 3; ++i) {
      ServerConfig server;
      server.name = "db" + std::to_string(i);
      server.address = {"10.0.0." + std::to_string(i), 3306, ""};
      config->servers.push_back(server);
    }
    probes.resize(3);
    primary(0);
    replica(1);
    replica(2);
  }

  void primary(std::size_t i) {
    Probe& p = answer(i);
    p.read_only = false;
    p.channels.clear();
  }
  void replica(std::size_t i, std::size_t of = 0) {
    Probe& p = answer(i);
    p.read_only = true;
    Channel channel;
    channel.source_host = config->servers[of].address.host;
    channel.source_port = 3306;
    channel.receiver = channel.applier = ThreadState::running;
    channel.seconds_behind = 0;
    p.channels = {channel};
  }
  Probe& answer(std::size_t i) {
    Probe& p = probes[i];
    p.outcome = Probe::Outcome::answered;
    p.error.clear();
    p.version = "10.11.6-MariaDB";
    p.flavor = Flavor::mariadb;
    p.server_id = static_cast<std::uint32_t>(i + 1);
    p.default_collation = 45;
    if (!p.as_primary) at(i, 1);
    return p;
  }
  void at(std::size_t i, unsigned long sequence) {
    probes[i].as_primary = probes[i].as_replica = pos(sequence);
  }
  void fail(std::size_t i, Probe::Outcome outcome, const std::string& error) {
    probes[i].outcome = outcome;
    probes[i].error = error;
  }
  // One interval passes, every server's attempt ends: the primary's a little before the replicas'.
  const Topology& tick(Milliseconds step = 250ms) {
    now += step;
    for (std::size_t i = 0; i < probes.size(); ++i) {
      if (probes[i].outcome == Probe::Outcome::none) continue;
      ++probes[i].sequence;
      const Milliseconds start = probes[i].read_only ? -5ms : -10ms;
      probes[i].when = {now + start, now + start + 2ms};
    }
    return judge();
  }
  const Topology& judge() {
    if (!assessor) assessor = std::make_unique<Assessor>(config);
    last = assessor->assess(probes, now);
    return last.topology;
  }
  const ServerState& server(std::size_t i) const { return last.topology.servers[i]; }
  Health health(std::size_t i) const { return server(i).health; }
  bool told(const std::string& text) const {
    for (const MonitorEvent& event : last.events) {
      if (event.text.find(text) != std::string::npos) return true;
    }
    return false;
  }
};

inline bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace weir::test
