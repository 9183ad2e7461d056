// Which addresses are looked at, who joins, and who leaves: with answers written down by hand.

#include "proxy/monitor/discovery.h"

#include "proxy/monitor/roles.h"
#include "proxy/monitor/verdict.h"
#include "test/unit/proxy/monitor_cluster.h"

namespace weir::test {
namespace {

using Tie = Mention::Tie;

Endpoint at(const std::string& host, std::uint16_t port = 3306) {
  return {host, port, ""};
}

Probe server(std::uint32_t id) {
  Probe probe;
  probe.outcome = Probe::Outcome::answered;
  probe.flavor = Flavor::mysql;
  probe.server_id = id;
  probe.identity = "uuid-" + std::to_string(id);
  return probe;
}

Probe replica(std::uint32_t id, std::uint32_t source_id, const std::string& source_host) {
  Probe probe = server(id);
  probe.read_only = true;
  Channel channel;
  channel.source_host = source_host;
  channel.source_port = 3306;
  channel.source_id = source_id;
  channel.source_uuid = "uuid-" + std::to_string(source_id);
  channel.receiver = channel.applier = ThreadState::running;
  probe.channels = {channel};
  return probe;
}

Probe with_followers(Probe probe, Followers followers) {
  probe.followers = std::make_shared<const Followers>(std::move(followers));
  return probe;
}

Followers::Replica registered(std::uint32_t id, const std::string& host,
                              std::uint16_t port = 3306) {
  return {host, port, id, "uuid-" + std::to_string(id)};
}

std::string in_words(const Mention& mention) {
  constexpr const char* kTies[] = {"source ", "replica ", "member "};
  return kTies[static_cast<int>(mention.tie)] + mention.address.to_string() +
         (mention.guess ? " ?" : "");
}

std::vector<std::string> named_by(const Probe& probe) {
  std::vector<std::string> all;
  for (const Mention& mention : mentions({probe})) all.push_back(in_words(mention));
  return all;
}

// One listed server at "seed", whose answers and those of the others a test edits.
struct Bed {
  Config config;
  std::optional<Discovery> discovery;
  std::vector<Probe> probes;
  std::optional<std::size_t> primary = 0;
  TimePoint now = TimePoint{} + 1h;
  std::vector<MonitorEvent> events;

