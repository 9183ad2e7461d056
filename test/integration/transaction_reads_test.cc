// Reads of a transaction that has written nothing yet (routing.transaction_reads = "split").

#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"
#include "test/support/statement.h"

using namespace weir::test;

namespace {

const std::string kWhere = "SELECT @@server_id, COUNT(*) FROM t";

class TransactionReadsTest : public ClusterTest {
 public:
  TransactionReadsTest() {
    cluster.sql(1, {"CREATE TABLE weir_test.t (id INT PRIMARY KEY, v INT)",
                    "INSERT INTO weir_test.t VALUES (1, 1)"});
    cluster.catch_up();
  }
  static WeirOptions splitting() {
    WeirOptions options;
    options.sections["routing"] = "transaction_reads = \"split\"\n";
    return with_console(options);
  }
  // A session at an isolation level whose reads come to replicas.
  static Client at(const Weir& weir, const std::string& level) {
    Client client = weir.connect();
    client.query("SET SESSION TRANSACTION ISOLATION LEVEL " + level);
    REQUIRE(comes_to_a_replica(client));
    return client;
  }
  static bool says_in_transaction(Client& client) {
    return (client.raw()->server_status & SERVER_STATUS_IN_TRANS) != 0;
  }
};

}  // namespace

TEST_CASE_METHOD(TransactionReadsTest, "transaction reads: they leave it until it writes",
                 "[transaction]") {
  Weir weir(cluster, splitting());
  for (const std::string level : {"READ COMMITTED", "READ UNCOMMITTED"}) {
    INFO(level);
    Client client = at(weir, level);
    client.query("BEGIN");
    for (int i = 0; i < 3; ++i) {
      CHECK(is_replica(client.value(kWhere)));
      CHECK(says_in_transaction(client));
    }
    Statement prepared(client, kWhere);
    CHECK(is_replica(prepared.execute().value()));
    CHECK(says_in_transaction(client));
    client.query("INSERT INTO t VALUES (2, 2)");
    CHECK(client.text(kWhere) == "1|2\n");
    CHECK(prepared.execute().value() == "1");
    client.query("ROLLBACK");
    CHECK_FALSE(says_in_transaction(client));
    REQUIRE(comes_to_a_replica(client));
    client.query("BEGIN");
    CHECK(is_replica(client.value(kWhere)));
    client.query("COMMIT");
  }
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.t"}) == "1");
  end(weir);
}

TEST_CASE_METHOD(TransactionReadsTest, "transaction reads: where they must stay", "[transaction]") {
  Weir weir(cluster, splitting());
  Client repeatable = at(weir, "REPEATABLE READ");
  repeatable.query("BEGIN");
  CHECK(repeatable.value(kWhere) == "1");
  repeatable.query("COMMIT");

  Client client = at(weir, "READ COMMITTED");
  client.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
  client.query("BEGIN");
  CHECK(client.value(kWhere) == "1");
  client.query("COMMIT");
  for (const std::string& first : std::vector<std::string>{
           "SELECT v FROM t WHERE id = 1 FOR UPDATE", "SELECT @a := 1", "SAVEPOINT s",
           "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "UPDATE t SET v = v",
           "SELECT v FROM no_such_table"}) {
    INFO(first);
    client.query("BEGIN");
    client.error_of(first);
    CHECK(client.value(kWhere) == "1");
    client.query("ROLLBACK");
    if (first.find('@') != std::string::npos) client.reset();
    client.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
  }
  // The level of the next transaction is not that of the open one.
  repeatable.query("BEGIN");
  repeatable.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
  CHECK(repeatable.value(kWhere) == "1");
  repeatable.query("COMMIT");
  client.query("SET autocommit = 0");
  CHECK(client.value(kWhere) == "1");
  end(weir);
}

TEST_CASE_METHOD(TransactionReadsTest, "transaction reads: they see the session's own writes",
                 "[transaction]") {
  Weir weir(cluster, splitting());
  Client client = at(weir, "READ COMMITTED");
  for (int i = 10; i < 60; ++i) {
    client.query("UPDATE t SET v = " + std::to_string(i));
    client.query("BEGIN");
    CHECK(client.value("SELECT v FROM t") == std::to_string(i));
    client.query("COMMIT");
  }
  end(weir);
}

TEST_CASE_METHOD(TransactionReadsTest, "transaction reads: questions about them are answered",
                 "[transaction]") {
  Weir weir(cluster, splitting());
  Client client = at(weir, "READ COMMITTED");
  client.query("BEGIN");
  CHECK(client.query("SELECT @@server_id, CAST('x' AS SIGNED) FROM t").warnings == 1);
  CHECK(client.query("SHOW WARNINGS").rows.size() == 1);
  CHECK(client.value(kWhere) != "1");
  CHECK(client.value("SELECT FOUND_ROWS()") == "1");
  client.query("INSERT INTO t VALUES (2, 2), (3, 3)");
  CHECK(client.value("SELECT ROW_COUNT()") == "2");
  client.query("ROLLBACK");
  end(weir);
}

TEST_CASE_METHOD(TransactionReadsTest, "transaction reads: without replicas the primary answers",
                 "[transaction]") {
  Weir weir(cluster, splitting());
  Console console(weir);
  Client client = at(weir, "READ COMMITTED");
  client.query("BEGIN");
  CHECK(is_replica(client.value(kWhere)));
  for (const int n : {2, 3}) cluster.kill(n, "KILL");
  CHECK(client.text(kWhere) == "1|1\n");
  client.query("INSERT INTO t VALUES (2, 2)");
  CHECK(client.text(kWhere) == "1|2\n");
  client.query("COMMIT");
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.t"}) == "2");
  for (const int n : {2, 3}) cluster.restart(n);
  cluster.catch_up();
  CHECK(console.counter("statements.replica.transaction_reads") >= 1);
  end(weir);
}
