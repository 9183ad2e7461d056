#include "proxy/core/drained_servers.h"

#include "test/support/catch.h"

namespace weir {
namespace {

Topology primary_and_replica() {
  Topology topology;
  topology.servers.resize(2);
  topology.servers[0].name = "db1";
  topology.servers[0].role = Role::primary;
  topology.servers[0].health = Health::up;
  topology.servers[1].role = Role::replica;
  topology.servers[1].health = Health::up;
  topology.servers[1].why = "kept 5 s behind";
  topology.primary = 0;
  return topology;
}

TEST_CASE("drained servers: a replica serves no reads until it is enabled") {
  DrainedServers drained(2);
  CHECK(drained.set(1, true));
  CHECK_FALSE(drained.set(1, true));
  Topology topology = primary_and_replica();
  apply(drained, topology);
  CHECK(topology.primary == 0);
  CHECK(topology.servers[1].health == Health::drained);
  CHECK_FALSE(topology.servers[1].serves_reads());
  CHECK(topology.servers[1].why == "drained by an operator; kept 5 s behind");

  CHECK(drained.set(1, false));
  topology = primary_and_replica();
  apply(drained, topology);
  CHECK(topology.servers[1].serves_reads());
}

TEST_CASE("drained servers: without its primary a topology has none, and says why") {
  DrainedServers drained(2);
  drained.set(0, true);
  Topology topology = primary_and_replica();
  apply(drained, topology);
  CHECK_FALSE(topology.primary);
  CHECK(topology.no_primary_why == "the primary db1 is drained");
  CHECK(topology.servers[0].role == Role::primary);
  CHECK(topology.servers[0].health == Health::drained);
  CHECK(topology.servers[1].serves_reads());
}

}  // namespace
}  // namespace weir
