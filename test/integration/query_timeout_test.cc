// Statements that run too long (limits.query_timeout): they end on their server, and the client
// gets the error that the server has for it.

#include <algorithm>

#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"

using namespace weir::test;

namespace {

const std::string kSleep = "SELECT SLEEP(600), v FROM t";

class QueryTimeoutTest : public ClusterTest {
 public:
  QueryTimeoutTest() {
    cluster.sql(1, {"CREATE TABLE weir_test.t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB",
                    "INSERT INTO weir_test.t VALUES (1, 1), (2, 2)"});
    cluster.catch_up();
  }

  Error too_long() const {
    if (cluster.mariadb()) {
      return {1969, "70100", "Query execution was interrupted (max_statement_time exceeded)"};
    }
    return {3024, "HY000",
            "Query execution was interrupted, maximum statement execution time exceeded"};
  }
  // Statements of this text that run on any server, by their own lists.
  int running(const std::string& statement) const {
    int count = 0;
    for (const int n : {1, 2, 3}) {
      const Result list = cluster.server(n).query("SHOW PROCESSLIST");
      const auto info = static_cast<std::size_t>(
          std::find(list.columns.begin(), list.columns.end(), "Info") - list.columns.begin());
      count +=
          static_cast<int>(std::count_if(list.rows.begin(), list.rows.end(), [&](const auto& row) {
            return row.at(info).value_or("") == statement;
          }));
    }
    return count;
  }
  bool ends(const std::string& statement) const {
    return until([&] { return running(statement) == 0; });
  }
};

WeirOptions with_timeout(const std::string& limits, const std::string& user_lines = "",
                         const std::string& rule = "") {
  WeirOptions options;
  options.sections["limits"] = limits;
  options.user_lines = user_lines;
  if (!rule.empty()) options.sections["[rule]"] = rule;
  return with_console(options);
}

// For those statements alone that shall be ended: others may take their time on a busy machine.
WeirOptions with_timeout_for(const std::string& pattern) {
  return with_timeout("", "", "pattern = '" + pattern + "'\ntimeout = \"500ms\"\n");
}

}  // namespace

TEST_CASE_METHOD(QueryTimeoutTest, "query timeout: reads and writes are ended on their server",
                 "[query_timeout]") {
  Weir weir(cluster, with_timeout_for("SLEEP|^UPDATE t SET v = . WHERE id = .$"));
  Console console(weir);
  Client client = weir.connect();
  CHECK(client.error_of(kSleep) == too_long());
  CHECK(ends(kSleep));
  CHECK(client.value("SELECT v FROM t WHERE id = 1") == "1");

  Client holder = cluster.server(1);
  holder.query("BEGIN");
  holder.query("UPDATE weir_test.t SET v = 7 WHERE id = 1");
  const std::string update = "UPDATE t SET v = 8 WHERE id = 1";
  CHECK(client.error_of(update) == too_long());
  CHECK(ends(update));
  holder.query("ROLLBACK");
  CHECK(client.query(update + " LIMIT 1").affected == 1);
  CHECK(console.counter("query_timeouts") == 2);
  end(weir);
}

TEST_CASE_METHOD(QueryTimeoutTest, "query timeout: a transaction goes on without the statement",
                 "[query_timeout]") {
  Weir weir(cluster, with_timeout_for("^UPDATE"));
  Client holder = cluster.server(1);
  holder.query("BEGIN");
  holder.query("UPDATE weir_test.t SET v = 7 WHERE id = 1");
  Client client = weir.connect();
  client.query("BEGIN");
  client.query("INSERT INTO t VALUES (3, 3)");
  const std::string update = "UPDATE t SET v = 8 WHERE id = 1";
  for (int i = 0; i < 3; ++i) CHECK(client.error_of(update) == too_long());
  CHECK(client.value("SELECT COUNT(*) FROM t") == "3");
  client.query("COMMIT");
  holder.query("ROLLBACK");
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.t"}) == "3");
  CHECK(cluster.sql(1, {"SELECT v FROM weir_test.t WHERE id = 1"}) == "1");
  end(weir);
}

TEST_CASE_METHOD(QueryTimeoutTest, "query timeout: rows that were sent already end with the error",
                 "[query_timeout]") {
  Weir weir(cluster, with_timeout_for("SLEEP"));
  Client client = weir.connect();
  // More than a server keeps before it sends, and then a row that does not come.
  cluster.sql(1, {"CREATE TABLE weir_test.wide (id INT PRIMARY KEY, v TEXT) ENGINE = InnoDB",
                  "INSERT INTO weir_test.wide SELECT 1, REPEAT('x', 60000)",
                  "INSERT INTO weir_test.wide SELECT id + 1, v FROM weir_test.wide",
                  "INSERT INTO weir_test.wide SELECT id + 2, v FROM weir_test.wide",
                  "INSERT INTO weir_test.wide SELECT id + 4, v FROM weir_test.wide"});
  cluster.catch_up();
  const std::string rows = "SELECT v, IF(id = 8, SLEEP(600), 0) FROM wide ORDER BY id";
  CHECK(client.error_of(rows) == too_long());
  CHECK(ends(rows));
  CHECK(client.value("SELECT v FROM t WHERE id = 2") == "2");
  end(weir);
}

TEST_CASE_METHOD(QueryTimeoutTest, "query timeout: users and rules have their own",
                 "[query_timeout]") {
  SECTION("a user's, where there is none otherwise") {
    Weir weir(cluster, with_timeout("", "query_timeout = \"500ms\"\n"));
    CHECK(weir.connect().error_of(kSleep) == too_long());
    end(weir);
  }
  SECTION("a rule's") {
    Weir weir(cluster, with_timeout("query_timeout = \"500ms\"\n", "",
                                    "pattern = 'SLEEP'\ntimeout = \"0s\"\n"));
    Console console(weir);
    Client client = weir.connect();
    CHECK(client.query("SELECT SLEEP(1.5), v FROM t WHERE id = 1").rows.size() == 1);
    CHECK(console.counter("query_timeouts") == 0);
    Client holder = cluster.server(1);
    holder.query("BEGIN");
    holder.query("UPDATE weir_test.t SET v = 7 WHERE id = 1");
    CHECK(client.error_of("UPDATE t SET v = 8 WHERE id = 1") == too_long());
    end(weir);
  }
}

TEST_CASE_METHOD(QueryTimeoutTest,
                 "query timeout: without a place for the KILL the connection is closed, and then "
                 "the statement ended",
                 "[query_timeout]") {
  WeirOptions options = with_timeout_for("SLEEP");
  options.server_lines = "max_connections = 1\n";
  options.sections["pool"] = "queue_timeout = \"1s\"\n";
  options.sections["routing"] = "balance = \"weighted\"\n";
  Weir weir(cluster, options);
  Client client = weir.connect();
  CHECK(client.error_of(kSleep) == too_long());
  CHECK(ends(kSleep));
  CHECK(client.value("SELECT v FROM t WHERE id = 2") == "2");
  end(weir);
}