  explicit Bed(Probe seed) : probes{std::move(seed)} {
    config.servers.resize(1);
    config.servers[0].name = "seed";
    config.servers[0].address = at("seed");
    discovery.emplace(config);
  }
  bool hear() { return discovery->hear(probes, primary, now, events); }
  std::string next() {
    const auto address = discovery->next(now);
    return address ? address->to_string() : "";
  }
  // Hears, and looks at the one address that is to be looked at.
  std::optional<std::size_t> find(const std::string& host, Probe found) {
    hear();
    REQUIRE(next() == at(host).to_string());
    const auto joined = discovery->looked(at(host), found, probes, now, events);
    if (joined) {
      probes.resize(discovery->servers().size());
      probes[*joined] = std::move(found);
    }
    return joined;
  }
  Origin origin(std::size_t i) const { return discovery->servers()[i].origin; }
  bool told(const std::string& text) const {
    return std::any_of(events.begin(), events.end(), [&](const MonitorEvent& event) {
      return event.text.find(text) != std::string::npos;
    });
  }
};

Bed primary_with(std::vector<Followers::Replica> replicas) {
  return Bed(with_followers(server(1), {std::move(replicas), {}, {}}));
}

}  // namespace

TEST_CASE("discovery: whom a server names", "[monitor][discovery]") {
  Probe writable = replica(2, 1, "10.0.0.1");
  writable.read_only = false;
  Probe multi_source = replica(2, 1, "10.0.0.1");
  multi_source.channels.push_back(multi_source.channels.front());
  Probe never_connected = replica(2, 0, "10.0.0.1");
  never_connected.channels[0].source_uuid.clear();
  Probe silent = replica(2, 1, "10.0.0.1");
  silent.outcome = Probe::Outcome::failed;
  Probe member = server(1);
  member.membership.emplace();
  member.membership->peers = {{"10.0.0.2", 3306, "u"}, {"AUTO", 0, ""}};
  const struct {
    const char* what;
    Probe probe;
    std::vector<std::string> named;
  } table[] = {
      {"a replica its source", replica(2, 1, "10.0.0.1"), {"source 10.0.0.1:3306"}},
      {"by name", replica(2, 1, "db-1.example"), {"source db-1.example:3306"}},
      {"IPv6 in one spelling", replica(2, 1, "0:0::1"), {"source [::1]:3306"}},
      {"what is no host", replica(2, 1, "a b;DROP"), {}},
      {"no unix socket", replica(2, 1, "unix:/tmp/x"), {}},
      {"a writable server's source is its own affair", writable, {}},
      {"one of several sources", multi_source, {}},
      {"a source that it has never reached", never_connected, {}},
      {"nobody who does not answer", silent, {}},
      {"replicas by report_host",
       with_followers(server(1), {{registered(2, "db2"), registered(3, "db3", 3307)}, {}, {}}),
       {"replica db2:3306", "replica db3:3307"}},
      {"replicas without it, by where they are connected from",
       with_followers(server(1), {{registered(2, "")}, {"10.0.0.2", "10.0.0.3"}, {}}),
       {"replica 10.0.0.2:3306 ?", "replica 10.0.0.3:3306 ?"}},
      {"both, where they differ",
       with_followers(server(1), {{registered(2, "db2")}, {"10.0.0.2"}, {}}),
       {"replica db2:3306", "replica 10.0.0.2:3306 ?"}},
      {"not who has no port", with_followers(server(1), {{registered(2, "cdc", 0)}, {}, {}}), {}},
      {"the members of its group", member, {"member 10.0.0.2:3306"}},
  };
  for (const auto& row : table) {
    INFO(row.what);
    CHECK(named_by(row.probe) == row.named);
  }
}

TEST_CASE("discovery: what proves a mention", "[monitor][discovery]") {
  Probe maria = server(7);
  maria.flavor = Flavor::mariadb;
  maria.identity = "7 at host:3306";
  Probe of_maria = replica(8, 7, "x");
  of_maria.flavor = Flavor::mariadb;
  of_maria.channels[0].source_uuid.clear();
  Probe member = server(1), other = server(2), stranger = server(3);
  for (Probe* each : {&member, &other, &stranger}) each->membership.emplace().view = "view 1";
  stranger.membership->view = "view 2";
  Probe denied = replica(2, 1, "x");
  denied.outcome = Probe::Outcome::denied;
  const struct {
    const char* what;
    Tie tie;
    Probe by, found;
    bool proved;
  } table[] = {
      {"the source is the one that the replica follows", Tie::source, replica(2, 1, "x"), server(1),
       true},
      {"another server answers there", Tie::source, replica(2, 1, "x"), server(5), false},
      {"MariaDB: by server id", Tie::source, of_maria, maria, true},
      {"MariaDB: another one", Tie::source, of_maria, server(1), false},
      {"the replica says that it follows", Tie::replica, server(1), replica(2, 1, "x"), true},
      {"it follows another one", Tie::replica, server(1), replica(2, 4, "x"), false},
      {"it follows nobody", Tie::replica, server(1), server(2), false},
      {"it does not answer", Tie::replica, server(1), denied, false},
      {"the same group", Tie::member, member, other, true},
      {"another group", Tie::member, member, stranger, false},
      {"no group", Tie::member, member, server(4), false},
  };
  for (const auto& row : table) {
    INFO(row.what);
    Mention mention;
    mention.tie = row.tie;
    CHECK(is_proved(mention, row.found, {row.by}) == row.proved);
  }
}

TEST_CASE("discovery: replicas join, and their replicas after them", "[monitor][discovery]") {
  Bed bed = primary_with({registered(2, "db2")});
  bed.hear();
  CHECK(bed.discovery->searching(bed.now));
  const Probe db2 = with_followers(replica(2, 1, "seed"), {{registered(3, "db3")}, {}, {}});
  CHECK(bed.find("db2", db2) == 1u);
  CHECK(bed.told("found server db2:3306: seed names it as its replica"));
  CHECK(bed.discovery->servers()[1].origin == Origin::discovered);
  CHECK(bed.discovery->servers()[1].name == "db2:3306");
  CHECK(bed.find("db3", replica(3, 2, "db2")) == 2u);
  CHECK(bed.told("found server db3:3306: db2:3306 names it as its replica"));
  CHECK_FALSE(bed.hear());
  CHECK(bed.next().empty());
  CHECK_FALSE(bed.discovery->searching(bed.now));
  CHECK(bed.discovery->servers()[0].name == "seed");
}

TEST_CASE("discovery: a source joins, and its other replicas", "[monitor][discovery]") {
  Bed bed(replica(2, 1, "db1"));
  bed.primary.reset();
  CHECK(bed.find("db1",
                 with_followers(server(1), {{registered(2, "x"), registered(3, "db3")}, {}, {}})) ==
        1u);
  // The one that is known already is known under any address.
  CHECK(bed.find("db3", replica(3, 1, "db1")) == 2u);
  bed.hear();
  CHECK(bed.next().empty());
}

TEST_CASE("discovery: one server under two addresses is one", "[monitor][discovery]") {
  // The source is not known by its id before it was looked at: the seed did not answer so far.
  Bed bed(server(1));
  bed.probes[0].outcome = Probe::Outcome::failed;
  bed.config.servers.push_back(bed.config.servers[0]);
  bed.config.servers[1].name = "other";
  bed.config.servers[1].address = at("other");
  bed.discovery.emplace(bed.config);
  bed.probes.push_back(replica(2, 1, "10.0.0.1"));
  SECTION("the listed one answers later") {
    CHECK(bed.find("10.0.0.1", server(1)) == 2u);
    bed.probes[0].outcome = Probe::Outcome::answered;
    CHECK(bed.hear());
    CHECK(bed.origin(2) == Origin::left);
    CHECK(bed.told("server 10.0.0.1:3306 is seed: it is counted once from now on"));
  }
  SECTION("the listed one answers while it is looked at") {
    bed.hear();
    REQUIRE(bed.next() == "10.0.0.1:3306");
    bed.probes[0].outcome = Probe::Outcome::answered;
    bed.probes[1].channels[0].source_uuid = "uuid-9";  // so that only the address names it
    bed.hear();
    CHECK_FALSE(bed.discovery->looked(at("10.0.0.1"), server(1), bed.probes, bed.now, bed.events));
    CHECK(bed.told("10.0.0.1:3306, which other names as its source, is seed"));
  }
  bed.hear();
  CHECK(bed.next().empty());
}

TEST_CASE("discovery: loops end", "[monitor][discovery]") {
  Probe a = replica(1, 2, "b");
  Bed bed(with_followers(a, {{registered(2, "b")}, {}, {}}));
  const Probe b = with_followers(replica(2, 1, "seed"), {{registered(1, "seed")}, {}, {}});
  CHECK(bed.find("b", b) == 1u);
  CHECK_FALSE(bed.hear());
  CHECK(bed.next().empty());
  CHECK(bed.discovery->servers().size() == 2);
}

TEST_CASE("discovery: who is not what was said is asked again, ever more rarely",
          "[monitor][discovery]") {
  Bed bed = primary_with({registered(2, "db2")});
  CHECK_FALSE(bed.find("db2", replica(2, 9, "elsewhere")));
  CHECK(bed.told("db2:3306, which seed names as its replica, is not that"));
  CHECK_FALSE(bed.discovery->searching(bed.now));
  bed.hear();
  CHECK(bed.next().empty());
  bed.now += 5s;
  Probe down;
  down.outcome = Probe::Outcome::failed;
  down.error = "refused";
  CHECK_FALSE(bed.find("db2", down));
  CHECK(bed.told("cannot be questioned: refused"));
  bed.now += 9s;
  bed.hear();
  CHECK(bed.next().empty());
  bed.now += 1s;
  CHECK(bed.find("db2", replica(2, 1, "seed")) == 1u);
}

TEST_CASE("discovery: a replica that its former source still names, and its new one, too",
          "[monitor][discovery]") {
  Bed bed = primary_with({registered(2, "db2"), registered(3, "db3")});
  const Probe db3 = replica(3, 2, "db2");
  bed.hear();
  REQUIRE(bed.next() == "db2:3306");
  REQUIRE(bed.next() == "db3:3306");
  CHECK_FALSE(bed.discovery->looked(at("db3"), db3, bed.probes, bed.now, bed.events));
  const Probe db2 = with_followers(replica(2, 1, "seed"), {{registered(3, "db3")}, {}, {}});
  REQUIRE(bed.discovery->looked(at("db2"), db2, bed.probes, bed.now, bed.events) == 1u);
  bed.probes.push_back(db2);
  CHECK(bed.find("db3", db3) == 2u);
  CHECK(bed.told("found server db3:3306: db2:3306 names it as its replica"));
}

TEST_CASE("discovery: guesses that fail are not told", "[monitor][discovery]") {
  Bed bed(with_followers(server(1), {{registered(2, "")}, {"10.0.0.9"}, {}}));
  Probe down;
  down.outcome = Probe::Outcome::failed;
  CHECK_FALSE(bed.find("10.0.0.9", down));
  CHECK(bed.events.empty());
}

TEST_CASE("discovery: the number of servers and of addresses is bounded", "[monitor][discovery]") {
  std::vector<Followers::Replica> many;
  for (std::uint32_t id = 2; id < 2000; ++id) {
    many.push_back(registered(id, "h" + std::to_string(id)));
  }
  Bed bed = primary_with(many);
  bed.hear();
  CHECK(bed.told("is not looked for"));
  SECTION("addresses at a time") {
    std::size_t looks = 0;
    while (!bed.next().empty()) ++looks;
    CHECK(looks == 64);
  }
  SECTION("servers") {
    for (int i = 0; i < 200; ++i) {
      bed.hear();
      const auto address = bed.discovery->next(bed.now);
      if (!address) break;
      const auto id = static_cast<std::uint32_t>(std::stoul(address->host.substr(1)));
      const auto joined =
          bed.discovery->looked(*address, replica(id, 1, "seed"), bed.probes, bed.now, bed.events);
      if (joined) bed.probes.push_back(replica(id, 1, "seed"));
    }
    CHECK(bed.discovery->servers().size() == 1 + kMostDiscovered);
  }
  SECTION("addresses in all, when they change all the time") {
    std::size_t looks = 0;
    for (int round = 0; round < 100; ++round) {
      for (auto& each : many) each.host += "x";
      bed.probes[0] = with_followers(server(1), {many, {}, {}});
      bed.hear();
      while (!bed.next().empty()) ++looks;
    }
    CHECK(looks <= 1024);
  }
}

TEST_CASE("discovery: who is down for long and named by nobody leaves, and may come back",
          "[monitor][discovery]") {
  Bed bed = primary_with({registered(2, "db2")});
  REQUIRE(bed.find("db2", replica(2, 1, "seed")) == 1u);
  bed.probes[1].outcome = Probe::Outcome::failed;
  bed.now += 10min;
  CHECK_FALSE(bed.hear());  // it is named
  bed.probes[0] = server(1);
  bed.now += 299s;
  CHECK_FALSE(bed.hear());
  bed.now += 1s;
  CHECK(bed.hear());
  CHECK(bed.origin(1) == Origin::left);
  CHECK(bed.told("server db2:3306 has left"));
  CHECK(bed.discovery->servers().size() == 2);
  bed.probes[0] = with_followers(server(1), {{registered(2, "db2")}, {}, {}});
  CHECK(bed.find("db2", replica(2, 1, "seed")) == 1u);
  CHECK(bed.origin(1) == Origin::discovered);
}

TEST_CASE("discovery: who follows somebody else now drags nobody in, and leaves",
          "[monitor][discovery]") {
  Bed bed = primary_with({registered(2, "db2")});
  REQUIRE(bed.find("db2", replica(2, 1, "seed")) == 1u);
  bed.probes[0] = server(1);
  bed.probes[1] = replica(2, 77, "another-cluster");
  bed.now += 1s;
  CHECK_FALSE(bed.hear());
  CHECK(bed.next().empty());
  bed.now += 5min;
  CHECK(bed.hear());
  CHECK(bed.origin(1) == Origin::left);
}

TEST_CASE("discovery: when the seed has died, the others stay with the new primary",
          "[monitor][discovery]") {
  Bed bed = primary_with({registered(2, "db2"), registered(3, "db3")});
  REQUIRE(bed.find("db2", replica(2, 1, "seed")) == 1u);
  REQUIRE(bed.find("db3", replica(3, 1, "seed")) == 2u);
  bed.probes[0].outcome = Probe::Outcome::failed;
  bed.probes[1] = server(2);
  bed.probes[2] = replica(3, 2, "db2");
  bed.primary = 1;
  for (int i = 0; i < 100; ++i) {
    bed.now += 1min;
    CHECK_FALSE(bed.hear());
  }
  CHECK(bed.origin(1) == Origin::discovered);
  CHECK(bed.origin(2) == Origin::discovered);
}

TEST_CASE("discovery: a server that has left is waited for by nobody", "[monitor][discovery]") {
  Cluster cluster;
  cluster.tick();
  REQUIRE(cluster.last.topology.primary == 0u);
  auto fewer = std::make_shared<Config>(*cluster.config);
  fewer->servers[2].origin = Origin::left;
  cluster.assessor->know(fewer);
  cluster.probes[2] = Probe{};
  cluster.tick();
  CHECK(cluster.last.topology.primary == 0u);
  CHECK(cluster.server(2).origin == Origin::left);
  CHECK(cluster.health(2) == Health::down);
  CHECK(cluster.last.events.empty());
  cluster.fail(0, Probe::Outcome::failed, "refused");
  cluster.tick();
  CHECK(has(cluster.last.topology.no_primary_why, "db2 is read_only"));
  CHECK_FALSE(cluster.last.topology.no_primary_why.find("db3") != std::string::npos);
}

TEST_CASE("discovery: the first primary is not chosen while others may be found",
          "[monitor][discovery]") {
  Cluster cluster;
  cluster.assessor = std::make_unique<Assessor>(cluster.config);
  cluster.tick();  // makes the probes' instants
  cluster.assessor = std::make_unique<Assessor>(cluster.config);
  Topology topology = cluster.assessor->assess(cluster.probes, cluster.now, true).topology;
  CHECK_FALSE(topology.primary);
  CHECK(has(topology.no_primary_why, "servers that others name are being looked at"));
  topology = cluster.assessor->assess(cluster.probes, cluster.now, false).topology;
  CHECK(topology.primary == 0u);
  topology = cluster.assessor->assess(cluster.probes, cluster.now, true).topology;
  CHECK(topology.primary == 0u);
}

TEST_CASE("discovery: servers that join are judged from then on", "[monitor][discovery]") {
  Cluster cluster;
  cluster.tick();
  auto more = std::make_shared<Config>(*cluster.config);
  more->servers.push_back(discovered_server(at("10.0.0.4")));
  cluster.config = more;
  cluster.assessor->know(more);
  cluster.probes.emplace_back();
  cluster.replica(3);
  cluster.tick();
  REQUIRE(cluster.last.topology.servers.size() == 4);
  CHECK(cluster.server(3).name == "10.0.0.4:3306");
  CHECK(cluster.server(3).serves_reads());
  CHECK(cluster.last.topology.primary == 0u);
}

// "listed primary, then discovered ones": who takes writes.
TEST_CASE("discovery: a writable server that was discovered does not end all writes",
          "[monitor][discovery]") {
  Probe writable_replica = replica(2, 1, "db1");
  writable_replica.read_only = false;
  Probe stopped = writable_replica;
  stopped.channels[0].receiver = ThreadState::stopped;
  Probe down = server(1);
  down.outcome = Probe::Outcome::failed;
  Probe read_only = server(1);
  read_only.read_only = true;
  const struct {
    const char* what;
    std::vector<Probe> probes;
    std::optional<std::size_t> primary;
  } table[] = {
      {"a replica that is not read_only", {server(1), writable_replica}, 0},
      {"one that was detached", {server(1), server(2)}, 0},
      {"one whose replication was stopped", {server(1), stopped}, 0},
      {"others follow it: which one is right?",
       {server(1), server(2), replica(3, 2, "db2")},
       std::nullopt},
      {"it was promoted", {down, server(2), replica(3, 2, "db2")}, 1},
      {"it was promoted without RESET REPLICA", {read_only, stopped}, 1},
      {"a replica is none while it fetches", {down, writable_replica}, std::nullopt},
  };
  for (const auto& row : table) {
    INFO(row.what);
    Config config;
    for (std::size_t i = 0; i < row.probes.size(); ++i) {
      config.servers.push_back(discovered_server(at("db" + std::to_string(i + 1))));
    }
    config.servers[0].origin = Origin::listed;
    const Election election =
        elect(config, row.probes, std::vector<Role>(row.probes.size(), Role::unknown));
    CHECK(election.primary == row.primary);
    if (row.primary) CHECK(election.roles[*row.primary] == Role::primary);
  }
}

TEST_CASE("discovery: a replica with filters is read from only when it is listed",
          "[monitor][discovery]") {
  Config config;
  config.servers = {discovered_server(at("db1")), discovered_server(at("db2"))};
  std::vector<Probe> probes = {server(1), replica(2, 1, "db1")};
  probes[1].channels[0].filter = "Replicate_Do_DB = shop";
  const Election election = elect(config, probes, {Role::unknown, Role::unknown});
  const LagMeter meter(1min, 1s);
  const ReplicaCase c{config, election, probes, meter, 1, nullptr, 0};
  const Verdict verdict = judge_replica(c);
  CHECK(verdict.kind == Verdict::Kind::bad);
  CHECK(verdict.why.find("may lack data (Replicate_Do_DB = shop)") != std::string::npos);
  config.servers[1].origin = Origin::listed;
  CHECK(judge_replica(c).why.find("may lack data") == std::string::npos);
}

}  // namespace weir::test
