#include "proxy/core/replica_selector.h"

#include <array>
#include <set>

#include "test/support/catch.h"

namespace weir {
namespace {

constexpr TimePoint kNow{std::chrono::hours(1)};

ServerState replica(unsigned weight = 100) {
  ServerState server;
  server.role = Role::replica;
  server.health = Health::up;
  server.lag = Milliseconds(100);
  server.fresh_until = kNow;
  server.weight = weight;
  return server;
}

ServerState primary() {
  ServerState server = replica();
  server.role = Role::primary;
  return server;
}

Topology topology(std::vector<ServerState> servers) {
  Topology made;
  made.servers = std::move(servers);
  return made;
}

std::uint64_t draws(std::uint32_t first, std::uint32_t second) {
  return (std::uint64_t{second} << 32) | first;
}

TEST_CASE("replica selector: who qualifies") {
  for (const Health health : {Health::unknown, Health::up, Health::recovering, Health::lagging,
                              Health::stalled, Health::denied, Health::down}) {
    ServerState server = replica();
    server.health = health;
    CHECK(qualifies(server, {}) == (health == Health::up));
    server.role = Role::unknown;
    CHECK_FALSE(qualifies(server, {}));
  }
  CHECK_FALSE(qualifies(primary(), {}));
}

TEST_CASE("replica selector: a bound of its own on lag replaces the monitor's") {
  ServerState server = replica();
  ReadNeeds needs;
  needs.max_lag = Milliseconds(100);
  CHECK(qualifies(server, needs));
  needs.max_lag = Milliseconds(99);
  CHECK_FALSE(qualifies(server, needs));
  server.health = Health::lagging;
  server.lag = Milliseconds(9000);
  CHECK_FALSE(qualifies(server, {}));
  needs.max_lag = Milliseconds(10000);
  CHECK(qualifies(server, needs));
  for (const Health health : {Health::stalled, Health::recovering, Health::denied, Health::down}) {
    server.health = health;
    CHECK_FALSE(qualifies(server, needs));
  }
  server = replica();
  server.lag.reset();
  CHECK_FALSE(qualifies(server, needs));
  server = primary();
  CHECK_FALSE(qualifies(server, needs));
}

TEST_CASE("replica selector: freshness") {
  ReadNeeds needs;
  needs.fresh_after = kNow;
  ServerState server = replica();
  CHECK(qualifies(server, needs));
  server.fresh_until = kNow - Milliseconds(1);
  CHECK_FALSE(qualifies(server, needs));
  server.fresh_until.reset();
  CHECK_FALSE(qualifies(server, needs));
  CHECK(qualifies(server, {}));
  needs.max_lag = Milliseconds(1000);
  CHECK_FALSE(qualifies(server, needs));
}

// Work of so many statements each.
std::vector<ServerWork> outstanding(std::initializer_list<std::uint32_t> counts) {
  std::vector<ServerWork> work;
  for (const std::uint32_t count : counts) work.emplace_back().outstanding = count;
  return work;
}

std::optional<std::size_t> select(const Topology& topology, const ReadNeeds& needs, Balance balance,
                                  const std::vector<ServerWork>& work, std::uint64_t random) {
  return select_replica(topology, needs, {balance, {}}, work, random);
}

TEST_CASE("replica selector: nobody") {
  const auto work = outstanding({0, 0});
  CHECK_FALSE(select(topology({}), {}, Balance::weighted, {}, 1));
  CHECK_FALSE(select(topology({primary()}), {}, Balance::weighted, work, 1));
  ReadNeeds needs;
  needs.avoid = 1;
  CHECK_FALSE(select(topology({primary(), replica()}), needs, Balance::least_loaded, work, 1));
}

TEST_CASE("replica selector: the same replica as before, but put back to an older state") {
  Topology two = topology({primary(), replica()});
  ReadNeeds needs;
  needs.seen_on = 1;
  needs.seen_at = kNow + Milliseconds(1);
  needs.seen_until = two.servers[1].fresh_until;
  REQUIRE(needs.seen_until);
  CHECK(select(two, needs, Balance::weighted, {}, 0) == 1u);
  two.servers[1].fresh_until = *needs.seen_until - Milliseconds(1);
  CHECK_FALSE(select(two, needs, Balance::weighted, {}, 0));
  two.servers[1].fresh_until.reset();
  CHECK_FALSE(select(two, needs, Balance::weighted, {}, 0));
  // Nothing was known of it then, either.
  needs.seen_until.reset();
  CHECK(select(two, needs, Balance::weighted, {}, 0) == 1u);
}

TEST_CASE("replica selector: another replica than before shows no less") {
  Topology three = topology({replica(), replica(1), replica()});
  ReadNeeds needs;
  needs.seen_on = 1;
  needs.seen_at = kNow + Milliseconds(1);
  for (std::uint64_t random = 0; random < 300; ++random) {
    CHECK(select(three, needs, Balance::weighted, {}, random) == 1u);
  }
  needs.avoid = 1;
  CHECK_FALSE(select(three, needs, Balance::weighted, {}, 0));
  needs.avoid.reset();
  three.servers[1].health = Health::down;
  CHECK_FALSE(select(three, needs, Balance::weighted, {}, 0));
  three.servers[2].fresh_until = needs.seen_at;
  CHECK(select(three, needs, Balance::weighted, {}, 0) == 2u);
  // When all show as much, the session is free to go.
  three.servers[1].health = Health::up;
  needs.seen_at = kNow;
  std::set<std::size_t> seen;
  for (std::uint64_t random = 0; random < 300; ++random) {
    seen.insert(select(three, needs, Balance::weighted, {}, random).value());
  }
  CHECK(seen == std::set<std::size_t>{0, 1, 2});
}

TEST_CASE("replica selector: an avoided one") {
  const Topology three = topology({replica(), replica(1), replica()});
  ReadNeeds needs;
  needs.avoid = 1;
  for (std::uint64_t random = 0; random < 300; ++random) {
    CHECK(select(three, needs, Balance::weighted, {}, random) != 1u);
  }
}

TEST_CASE("replica selector: weights share the units") {
  const Topology servers = topology({primary(), replica(1), replica(3), replica(0)});
  std::array<int, 4> hits{};
  for (std::uint32_t unit = 0; unit < 400; ++unit) {
    ++hits[select(servers, {}, Balance::weighted, {}, unit).value()];
  }
  CHECK(hits == std::array<int, 4>{0, 100, 300, 0});
}

TEST_CASE("replica selector: weight 0 serves when nobody else can") {
  Topology servers = topology({replica(0), replica(0), replica(5)});
  for (std::uint64_t random = 0; random < 20; ++random) {
    CHECK(select(servers, {}, Balance::least_loaded, {}, random) == 2u);
  }
  ReadNeeds needs;
  needs.avoid = 2;
  CHECK(select(servers, needs, Balance::least_loaded, {}, 3) == 0u);
}

TEST_CASE("replica selector: of two drawn, the one with less to do for its weight") {
  const Topology equal = topology({replica(10), replica(10)});
  // The second is drawn among the others, so with two servers it is always the other one.
  auto work = outstanding({5, 4});
  CHECK(select(equal, {}, Balance::least_loaded, work, draws(0, 0)) == 1u);
  CHECK(select(equal, {}, Balance::least_loaded, work, draws(10, 0)) == 1u);
  CHECK(select(equal, {}, Balance::weighted, work, draws(0, 0)) == 0u);
  work = outstanding({4, 4});
  CHECK(select(equal, {}, Balance::least_loaded, work, draws(0, 0)) == 0u);
  CHECK(select(equal, {}, Balance::least_loaded, work, draws(10, 0)) == 1u);
  work[0].queued = 1;  // waits for a connection
  CHECK(select(equal, {}, Balance::least_loaded, work, draws(0, 0)) == 1u);

  const Topology unequal = topology({replica(30), replica(10)});
  work = outstanding({6, 2});  // the same for their weights
  CHECK(select(unequal, {}, Balance::least_loaded, work, draws(0, 0)) == 0u);
  work = outstanding({7, 2});
  CHECK(select(unequal, {}, Balance::least_loaded, work, draws(0, 0)) == 1u);
  // Servers that are newer than the numbers have nothing to do.
  CHECK(select(unequal, {}, Balance::least_loaded, outstanding({1}), draws(0, 0)) == 1u);

  const Topology three = topology({replica(10), replica(10), replica(10)});
  work = outstanding({1, 0, 0});
  CHECK(select(three, {}, Balance::least_loaded, work, draws(0, 0)) == 1u);
  CHECK(select(three, {}, Balance::least_loaded, work, draws(0, 10)) == 2u);
  CHECK(select(three, {}, Balance::least_loaded, work, draws(10, 0)) == 1u);
  CHECK(select(three, {}, Balance::least_loaded, work, draws(10, 10)) == 1u);
}

TEST_CASE("replica selector: the fastest by its answers and what waits there") {
  const Topology two = topology({replica(), replica()});
  std::vector<ServerWork> work(2);
  for (int i = 0; i < 20; ++i) {
    work[0].latency.add(100, 1);
    work[1].latency.add(250, 1);
  }
  CHECK(select(two, {}, Balance::fastest, work, draws(100, 0)) == 0u);
  work[0].outstanding = 1;  // 200 until it is done
  CHECK(select(two, {}, Balance::fastest, work, draws(100, 0)) == 0u);
  work[0].outstanding = 2;  // 300
  CHECK(select(two, {}, Balance::fastest, work, draws(0, 0)) == 1u);
}

TEST_CASE("replica selector: outliers are read from for trial, and when nobody else can") {
  const Topology three = topology({replica(), replica(), replica()});
  std::vector<ServerWork> work(3);
  work[1].outlier = true;
  for (std::uint64_t random = 0; random < 300; ++random) {
    CHECK(select(three, {}, Balance::least_loaded, work, random) != 1u);
  }
  work[1].trial = true;
  CHECK(select(three, {}, Balance::least_loaded, work, 0) == 1u);
  work[1].trial = false;
  Topology sick = three;
  sick.servers[0].health = sick.servers[2].health = Health::down;
  CHECK(select(sick, {}, Balance::least_loaded, work, 0) == 1u);
}

TEST_CASE(
    "replica selector: a full one is passed over, unless the statement has been let in there") {
  const Topology two = topology({replica(), replica()});
  std::vector<ServerWork> work(2);
  work[0].full = true;
  for (std::uint64_t random = 0; random < 300; ++random) {
    CHECK(select(two, {}, Balance::weighted, work, random) == 1u);
  }
  ReadNeeds needs;
  needs.preferred = needs.admitted = 0;
  CHECK(select(two, needs, Balance::weighted, work, 0) == 0u);
  needs.admitted.reset();
  CHECK(select(two, needs, Balance::weighted, work, 0) == 1u);
  work[1].full = true;
  CHECK_FALSE(select(two, {}, Balance::weighted, work, 0));
  work[1].outstanding = 5;
  ReadNeeds any;
  any.takes_full = true;
  CHECK(select(two, any, Balance::least_loaded, work, 0) == 0u);
}

TEST_CASE("replica selector: a session leaves an outlier as soon as another shows as much") {
  Topology two = topology({replica(), replica()});
  std::vector<ServerWork> work(2);
  work[0].outlier = true;
  ReadNeeds needs;
  needs.seen_on = 0;
  needs.seen_at = kNow + Milliseconds(1);
  CHECK_FALSE(select(two, needs, Balance::least_loaded, work, 0));
  needs.only_replicas = true;
  CHECK(select(two, needs, Balance::least_loaded, work, 0) == 0u);
  needs.only_replicas = false;
  two.servers[1].fresh_until = needs.seen_at;
  CHECK(select(two, needs, Balance::least_loaded, work, 0) == 1u);
  two.servers[1].health = Health::down;  // nobody to wait for
  CHECK(select(two, needs, Balance::least_loaded, work, 0) == 0u);
}

TEST_CASE("replica selector: a preferred one, as long as it qualifies and is no outlier") {
  Topology three = topology({replica(), replica(1), replica()});
  std::vector<ServerWork> work(3);
  ReadNeeds needs;
  needs.preferred = 1;
  for (std::uint64_t random = 0; random < 100; ++random) {
    CHECK(select(three, needs, Balance::weighted, work, random) == 1u);
  }
  work[1].outlier = true;
  CHECK(select(three, needs, Balance::weighted, work, 0) == 0u);
  work[1].outlier = false;
  three.servers[1].health = Health::down;
  CHECK(select(three, needs, Balance::weighted, work, 0) == 0u);
}

TEST_CASE("replica selector: the same zone first, unless it is overloaded or gone") {
  Topology servers = topology({replica(), replica(), replica()});
  servers.servers[0].zone = "a";
  servers.servers[1].zone = "b";
  servers.servers[2].zone = "b";
  auto work = outstanding({8, 0, 0});
  const auto chosen = [&](std::string_view zone, std::uint64_t random) {
    return select_replica(servers, {}, {Balance::least_loaded, zone}, work, random);
  };
  for (std::uint64_t random = 0; random < 100; ++random) {
    CHECK(chosen("a", random) == 0u);
    CHECK(chosen("b", random) != 0u);
  }
  work[0].outstanding = 9;
  CHECK(chosen("a", 0) != 0u);
  work[1].outstanding = work[2].outstanding = 1;
  CHECK(chosen("a", 0) == 0u);
  servers.servers[0].health = Health::lagging;
  CHECK(chosen("a", 0) != 0u);
  CHECK(chosen("nowhere", 0).has_value());
  CHECK(chosen("", 0).has_value());
}

TEST_CASE("replica selector: weights as large as they may be") {
  const Topology servers = topology({replica(UINT32_MAX), replica(UINT32_MAX)});
  const auto work = outstanding({UINT32_MAX, UINT32_MAX});
  for (std::uint64_t random :
       {std::uint64_t{0}, UINT64_MAX, std::uint64_t{1} << 63, std::uint64_t{77}}) {
    const auto chosen = select(servers, {}, Balance::least_loaded, work, random);
    REQUIRE(chosen);
    CHECK(*chosen < 2);
  }
}

TEST_CASE("replica selector: only one is wanted") {
  const Topology two = topology({primary(), replica(), replica()});
  ReadNeeds needs;
  needs.only = 2;
  for (std::uint64_t random = 0; random < 200; random += 7) {
    CHECK(select_replica(two, needs, {}, {}, random) == 2u);
  }
  // Even as an outlier: nobody else can take its place.
  std::vector<ServerWork> work(3);
  work[2].outlier = true;
  CHECK(select_replica(two, needs, {}, work, 1) == 2u);
  work[1].trial = true;
  CHECK(select_replica(two, needs, {}, work, 1) == 2u);
  needs.preferred = 1;
  CHECK(select_replica(two, needs, {}, {}, 1) == 2u);
  needs.avoid = 2;
  CHECK_FALSE(select_replica(two, needs, {}, {}, 1));
  needs.avoid.reset();
  needs.only = 0;
  CHECK_FALSE(select_replica(two, needs, {}, {}, 1));
}

}  // namespace
}  // namespace weir
