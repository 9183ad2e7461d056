// Positions that go backwards: all GTIDs are reset, those of the primary alone, or a replica is put
// back to an older state. No session may read less than before, nor wait for what will never come.

#include "test/integration/failover_fixture.h"

using namespace weir::test;

namespace {

class HistoryTest : public FailoverTest {
 public:
  HistoryTest() { ruined = true; }  // positions are not what they were, whatever happens

  std::string reset() const {
    return cluster.mariadb() ? "RESET MASTER" : "RESET BINARY LOGS AND GTIDS";
  }
  // A replica forgets what it has, and takes `position` for it.
  void set_position(int n, const std::string& position) const {
    std::vector<std::string> statements = {"STOP REPLICA", reset()};
    if (cluster.mariadb()) {
      statements.push_back("SET GLOBAL gtid_slave_pos = '" + position + "'");
    } else {
      statements.push_back("RESET REPLICA");  // or it would not fetch again what it has fetched
      if (!position.empty()) statements.push_back("SET GLOBAL gtid_purged = '" + position + "'");
    }
    cluster.sql(n, statements);
  }
  // What a replica shows, changed there alone and without a GTID.
  void set_value(int n, const std::string& v) const {
    std::vector<std::string> statements = {"SET sql_log_bin = 0", "UPDATE app.one SET v = " + v};
    if (!cluster.mariadb()) {
      statements.insert(statements.begin(), "SET GLOBAL super_read_only = 0");
      statements.push_back("SET GLOBAL super_read_only = 1");
    }
    cluster.sql(n, statements);
  }
};

bool reads_come_from(const Weir& weir, std::vector<int> expected) {
  return until([&] { return weir.readers() == expected; });
}

void write_and_read(Client& client, int from, int to) {
  for (int i = from; i < to; ++i) {
    client.query("UPDATE one SET v = " + std::to_string(i));
    CHECK(client.value("SELECT v FROM one") == std::to_string(i));
  }
}

}  // namespace

TEST_CASE_METHOD(HistoryTest, "history: all servers' GTIDs begin anew", "[failover]") {
  Weir weir(cluster, options());
  Console console(weir);
  Client client = connect_writer(weir);
  write_and_read(client, 1, 60);
  cluster.catch_up();
  for (const int n : {2, 3}) cluster.sql(n, {"STOP REPLICA"});
  cluster.sql(1, {reset()});
  for (const int n : {2, 3}) {
    set_position(n, "");
    cluster.sql(n, {"START REPLICA"});
  }
  write_and_read(client, 100, 160);
  CHECK(reads_come_from(weir, {2, 3}));
  // The session's own reads, too, although it has written GTIDs that nobody has any more.
  CHECK(until([&] { return client.value("SELECT @@server_id FROM one") != id(1); }));
  const long in_vain = console.counter("waits_in_vain");
  for (int i = 0; i < 100; ++i) CHECK(client.value("SELECT v FROM one") == "159");
  CHECK(console.counter("waits_in_vain") == in_vain);
  write_and_read(client, 200, 230);
  end(weir);
}

TEST_CASE_METHOD(HistoryTest, "history: the primary alone loses its own", "[failover]") {
  Weir weir(cluster, options());
  Client client = connect_writer(weir);
  write_and_read(client, 1, 20);
  cluster.catch_up();
  cluster.sql(1, {reset()});
  // The replicas have more than the primary says that there is: nothing can be compared with that.
  CHECK(reads_come_from(weir, {1}));
  write_and_read(client, 100, 120);
  CHECK(weir.log().find("has lost transactions that the primary had before") != std::string::npos);
  // They are built anew from the primary.
  for (const int n : {2, 3}) cluster.sql(n, {"STOP REPLICA"});
  for (const int n : {2, 3}) {
    set_position(n, "");
    set_value(n, "19");
    cluster.sql(n, {"START REPLICA"});
  }
  CHECK(reads_come_from(weir, {2, 3}));
  write_and_read(client, 200, 220);
  end(weir);
}

TEST_CASE_METHOD(HistoryTest, "history: a replica is put back to an older state", "[failover]") {
  WeirOptions wide = options();
  wide.sections["monitor"] =
      "max_lag = \"10m\"\n";  // so that nothing but its history speaks against it
  Weir weir(cluster, wide);
  Console console(weir);
  Client client = connect_writer(weir);
  client.query("UPDATE one SET v = 1");
  cluster.catch_up();
  const std::string old = position(1);
  client.query("UPDATE one SET v = 2");
  cluster.catch_up();
  Client reader = connect_writer(weir);
  REQUIRE(until([&] { return reader.value("SELECT @@server_id FROM one") != id(1); }));
  REQUIRE(reader.value("SELECT v FROM one") == "2");
  const auto known_position = [&] { return console.cell("SHOW SERVERS", "db2", "gtid_position"); };
  std::string newest;
  REQUIRE(until([&] { return (newest = known_position()) == position(2); }));
  // The data as it was at `old`, and replication that will not do it again for a long time.
  set_position(2, old);
  set_value(2, "1");
  cluster.delay(2, 600);
  // Before the monitor has asked it again, nobody can know.
  REQUIRE(until([&] { return known_position() != newest; }));
  CHECK(until([&] {
    // Neither the session that wrote nor the one that only read sees the old state again.
    CHECK(client.value("SELECT v FROM one") == "2");
    CHECK(reader.value("SELECT v FROM one") == "2");
    // Who wants any state gets it from there.
    return connect_writer(weir).value("/* weir: consistency=eventual */ SELECT v FROM one") == "1";
  }));
  for (int i = 0; i < 200; ++i) {
    CHECK(client.value("SELECT v FROM one") == "2");
    CHECK(reader.value("SELECT v FROM one") == "2");
  }
  cluster.delay(2, 0);
  cluster.catch_up();
  CHECK(cluster.sql(2, {"SELECT v FROM app.one"}) == "2");
  CHECK(reads_come_from(weir, {2, 3}));
  end(weir);
}
