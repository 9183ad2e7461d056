// Who is the primary of a group, and whom the members are good for.

#include <algorithm>

#include "test/unit/proxy/monitor_cluster.h"

using namespace weir;
using namespace weir::test;

namespace {

using State = Membership::State;

// Three members of a group; at first db1 leads alone.
struct Group : Cluster {
  Group() {
    for (std::size_t i = 0; i < 3; ++i) {
      Probe& p = answer(i);
      p.channels.clear();
      p.membership.emplace();
      p.membership->state = State::in;
      p.membership->view = "g:3";
      p.membership->id = std::string(1, static_cast<char>('a' + i));
      p.membership->started = 100 + i;
      p.membership->single_primary = true;
    }
    lead({0});
  }
  Membership& member(std::size_t i) { return *probes[i].membership; }
  // These members may write, the others may not.
  void lead(const std::vector<std::size_t>& leaders) {
    for (std::size_t i = 0; i < 3; ++i) {
      if (!probes[i].membership) continue;
      const bool leads = std::count(leaders.begin(), leaders.end(), i) > 0;
      probes[i].read_only = !leads;
      member(i).may_write = leads;
      member(i).single_primary = leaders.size() < 2;
    }
  }
  void see(const std::string& view) {
    for (std::size_t i = 0; i < 3; ++i) {
      if (probes[i].membership) member(i).view = view;
    }
  }
  void leave(std::size_t i, State state, const std::string& why) {
    member(i).state = state;
    member(i).why = why;
  }
  void die(std::size_t i) {
    fail(i, Probe::Outcome::failed, "Connection refused (2002)");
    probes[i].membership.reset();
  }
  void ticks(int n) {
    for (int i = 0; i < n; ++i) tick();
  }
  std::optional<std::size_t> primary_now() const { return last.topology.primary; }
  const std::string& why_none() const { return last.topology.no_primary_why; }
};

}  // namespace

TEST_CASE("group: the member with the role leads, the others are read from", "[monitor]") {
  Group c;
  c.tick();
  CHECK(c.primary_now() == 0u);
  for (const std::size_t i : {1u, 2u}) {
    CHECK(c.server(i).role == Role::replica);
    CHECK(c.health(i) == Health::up);
    CHECK(c.server(i).why.empty());
    CHECK(c.server(i).lag == 0ms);
  }
}

TEST_CASE("group: members that are not fit to be read from", "[monitor]") {
  struct {
    State state;
    Health health;
  } const table[] = {
      {State::recovering, Health::recovering},
      {State::lent, Health::stalled},
      {State::out, Health::stalled},
  };
  for (const auto& row : table) {
    Group c;
    c.tick();
    c.leave(1, row.state, "the reason");
    c.tick();
    CHECK(c.health(1) == row.health);
    CHECK_FALSE(c.server(1).serves_reads());
    CHECK(has(c.server(1).why, "the reason"));
    c.leave(1, State::in, "");
    c.ticks(2);
    CHECK_FALSE(c.server(1).serves_reads());
    c.tick();
    CHECK(c.server(1).serves_reads());
    CHECK(c.primary_now() == 0u);
  }
}

TEST_CASE("group: a primary without the majority is not believed", "[monitor]") {
  Group c;
  c.tick();
  c.leave(0, State::out, "its group has lost the majority: it reaches 1 of 3 members");
  c.tick();
  CHECK_FALSE(c.primary_now());
  CHECK(has(c.why_none(), "db1 (the primary until now) its group has lost the majority"));
  // The others go on without it, and it does not know.
  c.lead({0, 1});
  for (const std::size_t i : {0u, 1u}) c.member(i).single_primary = true;
  c.member(1).view = c.member(2).view = "g:4";
  c.tick();
  CHECK(c.primary_now() == 1u);
  CHECK_FALSE(c.server(0).serves_reads());
  CHECK(c.health(2) == Health::up);
}

TEST_CASE("group: of several that may write, all weirs choose the same one", "[monitor]") {
  Group c;
  c.lead({0, 1, 2});
  c.member(0).started = 300;
  c.member(1).started = 100;
  c.member(2).started = 200;
  c.tick();
  CHECK(c.primary_now() == 1u);
  CHECK(c.server(0).serves_reads());
  CHECK(c.server(2).serves_reads());
  // Started in the same second: the id decides, not the order of the configuration.
  Group d;
  d.lead({0, 1, 2});
  for (std::size_t i = 0; i < 3; ++i) d.member(i).started = 100;
  d.member(2).id = "A";
  d.tick();
  CHECK(d.primary_now() == 2u);
}

