// Stored functions: which of them a replica may answer, and what becomes of it when they change.

#include "test/integration/proxy_fixture.h"
#include "test/support/statement.h"

using namespace weir::test;

namespace {

constexpr const char* kReads =
    " RETURNS INT READS SQL DATA BEGIN DECLARE n INT; SELECT count(*) INTO n FROM weir_test.t;"
    " RETURN @@server_id + 0 * n; END";
constexpr const char* kWrites =
    " RETURNS INT READS SQL DATA BEGIN INSERT INTO weir_test.t VALUES (NULL);"
    " RETURN @@server_id; END";

std::string create(const std::string& name, const std::string& rest) {
  return "CREATE FUNCTION weir_test." + name + "()" + rest;
}

// Functions are there before weir begins, so that nothing but the first look can tell it of them.
class CatalogueTest : public ClusterTest {
 public:
  CatalogueTest() {
    define("CREATE TABLE weir_test.t (id INT PRIMARY KEY AUTO_INCREMENT)");
    define("INSERT INTO weir_test.t VALUES (1)");
    define(create("looks", kReads));
  }

  // Not through weir.
  void define(const std::string& statement) {
    cluster.sql(1, {statement});
    cluster.catch_up();
  }

  // Asked by a new session each time, because a function that may do anything ties its session to
  // the primary.
  static bool comes_to_replicas(const Weir& weir, const std::string& statement) {
    return until([&] { return is_replica(weir.connect().value(statement)); });
  }
};

}  // namespace

TEST_CASE_METHOD(CatalogueTest, "catalogue: functions that only read are answered by replicas",
                 "[catalogue]") {
  const std::string reading = " RETURNS INT READS SQL DATA RETURN ";
  define(create("calls_looks", reading + "weir_test.looks()"));
  define(create("no_sql", " RETURNS INT NO SQL RETURN @@server_id"));
  define(create("undeclared", " RETURNS INT DETERMINISTIC RETURN @@server_id"));
  define(create("lies", kWrites));
  define(create("calls_lies", reading + "weir_test.lies()"));
  define(
      create("assigns", " RETURNS INT READS SQL DATA BEGIN SET @x = 1; RETURN @@server_id; END"));
  define(create("quotes",
                " RETURNS INT READS SQL DATA RETURN @@server_id + 0 * "
                "length('it''s \\'; DELETE')"));
  Weir weir(cluster);
  REQUIRE(comes_to_replicas(weir, "SELECT looks()"));

  Client client = weir.connect();
  for (const char* statement :
       {"SELECT looks()", "SELECT `Looks`() + 0 FROM t UNION SELECT weir_test.LOOKS()",
        "SELECT calls_looks()", "SELECT no_sql()", "SELECT quotes()"}) {
    INFO(statement);
    CHECK(comes_to_replicas(weir, statement));
    client.query(statement);
    CHECK(is_replica(client.value("SELECT @@server_id")));  // it is not tied to the primary
  }
  for (const char* statement :
       {"SELECT undeclared()", "SELECT lies()", "SELECT calls_lies()", "SELECT assigns()",
        "SELECT looks() + 0 * lies()", "SELECT looks() FROM t FOR UPDATE"}) {
    INFO(statement);
    Client other = weir.connect();
    CHECK(other.value(statement) == "1");
  }
  CHECK(weir.log().find("stored functions on db1 are known to only read") != std::string::npos);
  end(weir);
}

TEST_CASE_METHOD(CatalogueTest, "catalogue: a function that changes through weir", "[catalogue]") {
  Weir weir(cluster);  // looks by itself once a minute
  Client owner = weir.connect();
  for (int round = 0; round < 5; ++round) {
    INFO("round " << round);
    REQUIRE(comes_to_replicas(weir, "SELECT looks()"));
    Client before = weir.connect();
    CHECK(is_replica(before.value("SELECT looks()")));
    owner.query("DROP FUNCTION looks");
    CHECK(before.error_of("SELECT looks()").code == 1305);
    owner.query(create("looks", kWrites));
    for (int i = 0; i < 50; ++i) {
      CHECK(before.value("SELECT looks()") == "1");
      CHECK(weir.connect().value("SELECT looks()") == "1");
    }
    owner.query("DROP FUNCTION looks");
    // The new one only reads, but a replica may still have the old one.
    owner.query(create("looks", kReads));
    for (int i = 0; i < 50; ++i) weir.connect().query("SELECT looks()");
  }
  end(weir);
}

TEST_CASE_METHOD(CatalogueTest, "catalogue: replicas that are behind keep the old function",
                 "[catalogue]") {
  define(create("turns", kWrites));
  Weir weir(cluster, {.sections = {{"monitor", "max_lag = \"1h\"\n"},
                                   {"routing", "consistency = \"eventual\"\n"}}});
  Client owner = weir.connect();
  REQUIRE(comes_to_replicas(weir, "SELECT looks()"));
  const Finally prompt([&] {
    for (const int n : {2, 3}) cluster.delay(n, 0);
  });
  for (const int n : {2, 3}) cluster.delay(n, 5);
  owner.query("DROP FUNCTION turns");
  owner.query(create("turns", kReads));
  const std::string rows = cluster.sql(1, {"SELECT count(*) FROM weir_test.t"});
  // The first that a replica answers is answered by the new function: the old one would have
  // written there, which the fixture looks for.
  CHECK(comes_to_replicas(weir, "SELECT turns()"));
  CHECK(cluster.sql(1, {"SELECT count(*) FROM weir_test.t"}) == rows);
  end(weir);
}

TEST_CASE_METHOD(CatalogueTest, "catalogue: prepared statements are judged when they are executed",
                 "[catalogue]") {
  Weir weir(cluster);
  REQUIRE(comes_to_replicas(weir, "SELECT looks()"));
  Client client = weir.connect();
  Statement statement(client, "SELECT looks() + ? * 0");
  for (int i = 0; i < 3; ++i) {
    CHECK(until([&] { return is_replica(statement.execute({1}).value()); }));
  }
  // The schema that it was prepared under counts, not the session's.
  client.use("app");
  CHECK(is_replica(statement.execute({1}).value()));
  CHECK(client.error_of("SELECT looks()").code == 1305);

  Client other = weir.connect();
  Client owner = weir.connect();
  Statement before(other, "SELECT looks()");
  CHECK(is_replica(before.execute().value()));
  owner.query("DROP FUNCTION looks");
  owner.query(create("looks", kWrites));
  for (int i = 0; i < 20; ++i) CHECK(before.execute().value() == "1");
  end(weir);
}

TEST_CASE_METHOD(CatalogueTest, "catalogue: what changes elsewhere is seen in time",
                 "[catalogue]") {
  Weir weir(cluster, {.sections = {{"monitor", "catalogue_interval = \"1s\"\n"}}});
  REQUIRE(comes_to_replicas(weir, "SELECT looks()"));
  define(create("later", kReads));
  CHECK(comes_to_replicas(weir, "SELECT later()"));
  end(weir);
}

TEST_CASE_METHOD(CatalogueTest, "catalogue: it can be turned off", "[catalogue]") {
  Weir weir(cluster, {.sections = {{"monitor", "catalogue = false\n"}}});
  for (int i = 0; i < 20; ++i) CHECK(weir.connect().value("SELECT looks()") == "1");
  CHECK(weir.log().find("stored functions") == std::string::npos);
  end(weir);
}
