// Rules of the configuration, by what clients see of them: which server answers, and when.

#include "test/integration/proxy_fixture.h"
#include "test/support/statement.h"

using namespace weir::test;

namespace {

// `rules` are the lines of one [[rule]], or of several with headers between them.
WeirOptions with_rules(const std::string& rules) {
  WeirOptions options;
  options.sections["[rule]"] = rules;
  options.sections["listen"] = "workers = 2\nadmin = \"127.0.0.1:0\"\n";
  options.sections["auth"] = "admin_password = \"let me in\"\n";
  return options;
}

class RulesTest : public ClusterTest {
 public:
  // A table that all servers have, with a row.
  RulesTest() {
    define("CREATE TABLE weir_test.reports (id INT PRIMARY KEY, v INT)");
    define("INSERT INTO weir_test.reports VALUES (1, 10)");
  }
  void define(const std::string& statement) {
    cluster.sql(1, {statement});
    cluster.catch_up();
  }
  Login console(const Weir& weir) const {
    const std::string mark = "admin console on 127.0.0.1:";
    std::size_t at = std::string::npos;
    REQUIRE(until([&] { return (at = weir.log().find(mark)) != std::string::npos; }));
    Login login;
    login.user = "admin";
    login.password = "let me in";
    login.port = static_cast<std::uint16_t>(std::stoi(weir.log().substr(at + mark.size())));
    return login;
  }
};

const std::string kOf = "SELECT @@server_id FROM reports WHERE id = 1";
const std::string kOfOthers = "SELECT @@server_id, id FROM reports";

// How often each server answers the same statement, of many by several sessions.
std::map<std::string, int> answers(const Weir& weir, const std::string& statement) {
  std::map<std::string, int> counts;
  for (int session = 0; session < 5; ++session) {
    Client client = weir.connect();
    for (int i = 0; i < 8; ++i) ++counts[client.value(statement)];
  }
  return counts;
}

using Counts = std::map<std::string, int>;

// Statements that were sent to servers so far.
std::string sent(Client& console) {
  std::string text;
  for (const auto& row : console.query("SHOW COUNTERS").rows) {
    if (row[0] == "statements.primary" || row[0] == "statements.replica") text += *row[1] + " ";
  }
  return text;
}

// The name of each rule, and how many statements fell under it.
std::string hits(Client& console) {
  std::string text;
  for (const auto& row : console.query("SHOW RULES").rows) {
    text += *row[0] + " " + *row[5] + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE_METHOD(RulesTest, "rules: a pattern names a replica", "[rules]") {
  Weir weir(cluster, with_rules("name = \"one\"\npattern = '^SELECT @@server_id FROM reports'\n"
                                "to = \"server:db3\"\n"));
  CHECK(answers(weir, kOf) == Counts{{"3", 40}});
  CHECK(until([&] { return answers(weir, kOfOthers).count("2") == 1; }));
  Client client = weir.connect();
  Statement prepared(client, "SELECT @@server_id FROM reports WHERE id = ?");
  Statement other(client, "SELECT @@server_id, id FROM reports WHERE id = ?");
  for (int i = 0; i < 10; ++i) CHECK(prepared.execute({1}).value() == "3");
  CHECK(until([&] { return other.execute({1}).value() == "2"; }));
  Client admin(console(weir));
  CHECK(hits(admin) == "one 51\n");  // the texts, the preparation, the executes
  // A hint is nearer to the statement.
  CHECK(client.value("/* weir: primary */ " + kOf) == "1");
  // What locks stays with the primary, whatever a rule says.
  CHECK(client.value(kOf + " FOR UPDATE") == "1");
  end(weir);
}

TEST_CASE_METHOD(RulesTest, "rules: the named replica is not up", "[rules]") {
  const std::string rule = "pattern = 'FROM reports WHERE'\nto = \"server:db3\"\n";
  SECTION("the primary answers") {
    Weir weir(cluster, with_rules(rule));
    Client admin(console(weir));
    admin.query("DRAIN SERVER db3");
    CHECK(answers(weir, kOf) == Counts{{"1", 40}});
    CHECK(admin.text("SHOW RULES").find("server:db3") != std::string::npos);
    admin.query("ENABLE SERVER db3");
    CHECK(until([&] { return weir.connect().value(kOf) == "3"; }));
    end(weir);
  }
  SECTION("or an error, when it must not") {
    WeirOptions options = with_rules("name = \"one\"\n" + rule);
    options.sections["routing"] = "primary_reads = \"never\"\n";
    Weir weir(cluster, options);
    Client admin(console(weir));
    Client client = weir.connect();
    CHECK(client.value(kOf) == "3");
    admin.query("DRAIN SERVER db3");
    const Error error = client.error_of(kOf);
    CHECK(error.code == 1290);
    CHECK(error.text.find("weir: ") == 0);
    CHECK(error.text.find("server db3, which rule \"one\" names") != std::string::npos);
    CHECK(weir.connect().value(kOfOthers) == "2");
    end(weir);
  }
}

TEST_CASE_METHOD(RulesTest, "rules: a server that is the primary", "[rules]") {
  Weir weir(cluster, with_rules("pattern = 'FROM reports WHERE'\nto = \"server:db1\"\n"));
  CHECK(answers(weir, kOf) == Counts{{"1", 40}});
  CHECK(is_replica(weir.connect().value(kOfOthers)));
  end(weir);
}

TEST_CASE_METHOD(RulesTest, "rules: to the primary, and to reject", "[rules]") {
  Weir weir(cluster,
            with_rules("name = \"no-deletes\"\npattern = '^DELETE FROM reports$'\nto = \"reject\"\n"
                       "[[rule]]\nname = \"fresh\"\npattern = 'FROM reports WHERE'\n"
                       "to = \"primary\"\n"));
  CHECK(answers(weir, kOf) == Counts{{"1", 40}});
  Client client = weir.connect();
  const Error error = client.error_of("delete from reports");
  CHECK(error.code == 1142);
  CHECK(error.sqlstate == "42000");
  CHECK(error.text == "weir: rule \"no-deletes\" of the configuration rejects this statement");
  CHECK(Statement::prepare_error(client, "DELETE FROM reports").code == 1142);
  // No hint helps, and the session goes on, in its transaction as well.
  CHECK(client.error_of("/* weir: primary */ DELETE FROM reports").code == 1142);
  client.query("BEGIN");
  client.query("UPDATE reports SET v = 11 WHERE id = 1");
  CHECK(client.error_of("DELETE FROM reports").code == 1142);
  CHECK(client.value("SELECT v FROM reports WHERE id = 1") == "11");
  client.query("COMMIT");
  CHECK(client.query("DELETE FROM reports WHERE id = 2").affected == 0);
  CHECK(cluster.sql(1, {"SELECT COUNT(*) FROM weir_test.reports"}) == "1");
  end(weir);
}

TEST_CASE_METHOD(RulesTest, "rules: transactions and pins win", "[rules]") {
  Weir weir(cluster, with_rules("pattern = 'FROM reports WHERE'\nto = \"server:db3\"\n"));
  Client client = weir.connect();
  CHECK(client.value(kOf) == "3");
  client.query("BEGIN");
  CHECK(client.value(kOf) == "1");
  client.query("COMMIT");
  CHECK(until([&] { return client.value(kOf) == "3"; }));
  client.query("SET autocommit = 0");
  CHECK(client.value(kOf) == "1");
  client.query("COMMIT");
  client.query("SET autocommit = 1");
  client.query("SET @a = 1");
  CHECK(client.value(kOf) == "1");
  Statement prepared(client, "SELECT @@server_id FROM reports WHERE id = ?");
  CHECK(prepared.execute({1}).value() == "1");
  CHECK(client.query("EXPLAIN ROUTE " + kOf).rows.at(0).at(1) == "pinned");
  end(weir);
}

TEST_CASE_METHOD(RulesTest, "rules: functions that nobody knows, on a replica", "[rules]") {
  define("CREATE FUNCTION weir_test.looks() RETURNS INT DETERMINISTIC RETURN @@server_id");
  WeirOptions options = with_rules("pattern = '^SELECT looks'\nto = \"replica\"\n");
  options.sections["monitor"] = "catalogue = false\n";
  Weir weir(cluster, options);
  Client client = weir.connect();
  // Again and again: by the rule, such a function does not tie the session to anything.
  for (int i = 0; i < 10; ++i) CHECK(is_replica(client.value("SELECT looks()")));
  Statement prepared(client, "SELECT looks()");
  for (int i = 0; i < 5; ++i) CHECK(is_replica(prepared.execute().value()));
  CHECK(client.value("SELECT 1, looks()") == "1");
  CHECK(client.value("SELECT looks()") == "1");  // that one did, without a rule
  end(weir);
}

TEST_CASE_METHOD(RulesTest, "rules: who, where from, and in which schema", "[rules]") {
  define("CREATE DATABASE IF NOT EXISTS weir_rules");
  define("CREATE TABLE IF NOT EXISTS weir_rules.reports (id INT PRIMARY KEY)");
  define("REPLACE INTO weir_rules.reports VALUES (1)");
  Finally put_right{[&] { define("DROP DATABASE weir_rules"); }};
  SECTION("by the client's network") {
    WeirOptions options = with_rules(
        "client = \"127.0.0.0/8\"\nto = \"server:db3\"\n"
        "[[rule]]\nclient = \"::1\"\nto = \"reject\"\n");
    options.wait = false;
    Weir weir(cluster, options);
    REQUIRE(until([&] { return login_error(weir.login()).code == 0; }));
    CHECK(until([&] { return weir.connect().value(kOf) == "3"; }));
    CHECK(answers(weir, kOf) == Counts{{"3", 40}});
    end(weir);
  }
  SECTION("a unix socket has no address") {
    WeirOptions options = with_rules("client = \"0.0.0.0/0\"\nto = \"server:db3\"\n");
    options.unix_socket = true;
    options.wait = false;
    Weir weir(cluster, options);
    Login login = weir.login();
    login.socket = weir.socket();
    REQUIRE(until([&] { return login_error(login).code == 0; }));
    CHECK(until([&] { return Client(login).value(kOf) == "2"; }));
    end(weir);
  }
  SECTION("by user and schema, as they change") {
    Weir weir(cluster, with_rules("user = \"" + cluster.value("APP_USER") +
                                  "\"\nschema = \"weir_rules\"\nto = \"server:db3\"\n" +
                                  "[[rule]]\nuser = \"" + cluster.value("PLAIN_USER") +
                                  "\"\nto = \"primary\"\n"));
    Client client = weir.connect();
    Statement prepared(client, "SELECT @@server_id FROM weir_rules.reports WHERE id = ?");
    CHECK(until([&] { return prepared.execute({1}).value() == "2"; }));
    client.use("weir_rules");
    cluster.catch_up();
    CHECK(until([&] { return client.value(kOf) == "3"; }));
    CHECK(prepared.execute({1}).value() == "3");
    CHECK(weir.connect("PLAIN", "").value("SELECT @@server_id FROM (SELECT 1) AS t") == "1");
    end(weir);
  }
}

TEST_CASE_METHOD(RulesTest, "rules: max_lag and consistency, with a delayed replica", "[rules]") {
  Weir weir(cluster,
            with_rules("name = \"old\"\npattern = '^SELECT v, @@server_id FROM reports'\n"
                       "to = \"server:db3\"\nmax_lag = \"10m\"\nconsistency = \"eventual\"\n"
                       "[[rule]]\nname = \"strict\"\npattern = '^SELECT id, v FROM reports'\n"
                       "to = \"server:db3\"\nmax_lag = \"10m\"\n"));
  Finally put_right{[&] {
    cluster.delay(3, 0);
    cluster.catch_up();
  }};
  cluster.delay(3, 600);
  Client admin(console(weir));
  Client client = weir.connect();
  client.query("UPDATE reports SET v = 11");
  // Its own write is not there yet: the rule says that this does not matter. Once the replica is
  // back from being changed, that is.
  CHECK(until([&] { return client.text("SELECT v, @@server_id FROM reports") == "10|3\n"; }));
  // Of the other statement it does.
  CHECK(client.text("SELECT id, v FROM reports") == "1|11\n");
  // What the session says gives way to the rule, and a hint comes before it.
  client.query("SET weir.consistency = 'global'");
  CHECK(client.text("SELECT v, @@server_id FROM reports") == "10|3\n");
  CHECK(client.text("/* weir: consistency=session */ SELECT v, @@server_id FROM reports") ==
        "11|1\n");
  // Lag that is beyond the monitor's bound takes the replica out for others.
  CHECK(until([&] {
    cluster.sql(1, {"REPLACE INTO weir_test.reports VALUES (2, 2)"});
    return admin.text("SHOW SERVERS").find("|lagging|") != std::string::npos;
  }));
  CHECK(weir.readers() == std::vector<int>{2});
  CHECK(client.text("SELECT v, @@server_id FROM reports") == "10|3\n");
  CHECK(client.value("/* weir: max_lag=1s */ SELECT v, @@server_id FROM reports") == "11");
  end(weir);
}

TEST_CASE_METHOD(RulesTest, "rules: EXPLAIN ROUTE speaks for its session, and asks nobody",
                 "[rules]") {
  Weir weir(cluster,
            with_rules("name = \"one\"\npattern = 'FROM reports WHERE'\n"
                       "to = \"server:db3\"\n"
                       "[[rule]]\nname = \"two\"\npattern = '^DELETE'\nto = \"reject\"\n"));
  Client client = weir.connect();
  const std::string before = client.value(kOf);
  const auto explain = [&](const std::string& statement) {
    const Result result = client.query("EXPLAIN ROUTE " + statement);
    CHECK(result.columns ==
          std::vector<std::string>{"destination", "reason", "detail", "rule", "server", "digest"});
    REQUIRE(result.rows.size() == 1);
    const auto& row = result.rows[0];
    CHECK(row[5].value_or("").size() == 16);
    return *row[0] + " " + *row[1] + " " + row[3].value_or("-") + " " + row[4].value_or("-");
  };
  Client admin(console(weir));
  const std::string sent_before = sent(admin);
  CHECK(explain(kOf) == "replica rule one db3");
  CHECK(explain("SELECT * FROM reports FOR UPDATE") == "primary locking_read - db1");
  CHECK(explain("DELETE FROM reports") == "reject rule two -");
  CHECK(explain("/* weir: primary */ " + kOf) == "primary hint one db1");
  CHECK(explain("BEGIN") == "primary transaction_control - db1");
  CHECK(sent(admin) == sent_before);
  CHECK(before == "3");
  client.query("BEGIN");
  client.query("UPDATE reports SET v = 3 WHERE id = 1");
  CHECK(explain(kOf) == "transaction transaction one db1");
  CHECK(explain("COMMIT") == "transaction transaction - db1");
  client.query("ROLLBACK");
  CHECK(client.value("SELECT v FROM reports") == "10");
  CHECK(until([&] { return is_replica(client.value(kOfOthers)); }));
  client.query("START TRANSACTION READ ONLY");
  CHECK(explain("COMMIT").find("transaction transaction - db") == 0);
  CHECK(is_replica(client.value(kOfOthers)));
  client.query("COMMIT");
  // The rest belongs to the servers: what is prepared, and tables of that name.
  CHECK(Statement::prepare_error(client, "EXPLAIN ROUTE SELECT 1").code == 1064);
  CHECK(client.error_of("EXPLAIN route").code == 1146);
  // The console has no session to speak of.
  CHECK(admin.query("EXPLAIN ROUTE " + kOf).text().find("replica|rule|") == 0);
  CHECK(admin.query("EXPLAIN ROUTE " + kOf).rows.at(0).at(4) == "db3");
  end(weir);
}
