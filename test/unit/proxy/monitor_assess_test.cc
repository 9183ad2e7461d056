#include "proxy/monitor/assess.h"

#include "proxy/monitor/topology_text.h"
#include "test/support/catch.h"

using namespace std::chrono_literals;
using namespace weir;

namespace {

PositionPtr pos(unsigned long sequence) {
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

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("assess: an ordinary cluster is up at the first look", "[monitor]") {
  Cluster c;
  const Topology& t = c.tick();
  REQUIRE(t.primary == 0u);
  CHECK(t.no_primary_why.empty());
  CHECK(t.servers[0].role == Role::primary);
  CHECK(t.servers[0].health == Health::up);
  CHECK_FALSE(t.servers[0].lag);
  for (const std::size_t i : {1u, 2u}) {
    CHECK(t.servers[i].serves_reads());
    CHECK(t.servers[i].lag == 0ms);
    CHECK(t.servers[i].fresh_until == c.probes[0].when.sent);
    CHECK(t.servers[i].why.empty());
  }
  CHECK(t.greeting_version == "5.5.5-10.11.6-MariaDB");
  CHECK(t.default_collation == 45);
  CHECK(c.told("the primary is db1"));
  c.tick();
  CHECK(c.last.events.empty());
  CHECK(c.last.topology.version == 2);
}

TEST_CASE("assess: nobody is primary before everybody was asked", "[monitor]") {
  Cluster c;
  c.probes[2] = Probe{};
  CHECK_FALSE(c.tick().primary);
  CHECK(has(c.last.topology.no_primary_why, "db3 has not answered yet"));
  CHECK(c.health(2) == Health::unknown);
  CHECK(c.last.topology.known());   // greeted with any server's version meanwhile
  c.fail(2, Probe::Outcome::failed, "Connection refused (2002)");
  CHECK(c.tick().primary == 0u);
  CHECK(c.health(2) == Health::down);
  CHECK(has(c.server(2).why, "refused"));
}

TEST_CASE("assess: roles by what servers say, and by pins", "[monitor]") {
  struct Case {
    std::string name;
    bool writable[3];
    bool follows[3];
    RolePin pin[3];
    int primary;   // -1: none
    Role roles[3];
    std::string why;
  };
  const auto A = RolePin::automatic, P = RolePin::primary, R = RolePin::replica;
  const auto pri = Role::primary, rep = Role::replica, unk = Role::unknown;
  const Case table[] = {
      {"plain", {1, 0, 0}, {0, 1, 1}, {A, A, A}, 0, {pri, rep, rep}, ""},
      {"promoted, old channel left", {0, 1, 0}, {1, 1, 1}, {A, A, A}, 1, {rep, pri, rep}, ""},
      {"two writable", {1, 1, 0}, {0, 0, 1}, {A, A, A}, -1, {unk, unk, rep}, "db1, db2"},
      {"a writable replica", {1, 1, 0}, {0, 1, 1}, {A, A, A}, -1, {unk, unk, rep}, "db2 (though it follows"},
      {"nobody writable", {0, 0, 0}, {0, 1, 1}, {A, A, A}, -1, {rep, rep, rep}, "db1 is read_only"},
      {"pin decides between two", {1, 1, 0}, {0, 1, 1}, {P, A, A}, 0, {pri, rep, rep}, ""},
      {"pin on a read_only one", {0, 0, 0}, {0, 1, 1}, {P, A, A}, 0, {pri, rep, rep}, ""},
      {"pinned replica is writable", {1, 1, 0}, {0, 1, 1}, {A, R, A}, 0, {pri, rep, rep}, ""},
      {"only a pinned replica is writable", {0, 1, 0}, {1, 1, 1}, {A, R, A}, -1, {rep, rep, rep}, "configured as a replica"},
      {"two pins", {1, 1, 0}, {0, 0, 1}, {P, P, A}, -1, {pri, pri, rep}, "both configured"},
  };
  for (const Case& row : table) {
    INFO(row.name);
    Cluster c;
    for (std::size_t i = 0; i < 3; ++i) {
      if (row.follows[i]) c.replica(i); else c.primary(i);
      c.probes[i].read_only = !row.writable[i];
      c.config->servers[i].role = row.pin[i];
    }
    const Topology& t = c.tick();
    CHECK((t.primary ? static_cast<int>(*t.primary) : -1) == row.primary);
    for (std::size_t i = 0; i < 3; ++i) {
      INFO("server " << i + 1);
      CHECK(t.servers[i].role == row.roles[i]);
    }
    CHECK(t.no_primary_why.empty() == (row.primary >= 0));
    CHECK(has(t.no_primary_why, row.why));
  }
}

TEST_CASE("assess: one server listed twice is recognised", "[monitor]") {
  Cluster c;
  c.primary(1);
  c.probes[1].server_id = 1;
  CHECK(has(c.tick().no_primary_why, "listed twice"));
  CHECK(c.told("there is no primary"));
  CHECK(c.last.events.front().warning);
}

TEST_CASE("assess: lag takes a replica out, good samples bring it back", "[monitor]") {
  Cluster c;
  c.tick();
  for (unsigned long i = 2; i <= 9; ++i) {
    c.at(0, i);
    c.at(2, i);
    c.tick();
  }
  // db2 stayed at 1: 8 intervals of 250 ms are 2 s and a little.
  CHECK(c.health(1) == Health::lagging);
  CHECK(c.health(2) == Health::up);
  CHECK(c.server(1).lag > 2000ms);
  CHECK(has(c.server(1).why, "above max_lag (2000 ms)"));
  CHECK(c.told("server db2 (10.0.0.2:3306): replica, lagging"));
  CHECK(c.server(1).fresh_until);
  c.at(1, 9);
  c.tick();
  CHECK(c.health(1) == Health::recovering);
  CHECK_FALSE(c.server(1).serves_reads());
  // Looking again at the same sample does not make it two.
  for (int i = 0; i < 5; ++i) c.judge();
  CHECK(c.health(1) == Health::recovering);
  c.tick();
  CHECK(c.health(1) == Health::recovering);
  CHECK(has(c.server(1).why, "2 of 3"));
  c.tick();
  CHECK(c.health(1) == Health::up);
}

TEST_CASE("assess: a bad sample starts the count again", "[monitor]") {
  Cluster c;
  c.tick();
  c.probes[1].channels[0].applier = ThreadState::stopped;
  c.tick();
  CHECK(c.health(1) == Health::stalled);
  c.replica(1);
  c.tick();
  c.tick();
  c.probes[1].channels[0].applier = ThreadState::stopped;
  c.tick();
  c.replica(1);
  c.tick();
  c.tick();
  CHECK(c.health(1) == Health::recovering);
  c.tick();
  CHECK(c.health(1) == Health::up);
}

TEST_CASE("assess: stopped threads", "[monitor]") {
  struct { ThreadState receiver, applier; Health health; std::string why; } const table[] = {
      {ThreadState::running, ThreadState::stopped, Health::stalled, "the SQL thread is stopped: Duplicate"},
      {ThreadState::stopped, ThreadState::running, Health::stalled, "the IO thread is stopped: fatal 1236"},
      {ThreadState::connecting, ThreadState::running, Health::up, "cannot reach its source"},
  };
  for (const auto& row : table) {
    Cluster c;
    c.tick();
    Channel& channel = c.probes[1].channels[0];
    channel.receiver = row.receiver;
    channel.applier = row.applier;
    channel.applier_error = "Duplicate";
    channel.receiver_error = "fatal 1236";
    channel.seconds_behind = std::nullopt;
    c.tick();
    CHECK(c.health(1) == row.health);
    CHECK(has(c.server(1).why, row.why));
    CHECK(c.last.events.size() == 1);
  }
}

TEST_CASE("assess: a link that is broken shows as lag once the primary writes", "[monitor]") {
  Cluster c;
  c.tick();
  c.probes[1].channels[0].receiver = ThreadState::connecting;
  for (int i = 0; i < 40; ++i) c.tick();
  CHECK(c.health(1) == Health::up);
  c.at(0, 2);
  c.at(2, 2);
  for (int i = 0; i < 9; ++i) c.tick();
  CHECK(c.health(1) == Health::lagging);
}

TEST_CASE("assess: servers that do not answer, or not us", "[monitor]") {
  struct { Probe::Outcome outcome; Health health; } const table[] = {
      {Probe::Outcome::failed, Health::down},
      {Probe::Outcome::denied, Health::denied},
      {Probe::Outcome::refused, Health::unknown},
  };
  for (const auto& row : table) {
    Cluster c;
    c.tick();
    c.fail(1, row.outcome, "the reason (1)");
    c.tick();
    CHECK(c.health(1) == row.health);
    CHECK(c.server(1).role == Role::replica);
    CHECK(has(c.server(1).why, "the reason (1)"));
    CHECK(c.told("the reason (1)"));
    c.replica(1);
    c.tick();
    CHECK(c.health(1) == Health::recovering);
  }
}

TEST_CASE("assess: the primary dies and another takes over", "[monitor]") {
  Cluster c;
  c.at(0, 7);
  c.at(1, 7);
  c.at(2, 6);
  c.tick();
  c.fail(0, Probe::Outcome::failed, "Connection refused (2002)");
  for (const std::size_t i : {1u, 2u}) {
    c.probes[i].channels[0].receiver = ThreadState::connecting;
    c.probes[i].channels[0].seconds_behind = std::nullopt;
  }
  c.tick();
  CHECK_FALSE(c.last.topology.primary);
  CHECK(has(c.last.topology.no_primary_why, "db1 (the primary until now) does not answer: Connection refused"));
  CHECK(c.server(0).role == Role::primary);
  CHECK(c.health(0) == Health::down);
  CHECK(c.health(1) == Health::up);    // has all there was: reads go on
  CHECK(c.last.topology.known());
  // A failover tool stops the threads before it chooses.
  c.probes[1].channels[0].receiver = c.probes[1].channels[0].applier = ThreadState::stopped;
  c.tick();
  CHECK(c.health(1) == Health::up);
  c.primary(1);
  c.at(1, 8);
  c.replica(2, 1);
  c.at(2, 8);
  c.tick();
  CHECK(c.last.topology.primary == 1u);
  CHECK(c.server(0).role == Role::unknown);
  CHECK(c.told("the primary is db2"));
  CHECK(c.server(2).lag == 0ms);
}

TEST_CASE("assess: an old primary that comes back writable stops writes until one yields", "[monitor]") {
  Cluster c;
  c.tick();
  c.fail(0, Probe::Outcome::failed, "no answer in time (2013)");
  c.tick();
  c.primary(1);
  c.tick();
  CHECK(c.last.topology.primary == 1u);
  c.primary(0);
  c.tick();
  CHECK_FALSE(c.last.topology.primary);
  CHECK(has(c.last.topology.no_primary_why, "several servers are writable: db1, db2"));
  c.replica(0, 1);
  c.tick();
  CHECK(c.last.topology.primary == 1u);
  CHECK(c.server(0).role == Role::replica);
  CHECK_FALSE(c.server(0).serves_reads());
}

TEST_CASE("assess: a primary that refuses only the monitor stays", "[monitor]") {
  Cluster c;
  c.tick();
  c.fail(0, Probe::Outcome::denied, "Access denied (1045)");
  c.tick();
  CHECK(c.last.topology.primary == 0u);
  CHECK(c.health(0) == Health::denied);
  c.primary(1);
  c.tick();
  CHECK(c.last.topology.primary == 1u);
}

TEST_CASE("assess: transactions lost in a failover", "[monitor]") {
  Cluster c;
  c.at(0, 9);
  c.at(1, 7);
  c.at(2, 9);
  c.tick();
  c.fail(0, Probe::Outcome::failed, "gone");
  c.primary(1);
  c.replica(2, 1);
  c.tick();
  CHECK(c.last.topology.primary == 1u);
  CHECK(c.told("has lost transactions"));
  CHECK(c.health(2) == Health::stalled);
  CHECK(has(c.server(2).why, "transactions that the primary has lost"));
}

TEST_CASE("assess: a replica whose position goes backwards has to prove itself again", "[monitor]") {
  Cluster c;
  c.at(0, 9);
  c.at(1, 9);
  c.at(2, 9);
  c.tick();
  c.at(1, 3);
  c.tick();
  CHECK(c.health(1) == Health::stalled);
  CHECK(has(c.server(1).why, "backwards"));
  c.at(1, 9);
  c.tick();
  CHECK(c.health(1) == Health::recovering);
}

TEST_CASE("assess: without GTIDs the server's seconds count, at their worst", "[monitor]") {
  Cluster c;
  for (Probe& p : c.probes) p.as_primary = p.as_replica = nullptr;
  const auto look = [&](std::optional<std::uint32_t> seconds) {
    c.probes[1].channels[0].seconds_behind = seconds;
    c.tick();
  };
  look(0);
  CHECK(c.health(1) == Health::up);
  CHECK(c.server(1).lag == 1000ms);
  CHECK(c.server(1).fresh_until == c.probes[1].when.sent - 1s);
  look(1);
  CHECK(c.health(1) == Health::up);
  look(2);
  CHECK(c.health(1) == Health::lagging);
  look(std::nullopt);
  CHECK(c.health(1) == Health::stalled);
  CHECK_FALSE(c.server(1).fresh_until);
  CHECK_FALSE(c.server(1).lag);
  c.probes[1].channels.clear();
  c.probes[1].hidden_replication = "hidden: run GRANT X";
  c.tick();
  CHECK(c.health(1) == Health::stalled);
  CHECK(has(c.server(1).why, "GRANT X"));
}

TEST_CASE("assess: peculiarities are named", "[monitor]") {
  Cluster c;
  c.probes[1].channels[0].source_host = "192.0.2.9";
  c.probes[1].channels[0].source_id = 77;
  c.probes[2].channels.clear();
  c.tick();
  CHECK(has(c.server(1).why, "follows 192.0.2.9:3306, which is not in the configuration"));
  CHECK(c.health(1) == Health::up);
  CHECK(c.health(2) == Health::stalled);
  CHECK(has(c.server(2).why, "is read_only and follows nobody"));
  // The same machine under another name is recognised by its server_id.
  c.probes[1].channels[0].source_id = 1;
  c.tick();
  CHECK(c.server(1).why.empty());
  c.probes[2].hidden_replication = "hidden: run GRANT X";
  c.tick();
  CHECK(has(c.server(2).why, "GRANT X"));
  CHECK(c.health(2) == Health::recovering);   // its position can be seen, and that is enough
}

TEST_CASE("assess: no replica is trusted before a primary was seen", "[monitor]") {
  Cluster c;
  c.fail(0, Probe::Outcome::failed, "gone");
  c.tick();
  CHECK(c.health(1) == Health::unknown);
  CHECK(has(c.server(1).why, "none has been seen"));
  c.primary(0);
  c.tick();
  CHECK(c.health(1) == Health::up);
}

TEST_CASE("assess: behind everything seen so far", "[monitor]") {
  Cluster c;
  c.at(0, 100);
  c.at(2, 100);
  c.probes[1].channels[0].seconds_behind = 29;
  c.tick();
  CHECK(c.health(1) == Health::lagging);
  CHECK(has(c.server(1).why, "the server itself says 29 s"));
  CHECK_FALSE(c.server(1).lag);
}

TEST_CASE("assess: a pause of weir itself changes nothing", "[monitor]") {
  Cluster c;
  for (unsigned long i = 1; i < 10; ++i) {
    for (std::size_t s = 0; s < 3; ++s) c.at(s, i);
    c.tick();
  }
  // Ten seconds later the primary is much further and the replicas a bit behind it, as always.
  c.at(0, 100);
  c.at(1, 99);
  c.at(2, 99);
  c.now += 10s;
  c.judge();
  CHECK(c.health(0) == Health::up);
  CHECK(c.health(1) == Health::up);
  c.tick();
  CHECK(c.health(1) == Health::up);
  c.at(0, 110);
  c.at(1, 109);
  c.at(2, 109);
  c.tick();
  CHECK(c.health(1) == Health::up);
  CHECK(c.health(2) == Health::up);
}

TEST_CASE("assess: a probe that never comes back counts as no answer", "[monitor]") {
  Cluster c;
  c.tick();
  for (int i = 0; i < 12; ++i) {
    c.now += 250ms;
    c.judge();
  }
  CHECK(c.health(1) == Health::down);
  CHECK(has(c.server(1).why, "does not come back"));
}

TEST_CASE("assess: recover_after of nothing means at once", "[monitor]") {
  for (const unsigned after : {0u, 1u}) {
    Cluster c;
    c.config->monitor.recover_after = after;
    c.tick();
    c.fail(1, Probe::Outcome::failed, "gone");
    c.tick();
    c.replica(1);
    c.tick();
    CHECK(c.health(1) == Health::up);
  }
}

TEST_CASE("topology: the table for people", "[monitor]") {
  Cluster c;
  c.fail(2, Probe::Outcome::failed, "Connection refused (2002)");
  const std::string text = print_topology(c.tick());
  CHECK(text ==
        "server  address        role     health  lag   version          why\n"
        "db1     10.0.0.1:3306  primary  up      -     10.11.6-MariaDB\n"
        "db2     10.0.0.2:3306  replica  up      0 ms  10.11.6-MariaDB\n"
        "db3     10.0.0.3:3306  unknown  down    -     10.11.6-MariaDB  Connection refused (2002)\n"
        "The primary is db1.\n");
}