TEST_CASE("group: the writer stays when another one comes back", "[monitor]") {
  Group c;
  c.lead({0, 1, 2});
  c.tick();
  CHECK(c.primary_now() == 0u);
  const auto before = c.probes[0];
  c.die(0);
  c.tick();
  CHECK_FALSE(c.primary_now());
  CHECK(has(c.why_none(), "db2 will take over from db1 when their group has noticed"));
  CHECK(c.health(1) == Health::up);  // reads go on
  c.see("g:4");
  c.tick();
  CHECK(c.primary_now() == 1u);
  c.probes[0].outcome = Probe::Outcome::answered;
  c.probes[0].membership = before.membership;
  c.member(0).started = 900;
  c.see("g:5");
  c.tick();
  CHECK(c.primary_now() == 1u);
  CHECK(c.server(0).role == Role::replica);
  // A weir that is started only now comes to the same result.
  CHECK(Assessor(c.config).assess(c.probes, c.now).topology.primary == 1u);
}

TEST_CASE("group: a member that only weir does not reach is waited for in vain", "[monitor]") {
  Group c;
  c.lead({0, 1, 2});
  c.tick();
  c.die(0);
  c.ticks(50);
  CHECK_FALSE(c.primary_now());
  c.ticks(20);
  CHECK(c.primary_now() == 1u);
}

TEST_CASE("group: nobody takes over before it has applied what it received", "[monitor]") {
  Group c;
  c.tick();
  c.die(0);
  c.see("g:4");
  c.lead({1});
  c.member(1).backlog = 17;
  c.tick();
  CHECK_FALSE(c.primary_now());
  CHECK(has(c.why_none(), "db2 takes over from db1, but has still to apply 17 transactions"));
  c.member(1).backlog = 0;
  c.tick();
  CHECK(c.primary_now() == 1u);
  c.member(1).backlog = 3;  // others write as well: that is no reason any more
  c.tick();
  CHECK(c.primary_now() == 1u);
}

TEST_CASE("group: a writer that is lent hands over while it lives", "[monitor]") {
  Group c;
  c.lead({0, 1, 2});
  c.tick();
  c.leave(0, State::lent, "may fall behind its cluster: Donor/Desynced");
  c.tick();
  CHECK(c.primary_now() == 1u);
  CHECK(c.health(0) == Health::stalled);
}

TEST_CASE("group: split views", "[monitor]") {
  // Two groups of one cluster, each sure to be it.
  Group c;
  c.lead({0, 1, 2});
  c.member(2).view = "g:9";
  c.tick();
  CHECK_FALSE(c.primary_now());
  CHECK(has(c.why_none(), "do not agree on who belongs to it or leads it: db1, db2, db3"));
  // Two primaries in single-primary mode: a hand-over is under way.
  Group d;
  d.lead({0, 1});
  for (std::size_t i = 0; i < 3; ++i) d.member(i).single_primary = true;
  d.tick();
  CHECK_FALSE(d.primary_now());
  d.lead({1});
  d.tick();
  CHECK(d.primary_now() == 1u);
  // A stranger that is writable, too.
  Group e;
  e.probes[2].membership.reset();
  e.probes[2].read_only = false;
  e.tick();
  CHECK_FALSE(e.primary_now());
  CHECK(has(e.why_none(), "several servers are writable: db1, db3"));
}

TEST_CASE("group: a member of another group than the primary is not read from for long",
          "[monitor]") {
  Group c;
  c.tick();
  c.member(2).view = "g:4";  // it has heard of a change before the primary
  c.ticks(2);
  CHECK(c.health(2) == Health::up);
  c.tick();
  CHECK(c.health(2) == Health::stalled);
  CHECK(has(c.server(2).why, "another group than the primary"));
  CHECK(c.health(1) == Health::up);
}

TEST_CASE("group: replicas of Galera nodes are not told to wait for GTIDs", "[monitor]") {
  Group c;
  c.tick();
  CHECK_FALSE(c.last.topology.replicas_wait);
  for (Probe& probe : c.probes) probe.flavor = Flavor::mysql;
  c.tick();
  CHECK(c.last.topology.replicas_wait);
  Cluster plain;
  plain.tick();
  CHECK(plain.last.topology.replicas_wait);
}

TEST_CASE("group: the configuration still overrules", "[monitor]") {
  Group c;
  c.config->servers[0].role = RolePin::replica;
  c.lead({0, 1, 2});
  c.tick();
  CHECK(c.primary_now() == 1u);
  Group d;
  d.config->servers[2].role = RolePin::primary;
  d.lead({0, 1, 2});
  d.tick();
  CHECK(d.primary_now() == 2u);
}
