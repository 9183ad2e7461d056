// The heartbeat's statements, and what the assessor makes of the counts.

#include "proxy/monitor/heartbeat.h"

#include "test/unit/proxy/monitor_cluster.h"

namespace weir::test {
namespace {

ServerReply failed(unsigned error) {
  ServerReply reply;
  reply.error = error;
  reply.message = "refused";
  return reply;
}

// The three servers on paper, without GTIDs: db2 and db3 know their lag in whole seconds.
struct Beating : Cluster {
  void step(std::uint64_t written, std::optional<std::uint64_t> read) {
    const TimePoint then = now + 250ms;
    for (Probe& probe : probes) probe.as_primary = probe.as_replica = nullptr;
    probes[0].written = Beat{written, {then - 9ms, then - 8ms}};
    probes[1].read.reset();
    if (read) probes[1].read = Beat{*read, {then - 4ms, then - 3ms}};
    tick();
  }
};

}  // namespace

TEST_CASE("heartbeat: its statements", "[monitor][heartbeat]") {
  Heartbeat heartbeat("weir.beats-1");
  CHECK(heartbeat.next() == 1);
  CHECK(heartbeat.next() == 2);
  CHECK(has(heartbeat.write_query(7), "REPLACE INTO `weir`.`beats-1` (weir, beat) VALUES ('"));
  CHECK(has(heartbeat.write_query(7), "', 7)"));
  CHECK(has(heartbeat.read_query(), "SELECT beat FROM `weir`.`beats-1` WHERE weir = '"));
  CHECK(has(heartbeat.create_query(), "CREATE TABLE IF NOT EXISTS `weir`.`beats-1` ("));
  CHECK(has(heartbeat.clean_query(), "DELETE FROM `weir`.`beats-1` WHERE written < "));
  CHECK(Heartbeat("weir.beats-1").read_query() != heartbeat.read_query());  // rows of their own
}

TEST_CASE("heartbeat: answers", "[monitor][heartbeat]") {
  ServerReply reply;
  CHECK_FALSE(Heartbeat::decode(reply));
  reply.results.push_back({{"beat"}, {}});
  CHECK_FALSE(Heartbeat::decode(reply));
  reply.results[0].rows.push_back({"18446744073709551615"});
  CHECK(Heartbeat::decode(reply) == 18446744073709551615u);
  reply.results[0].rows[0] = {std::nullopt};
  CHECK_FALSE(Heartbeat::decode(reply));
  CHECK(Heartbeat::is_missing(failed(1146)));
  CHECK(Heartbeat::is_missing(failed(1049)));
  CHECK_FALSE(Heartbeat::is_missing(failed(1142)));
}

TEST_CASE("heartbeat: an error names the statement that puts it right", "[monitor][heartbeat]") {
  const Heartbeat heartbeat("weir.beats");
  const struct {
    unsigned error;
    std::string text;
  } table[] = {
      {1049, "the heartbeat table weir.beats cannot be used (refused): run CREATE DATABASE `weir`"},
      {1146,
       "the heartbeat table weir.beats cannot be used (refused): run " + heartbeat.create_query()},
      {1142,
       "the heartbeat table weir.beats cannot be used (refused): run GRANT SELECT, INSERT, "
       "DELETE, CREATE ON `weir`.`beats` TO 'm'@'10.%'"},
      {1290, "the heartbeat table weir.beats cannot be used (refused)"},
  };
  for (const auto& row : table) {
    CHECK(heartbeat.advice(failed(row.error), "m@10.%") == row.text);
  }
}

TEST_CASE("heartbeat: without GTIDs lag is known in milliseconds", "[monitor][heartbeat]") {
  Beating cluster;
  cluster.step(1, 1);
  CHECK(cluster.server(1).lag == 0ms);
  REQUIRE(cluster.server(1).fresh_until);
  CHECK(*cluster.server(1).fresh_until == cluster.now - 9ms);
  CHECK(cluster.server(2).lag == 1000ms);  // by its own word
  CHECK_FALSE(cluster.last.topology.replicas_wait);
  // From here on the replica shows nothing new. Its lag is that of the count which it shows.
  for (std::uint64_t n = 2; n <= 5; ++n) cluster.step(n, 1);
  CHECK(cluster.server(1).lag == 4 * 250ms + 6ms);
  CHECK(*cluster.server(1).fresh_until == cluster.now - 4 * 250ms - 9ms);
  CHECK(cluster.health(1) == Health::up);
  for (std::uint64_t n = 6; n <= 10; ++n) cluster.step(n, 1);
  CHECK(cluster.health(1) == Health::lagging);
  for (std::uint64_t n = 11; n <= 13; ++n) cluster.step(n, n);
  CHECK(cluster.health(1) == Health::up);
  CHECK(cluster.server(1).lag == 0ms);
}

TEST_CASE("heartbeat: a count that was not written makes nobody fresher", "[monitor][heartbeat]") {
  Beating cluster;
  cluster.step(1, 1);
  const auto fresh_until = cluster.server(1).fresh_until;
  cluster.step(1, 1);  // the same attempt, judged once more
  CHECK(cluster.server(1).fresh_until == fresh_until);
}

TEST_CASE("heartbeat: the server's word makes nobody fresh whose count was not read",
          "[monitor][heartbeat]") {
  Beating cluster;
  cluster.step(1, 1);
  REQUIRE(cluster.server(1).fresh_until);
  CHECK_FALSE(cluster.server(2).fresh_until);  // its count was never read
  cluster.step(2, std::nullopt);
  CHECK_FALSE(cluster.server(1).fresh_until);
  CHECK(cluster.server(1).lag == 1000ms);
  CHECK(cluster.health(1) == Health::up);
  cluster.step(3, 3);
  CHECK(cluster.server(1).fresh_until == cluster.now - 9ms);
}

TEST_CASE("heartbeat: before the first count has come, the server's word counts",
          "[monitor][heartbeat]") {
  Beating cluster;
  cluster.step(1, std::nullopt);
  CHECK(cluster.server(1).lag == 1000ms);
  CHECK(cluster.health(1) == Health::up);
}

TEST_CASE("heartbeat: positions come before it", "[monitor][heartbeat]") {
  Cluster cluster;
  for (int i = 0; i < 5; ++i) {
    const TimePoint then = cluster.now + 250ms;
    cluster.probes[0].written = Beat{static_cast<std::uint64_t>(i + 1), {then - 9ms, then - 8ms}};
    cluster.probes[1].read = Beat{1, {then - 4ms, then - 3ms}};
    cluster.tick();
  }
  CHECK(cluster.server(1).lag == 0ms);
}

TEST_CASE("heartbeat: what is wrong with it is told, and takes nobody out",
          "[monitor][heartbeat]") {
  Beating cluster;
  cluster.probes[0].beat_trouble = "the heartbeat table cannot be used";
  cluster.step(1, std::nullopt);
  CHECK(has(cluster.server(0).why, "the heartbeat table cannot be used"));
  CHECK(cluster.health(0) == Health::up);
  CHECK(cluster.told("the heartbeat table cannot be used"));
}

}  // namespace weir::test
