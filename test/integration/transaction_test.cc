// Transactions stay whole, on the server where they began.

#include "test/integration/proxy_fixture.h"

using namespace weir::test;

namespace {

class TransactionTest : public ProxyTest {
 public:
  TransactionTest() { table("t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB"); }

  // What everybody else sees, by the primary's word.
  std::string committed() {
    return cluster.sql(1, {"SELECT GROUP_CONCAT(id ORDER BY id) FROM weir_test.t"});
  }
};

}  // namespace

TEST_CASE_METHOD(TransactionTest, "transaction: BEGIN, COMMIT, ROLLBACK", "[transaction]") {
  Client client = weir.connect();
  for (const std::string begin :
       {"BEGIN", "START TRANSACTION", "START TRANSACTION READ WRITE", "BEGIN WORK",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT", "/*!50000 BEGIN */"}) {
    INFO(begin);
    CHECK(is_replica(weir.connect().value("SELECT @@server_id")));
    client.query(begin);
    CHECK(client.value("SELECT @@server_id") == "1");
    client.query("INSERT INTO t VALUES (1, 1)");
    CHECK(client.text("SELECT id, @@server_id FROM t") == "1|1\n");
    client.query("ROLLBACK");
    CHECK(client.value("SELECT COUNT(*) FROM t") == "0");
    client.query(begin);
    client.query("INSERT INTO t VALUES (2, 2)");
    CHECK(committed() == "NULL");
    client.query("COMMIT");
    CHECK(committed() == "2");
    CHECK(client.value("SELECT COUNT(*) FROM t") == "1");
    client.query("DELETE FROM t");
    CHECK(comes_to_a_replica(client));
  }
}

TEST_CASE_METHOD(TransactionTest, "transaction: autocommit off", "[transaction]") {
  Client client = weir.connect();
  client.query("SET autocommit = 0");
  CHECK(client.value("SELECT @@server_id") == "1");
  client.query("INSERT INTO t VALUES (1, 1)");
  CHECK(client.text("SELECT id FROM t") == "1\n");
  CHECK(committed() == "NULL");
  client.query("ROLLBACK");
  client.query("INSERT INTO t VALUES (2, 2)");
  client.query("COMMIT");
  client.query("INSERT INTO t VALUES (3, 3)");
  CHECK(committed() == "2");
  client.query("SET autocommit = 1");  // commits
  CHECK(committed() == "2,3");
  CHECK(comes_to_a_replica(client));
  mysql_autocommit(client.raw(), 0);
  client.query("INSERT INTO t VALUES (4, 4)");
  CHECK(committed() == "2,3");
  REQUIRE(mysql_commit(client.raw()) == 0);
  CHECK(committed() == "2,3,4");
}

TEST_CASE_METHOD(TransactionTest, "transaction: READ ONLY runs on one replica", "[transaction]") {
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES (1, 1)"});
  cluster.catch_up();
  Client client = weir.connect();
  client.query("START TRANSACTION READ ONLY");
  const std::string where = client.value("SELECT @@server_id FROM t");
  CHECK(is_replica(where));
  for (int i = 0; i < 20; ++i) CHECK(client.value("SELECT @@server_id FROM t") == where);
  CHECK(client.error_of("INSERT INTO t VALUES (2, 2)").code == 1792);
  CHECK(client.value("SELECT @@server_id FROM t") == where);
  client.query("COMMIT");
  CHECK(client.query("INSERT INTO t VALUES (2, 2)").affected == 1);
  client.query("START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT");
  CHECK(client.value("SELECT COUNT(*) FROM t") == "2");  // the session's own write is in it
  client.query("ROLLBACK");
}

TEST_CASE_METHOD(TransactionTest, "transaction: an implicit commit ends it", "[transaction]") {
  Client client = weir.connect();
  client.query("BEGIN");
  client.query("INSERT INTO t VALUES (1, 1)");
  client.query("CREATE TABLE other (a INT)");
  CHECK(committed() == "1");
  client.query("ROLLBACK");  // nothing left to roll back
  CHECK(client.value("SELECT COUNT(*) FROM t") == "1");
  client.query("BEGIN");
  client.query("INSERT INTO t VALUES (2, 2)");
  client.query("BEGIN");  // commits the one before
  CHECK(committed() == "1,2");
  client.query("INSERT INTO t VALUES (3, 3)");
  client.query("ROLLBACK");
  CHECK(committed() == "1,2");
  CHECK(comes_to_a_replica(client));
}

TEST_CASE_METHOD(TransactionTest, "transaction: savepoints", "[transaction]") {
  Client client = weir.connect();
  client.query("BEGIN");
  client.query("INSERT INTO t VALUES (1, 1)");
  client.query("SAVEPOINT a");
  client.query("INSERT INTO t VALUES (2, 2)");
  client.query("SAVEPOINT b");
  client.query("INSERT INTO t VALUES (3, 3)");
  client.query("ROLLBACK TO SAVEPOINT a");
  CHECK(client.text("SELECT id, @@server_id FROM t") == "1|1\n");
  CHECK(client.error_of("ROLLBACK TO b").code == 1305);
  client.query("RELEASE SAVEPOINT a");
  client.query("COMMIT");
  CHECK(committed() == "1");
}

TEST_CASE_METHOD(TransactionTest, "transaction: AND CHAIN and RELEASE", "[transaction]") {
  Client client = weir.connect();
  client.query("BEGIN");
  client.query("INSERT INTO t VALUES (1, 1)");
  client.query("COMMIT AND CHAIN");
  CHECK(client.value("SELECT @@server_id") == "1");
  client.query("INSERT INTO t VALUES (2, 2)");
  CHECK(committed() == "1");
  client.query("ROLLBACK AND CHAIN");
  client.query("INSERT INTO t VALUES (3, 3)");
  client.query("COMMIT");
  CHECK(committed() == "1,3");
  client.query("SET completion_type = 'CHAIN'");
  client.query("BEGIN");
  client.query("COMMIT");
  client.query("INSERT INTO t VALUES (4, 4)");
  CHECK(committed() == "1,3");
  client.query("COMMIT AND NO CHAIN");
  CHECK(committed() == "1,3,4");
  client.query("BEGIN");
  client.query("COMMIT RELEASE");  // the server closes, and so the client's connection ends
  CHECK(until([&] { return client.error_of("SELECT 1").code >= 2000; }));
}

TEST_CASE_METHOD(TransactionTest, "transaction: the isolation level of the next one only",
                 "[transaction]") {
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES (1, 1)"});
  cluster.catch_up();
  Client client = weir.connect();
  CHECK(is_replica(client.value("SELECT @@server_id")));
  client.query("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED");
  client.query("BEGIN");
  Client writer = cluster.server(1);
  writer.query("BEGIN");
  writer.query("INSERT INTO weir_test.t VALUES (2, 2)");
  CHECK(client.value("SELECT COUNT(*) FROM t") == "2");  // sees what is not committed
  client.query("COMMIT");
  client.query("BEGIN");
  CHECK(client.value("SELECT COUNT(*) FROM t") == "1");
  client.query("COMMIT");
  writer.query("ROLLBACK");
  client.query("SET TRANSACTION READ ONLY");
  client.query("BEGIN");
  CHECK(client.error_of("INSERT INTO t VALUES (3, 3)").code == 1792);
  client.query("COMMIT");
  CHECK(client.query("INSERT INTO t VALUES (3, 3)").affected == 1);
}

TEST_CASE_METHOD(TransactionTest, "transaction: XA", "[transaction]") {
  Client client = weir.connect();
  client.query("XA START 'weir-xa'");
  client.query("INSERT INTO t VALUES (1, 1)");
  CHECK(client.text("SELECT id, @@server_id FROM t") == "1|1\n");
  client.query("XA END 'weir-xa'");
  client.query("XA PREPARE 'weir-xa'");
  CHECK(committed() == "NULL");
  client.query("XA COMMIT 'weir-xa'");
  CHECK(committed() == "1");
  client.query("XA START 'weir-xa'");
  client.query("INSERT INTO t VALUES (2, 2)");
  client.query("XA END 'weir-xa'");
  client.query("XA ROLLBACK 'weir-xa'");
  CHECK(committed() == "1");
  CHECK(client.value("SELECT COUNT(*) FROM t") == "1");
  CHECK(comes_to_a_replica(client));
}

TEST_CASE_METHOD(TransactionTest, "transaction: nothing is committed when the client vanishes",
                 "[transaction]") {
  for (int i = 0; i < 5; ++i) {
    Client client = weir.connect();
    client.query("BEGIN");
    client.query("INSERT INTO t VALUES (1, 1)");
    if (i % 2 == 0) client.query("SELECT * FROM t");
    client.vanish();
  }
  // The row is free again: the server has rolled back.
  Client next = weir.connect();
  next.query("SET innodb_lock_wait_timeout = 60");
  next.query("BEGIN");
  CHECK(next.query("INSERT INTO t VALUES (1, 5)").affected == 1);
  next.query("COMMIT");
  CHECK(cluster.sql(1, {"SELECT v FROM weir_test.t"}) == "5");
}

TEST_CASE_METHOD(TransactionTest, "transaction: deadlock and lock wait errors pass through",
                 "[transaction]") {
  cluster.sql(1, {"INSERT INTO weir_test.t VALUES (1, 1), (2, 2)"});
  Client a = weir.connect();
  Client b = weir.connect();
  b.query("SET innodb_lock_wait_timeout = 1");
  a.query("BEGIN");
  a.query("UPDATE t SET v = 10 WHERE id = 1");
  const Error waited = b.error_of("UPDATE t SET v = 20 WHERE id = 1");
  CHECK(waited.code == 1205);
  CHECK(waited.sqlstate == "HY000");
  b.query("SET innodb_lock_wait_timeout = 50");
  b.query("BEGIN");
  b.query("UPDATE t SET v = 20 WHERE id = 2");
  a.send("UPDATE t SET v = 11 WHERE id = 2");
  const Error second = b.error_of("UPDATE t SET v = 21 WHERE id = 1");
  Error first;
  try {
    a.receive();
  } catch (const ServerError& error) {
    first = error.error();
  }
  CHECK((first.code == 1213) != (second.code == 1213));
  Client& victim = first.code == 1213 ? a : b;
  Client& other = first.code == 1213 ? b : a;
  other.query("COMMIT");
  // The deadlock has ended the victim's transaction: what it does now stands by itself.
  victim.query("INSERT INTO t VALUES (3, 3)");
  CHECK(committed() == "1,2,3");
  CHECK(comes_to_a_replica(victim));
}
