#include "proxy/core/route_answer.h"

#include "test/support/catch.h"

namespace weir {
namespace {

TEST_CASE("route answer: what is asked about", "[rules]") {
  const std::pair<const char*, const char*> cases[] = {
      {"EXPLAIN ROUTE SELECT 1", "SELECT 1"},
      {"explain\troute\n  select 1; select 2", "select 1; select 2"},
      {"/* a */ EXPLAIN ROUTE /* weir: primary */ SELECT 1", "/* weir: primary */ SELECT 1"},
      {"EXPLAIN ROUTE(SELECT 1)", "(SELECT 1)"},
      {"EXPLAIN ROUTE  ", ""},
      {"EXPLAIN SELECT 1", ""},
      {"SELECT 1", ""},
      {"", ""},
  };
  for (const auto& [text, asked] : cases) {
    CAPTURE(text);
    CHECK(asked_statement(text, {}) == asked);
  }
}

TEST_CASE("route answer: a row with what is known", "[rules]") {
  const auto bare = route_table(Route{}, "", "");
  REQUIRE(bare.rows.size() == 1);
  CHECK(bare.columns.size() == 6);
  CHECK(bare.rows[0].size() == 6);
  CHECK(bare.rows[0][0] == "primary");
  CHECK(bare.rows[0][1] == "unknown_statement");
  CHECK_FALSE(bare.rows[0][3]);
  CHECK_FALSE(bare.rows[0][4]);
  CHECK_FALSE(bare.rows[0][5]);
  Rule rule;
  rule.name = "reports";
  rule.to = {RuleTarget::Kind::server, "db2"};
  const Route route{Destination::replica, RouteCause::rule, sql::Reason::plain_read, {}, &rule};
  const auto full = route_table(route, "db2", "0123456789abcdef");
  CHECK(full.rows[0] == protocol::ResultSet::Row{"replica", "rule",
                                                 "rule \"reports\" sends it to server db2",
                                                 "reports", "db2", "0123456789abcdef"});
}

TEST_CASE("route answer: the server for a session without a past", "[rules]") {
  Topology topology;
  topology.servers.resize(3);
  for (std::size_t i = 0; i < 3; ++i) {
    topology.servers[i].name = "db" + std::to_string(i + 1);
    topology.servers[i].role = i == 0 ? Role::primary : Role::replica;
    topology.servers[i].health = Health::up;
  }
  topology.servers[1].health = Health::down;
  topology.primary = 0;
  Rule third;
  third.to = {RuleTarget::Kind::server, "db2"};
  third.server = 1;
  Route read;
  read.destination = Destination::replica;
  CHECK(server_for_stranger(Route{}, topology, {}) == "db1");
  CHECK(server_for_stranger(read, topology, {}) == "db3");
  read.cause = RouteCause::rule;
  read.rule = &third;
  CHECK(server_for_stranger(read, topology, {}) == "db1");  // its own is down
  RoutingConfig never;
  never.primary_reads = PrimaryReads::never;
  CHECK(server_for_stranger(read, topology, never).empty());
  topology.servers[1].health = Health::up;
  CHECK(server_for_stranger(read, topology, never) == "db2");
  third.server = 0;
  CHECK(server_for_stranger(read, topology, never) == "db1");
  read.destination = Destination::reject;
  CHECK(server_for_stranger(read, topology, {}).empty());
  CHECK(server_for_stranger(Route{}, Topology(), {}).empty());
}

}  // namespace
}  // namespace weir
