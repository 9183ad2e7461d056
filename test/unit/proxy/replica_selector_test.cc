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

TEST_CASE("replica selector: nobody") {
  const std::array<std::uint32_t, 2> load = {0, 0};
  CHECK_FALSE(select_replica(topology({}), {}, Balance::weighted, {}, 1));
  CHECK_FALSE(select_replica(topology({primary()}), {}, Balance::weighted, load, 1));
  ReadNeeds needs;
  needs.avoid = 1;
  CHECK_FALSE(
      select_replica(topology({primary(), replica()}), needs, Balance::least_loaded, load, 1));
}

TEST_CASE("replica selector: preferred and avoided") {
  const Topology three = topology({replica(), replica(1), replica()});
  for (std::uint64_t random = 0; random < 300; ++random) {
    ReadNeeds needs;
    needs.preferred = 1;
    CHECK(select_replica(three, needs, Balance::weighted, {}, random) == 1u);
    needs.avoid = 1;
    CHECK(select_replica(three, needs, Balance::weighted, {}, random) != 1u);
  }
  Topology sick = three;
  sick.servers[1].health = Health::down;
  ReadNeeds needs;
  needs.preferred = 1;
  CHECK(select_replica(sick, needs, Balance::weighted, {}, 0) == 0u);
  needs.preferred = 9;
  CHECK(select_replica(three, needs, Balance::weighted, {}, 0) == 0u);
}

TEST_CASE("replica selector: weights share the units") {
  const Topology servers = topology({primary(), replica(1), replica(3), replica(0)});
  std::array<int, 4> hits{};
  for (std::uint32_t unit = 0; unit < 400; ++unit) {
    ++hits[select_replica(servers, {}, Balance::weighted, {}, unit).value()];
  }
  CHECK(hits == std::array<int, 4>{0, 100, 300, 0});
}

TEST_CASE("replica selector: weight 0 serves when nobody else can") {
  Topology servers = topology({replica(0), replica(0), replica(5)});
  for (std::uint64_t random = 0; random < 20; ++random) {
    CHECK(select_replica(servers, {}, Balance::least_loaded, {}, random) == 2u);
  }
  ReadNeeds needs;
  needs.avoid = 2;
  CHECK(select_replica(servers, needs, Balance::least_loaded, {}, 3) == 0u);
}

TEST_CASE("replica selector: of two drawn, the one with less to do for its weight") {
  const Topology equal = topology({replica(10), replica(10)});
  std::array<std::uint32_t, 2> load = {5, 4};
  CHECK(select_replica(equal, {}, Balance::least_loaded, load, draws(0, 10)) == 1u);
  CHECK(select_replica(equal, {}, Balance::least_loaded, load, draws(10, 0)) == 1u);
  CHECK(select_replica(equal, {}, Balance::weighted, load, draws(0, 10)) == 0u);
  load = {4, 4};
  CHECK(select_replica(equal, {}, Balance::least_loaded, load, draws(0, 10)) == 0u);
  CHECK(select_replica(equal, {}, Balance::least_loaded, load, draws(10, 0)) == 1u);
  load = {9, 0};
  CHECK(select_replica(equal, {}, Balance::least_loaded, load, draws(0, 5)) ==
        0u);  // both the same

  const Topology unequal = topology({replica(30), replica(10)});
  load = {6, 2};  // the same for their weights
  CHECK(select_replica(unequal, {}, Balance::least_loaded, load, draws(0, 30)) == 0u);
  load = {7, 2};
  CHECK(select_replica(unequal, {}, Balance::least_loaded, load, draws(0, 30)) == 1u);
  // Servers that are newer than the numbers have nothing to do.
  CHECK(select_replica(unequal, {}, Balance::least_loaded, std::array<std::uint32_t, 1>{1},
                       draws(0, 30)) == 1u);
}

TEST_CASE("replica selector: weights as large as they may be") {
  const Topology servers = topology({replica(UINT32_MAX), replica(UINT32_MAX)});
  const std::array<std::uint32_t, 2> load = {UINT32_MAX, UINT32_MAX};
  std::set<std::size_t> seen;
  for (std::uint64_t random :
       {std::uint64_t{0}, UINT64_MAX, std::uint64_t{1} << 63, std::uint64_t{77}}) {
    const auto chosen = select_replica(servers, {}, Balance::least_loaded, load, random);
    REQUIRE(chosen);
    CHECK(*chosen < 2);
  }
}

}  // namespace
}  // namespace weir
