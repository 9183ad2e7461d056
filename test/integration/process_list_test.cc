// SHOW PROCESSLIST speaks of sessions as KILL does.

#include <algorithm>

#include "test/integration/proxy_fixture.h"
#include "test/support/statement.h"

using namespace weir::test;

namespace {

std::string id_of(Client& client) {
  return std::to_string(mysql_thread_id(client.raw()));
}

// The ids of the rows whose Info holds the text.
std::vector<std::string> ids_of(const Result& list, const std::string& text) {
  const auto column = [&](const std::string& name) {
    const auto found = std::find(list.columns.begin(), list.columns.end(), name);
    return static_cast<std::size_t>(found - list.columns.begin());
  };
  const std::size_t id = column("Id");
  const std::size_t info = column("Info");
  std::vector<std::string> ids;
  for (const auto& row : list.rows) {
    if (row.at(info).value_or("").find(text) != std::string::npos) ids.push_back(*row.at(id));
  }
  return ids;
}

bool shows(const Result& list, const std::string& id) {
  return std::any_of(list.rows.begin(), list.rows.end(),
                     [&](const auto& row) { return row.at(0) == id; });
}

// What a sleep answers that was killed: 1, or that it was interrupted.
std::string outcome_of_sleep(Client& client) {
  try {
    return client.receive().value();
  } catch (const ServerError& error) {
    return std::to_string(error.code());
  }
}

// A session that is about to sleep on the primary.
struct Sleeper {
  explicit Sleeper(Client session) : client(std::move(session)), id(id_of(client)) {}
  void sleep(const std::string& marker) {
    client.send("/* weir: primary */ SELECT SLEEP(300) /* " + marker + " */");
  }
  Client client;
  std::string id;
};

}  // namespace

TEST_CASE_METHOD(ProxyTest, "process list: what it shows can be killed, on any worker",
                 "[processlist]") {
  Client asks = weir.connect();
  // Enough of them that no worker has none.
  std::vector<Sleeper> sleepers;
  for (int i = 0; i < 8; ++i) {
    sleepers.emplace_back(weir.connect());
    sleepers.back().sleep("sleeper " + std::to_string(i));
  }
  for (int i = 0; i < 8; ++i) {
    Sleeper& sleeper = sleepers[static_cast<std::size_t>(i)];
    const std::string marker = "sleeper " + std::to_string(i);
    INFO(marker);
    std::vector<std::string> ids;
    REQUIRE(until([&] {
      ids = ids_of(asks.query("SHOW FULL PROCESSLIST"), marker);
      return !ids.empty();
    }));
    CHECK(ids == std::vector{sleeper.id});
    asks.query("KILL QUERY " + ids.front());
    const std::string outcome = outcome_of_sleep(sleeper.client);
    CHECK((outcome == "1" || outcome == "1317"));
    CHECK(sleeper.client.value("SELECT 2") == "2");
  }
}

TEST_CASE_METHOD(ProxyTest, "process list: the asking session sees itself", "[processlist]") {
  Client client = weir.connect();
  const std::string id = id_of(client);
  const std::string text = "SHOW FULL PROCESSLIST";
  CHECK(ids_of(client.query(text), text) == std::vector{id});
  client.query("START TRANSACTION READ ONLY");
  REQUIRE(is_replica(client.value("SELECT @@server_id")));
  CHECK(ids_of(client.query(text), text) == std::vector{id});
  client.query("COMMIT");
  client.query("BEGIN");
  CHECK(ids_of(client.query(text), text) == std::vector{id});
  client.query("COMMIT");
  CHECK(client.value("SELECT CONNECTION_ID()") == id);
  CHECK(ids_of(client.query("/* weir: primary */ " + text), text) == std::vector{id});
}

TEST_CASE_METHOD(ProxyTest, "process list: prepared, and with the command of its own",
                 "[processlist]") {
  Client client = weir.connect();
  const std::string id = id_of(client);
  Sleeper sleeper(weir.connect());
  sleeper.sleep("the sleeper");
  Statement statement(client, "SHOW FULL PROCESSLIST");
  for (int i = 0; i < 2; ++i) {
    REQUIRE(until(
        [&] { return ids_of(statement.execute(), "the sleeper") == std::vector{sleeper.id}; }));
    CHECK(ids_of(statement.execute(), "SHOW FULL") == std::vector{id});
  }
  // MySQL has given the command up.
  if (MYSQL_RES* rows = mysql_list_processes(client.raw())) {
    bool found = false;
    while (MYSQL_ROW row = mysql_fetch_row(rows)) found = found || row[0] == sleeper.id;
    mysql_free_result(rows);
    CHECK(found);
  } else {
    CHECK_FALSE(cluster.mariadb());
  }
  client.query("KILL " + sleeper.id);
  outcome_of_sleep(sleeper.client);  // if it comes before the end
  CHECK(until([&] { return !sleeper.client.ping(); }));
}

TEST_CASE_METHOD(ProxyTest, "process list: held connections are sessions, idle ones are threads",
                 "[processlist]") {
  Client holds = weir.connect();
  Client idle = weir.connect();
  Client asks = weir.connect();
  holds.query("SET @pinned = 1");
  idle.query("DO 1");
  const Result list = asks.query("SHOW PROCESSLIST");
  CHECK(shows(list, id_of(holds)));
  CHECK_FALSE(shows(list, id_of(idle)));
  // Those of the monitor, of replication and of the pool.
  CHECK(std::any_of(list.rows.begin(), list.rows.end(),
                    [](const auto& row) { return std::stoul(*row.at(0)) < 1u << 30; }));
  holds.reset();
  CHECK_FALSE(shows(asks.query("SHOW PROCESSLIST"), id_of(holds)));
}

TEST_CASE_METHOD(ProxyTest, "process list: users without the privilege see their own",
                 "[processlist]") {
  Client own = weir.connect("PLAIN", "");
  Client others = weir.connect("APP", "");
  others.query("SET @pinned = 1");
  own.query("SET @pinned = 1");
  Client asks = weir.connect("PLAIN", "");
  const Result list = asks.query("SHOW PROCESSLIST");
  CHECK(shows(list, id_of(own)));
  CHECK_FALSE(shows(list, id_of(others)));
}

TEST_CASE_METHOD(ProxyTest, "process list: many ask at once while sessions come and go",
                 "[processlist]") {
  in_parallel(8, [&](int) {
    for (int i = 0; i < 10; ++i) {
      Client client = weir.connect();
      const std::string id = id_of(client);
      client.query("BEGIN");
      const Result list = client.query("SHOW FULL PROCESSLIST");
      const auto own = std::count_if(list.rows.begin(), list.rows.end(),
                                     [&](const auto& row) { return row.at(0) == id; });
      if (own != 1)
        throw std::runtime_error("session " + id + " is not there once:\n" + list.text());
    }
  });
}
