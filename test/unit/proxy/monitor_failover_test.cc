// What the assessor believes while servers die, hang, come back and change places.

#include "test/unit/proxy/monitor_cluster.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("assess: servers that do not answer, or not us", "[monitor]") {
  struct {
    Probe::Outcome outcome;
    Health health;
  } const table[] = {
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
  CHECK(has(c.last.topology.no_primary_why,
            "db1 (the primary until now) does not answer: Connection refused"));
  CHECK(c.server(0).role == Role::primary);
  CHECK(c.health(0) == Health::down);
  CHECK(c.health(1) == Health::up);  // has all there was: reads go on
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

TEST_CASE("assess: an old primary that comes back writable stops writes until one yields",
          "[monitor]") {
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

TEST_CASE("assess: a replica whose position goes backwards has to prove itself again",
          "[monitor]") {
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
