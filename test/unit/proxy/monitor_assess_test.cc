// Roles, lag and health in clusters that work, and in ones that are set up oddly.

#include "test/unit/proxy/monitor_cluster.h"

using namespace weir;
using namespace weir::test;

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

TEST_CASE("assess: positions, and smoothed round trips", "[monitor]") {
  Cluster c;
  c.tick();
  for (const std::size_t i : {0u, 1u, 2u}) {
    CHECK(c.server(i).latency == 2ms);
    REQUIRE(c.server(i).position != nullptr);
    CHECK(to_string(*c.server(i).position) == "0-1-1");
  }
  c.at(1, 7);
  ++c.probes[1].sequence;
  c.probes[1].when.answered = c.probes[1].when.sent + 12ms;
  c.judge();
  CHECK(c.server(1).latency == 4ms);  // a fifth of the way from 2 to 12
  CHECK(to_string(*c.server(1).position) == "0-1-7");
  c.judge();
  CHECK(c.server(1).latency == 4ms);  // nothing new was heard
  c.fail(1, Probe::Outcome::failed, "gone");
  c.tick();
  CHECK_FALSE(c.server(1).latency);
  c.answer(1);
  c.tick();
  CHECK(c.server(1).latency == 2ms);  // begins anew
}

TEST_CASE("assess: nobody is primary before everybody was asked", "[monitor]") {
  Cluster c;
  c.probes[2] = Probe{};
  CHECK_FALSE(c.tick().primary);
  CHECK(has(c.last.topology.no_primary_why, "db3 has not answered yet"));
  CHECK(c.health(2) == Health::unknown);
  CHECK(c.health(0) == Health::unknown);
  CHECK(c.last.events.empty());
  CHECK(c.last.topology.known());  // greeted with any server's version meanwhile
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
    int primary;  // -1: none
    Role roles[3];
    std::string why;
  };
  const auto A = RolePin::automatic, P = RolePin::primary, R = RolePin::replica;
  const auto pri = Role::primary, rep = Role::replica, unk = Role::unknown;
  const Case table[] = {
      {"plain", {1, 0, 0}, {0, 1, 1}, {A, A, A}, 0, {pri, rep, rep}, ""},
      {"promoted, old channel left", {0, 1, 0}, {1, 1, 1}, {A, A, A}, 1, {rep, pri, rep}, ""},
      {"two writable", {1, 1, 0}, {0, 0, 1}, {A, A, A}, -1, {unk, unk, rep}, "db1, db2"},
      {"a writable replica",
       {1, 1, 0},
       {0, 1, 1},
       {A, A, A},
       -1,
       {unk, unk, rep},
       "db2 (though it follows"},
      {"nobody writable", {0, 0, 0}, {0, 1, 1}, {A, A, A}, -1, {rep, rep, rep}, "db1 is read_only"},
      {"pin decides between two", {1, 1, 0}, {0, 1, 1}, {P, A, A}, 0, {pri, rep, rep}, ""},
      {"pin on a read_only one", {0, 0, 0}, {0, 1, 1}, {P, A, A}, 0, {pri, rep, rep}, ""},
      {"pinned replica is writable", {1, 1, 0}, {0, 1, 1}, {A, R, A}, 0, {pri, rep, rep}, ""},
      {"only a pinned replica is writable",
       {0, 1, 0},
       {1, 1, 1},
       {A, R, A},
       -1,
       {rep, rep, rep},
       "configured as a replica"},
      {"two pins", {1, 1, 0}, {0, 0, 1}, {P, P, A}, -1, {pri, pri, rep}, "both configured"},
  };
  for (const Case& row : table) {
    INFO(row.name);
    Cluster c;
    for (std::size_t i = 0; i < 3; ++i) {
      if (row.follows[i])
        c.replica(i);
      else
        c.primary(i);
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
  struct {
    ThreadState receiver, applier;
    Health health;
    std::string why;
  } const table[] = {
      {ThreadState::running, ThreadState::stopped, Health::stalled,
       "the SQL thread is stopped: Duplicate"},
      {ThreadState::stopped, ThreadState::running, Health::stalled,
       "the IO thread is stopped: fatal 1236"},
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
  CHECK(c.health(2) == Health::recovering);  // its position can be seen, and that is enough
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
        "server  address        role     health  lag   origin  version          why\n"
        "db1     10.0.0.1:3306  primary  up      -     listed  10.11.6-MariaDB\n"
        "db2     10.0.0.2:3306  replica  up      0 ms  listed  10.11.6-MariaDB\n"
        "db3     10.0.0.3:3306  unknown  down    -     listed  10.11.6-MariaDB  Connection refused "
        "(2002)\n"
        "The primary is db1.\n");
}
