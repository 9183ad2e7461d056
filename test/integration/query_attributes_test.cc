// Query attributes, from the only client here that sends them: MySQL's own.

#include "test/integration/proxy_fixture.h"
#include "test/support/local_file.h"
#include "test/support/shell.h"

using namespace weir::test;

namespace {

// What the client prints for a script: a line for each row, with tabs between the columns.
std::string run_script(const Cluster& cluster, const Weir& weir, const std::string& options,
                       const std::string& script) {
  const LocalFile file(script);
  return output_of(cluster.value("CLIENT") + " -N --commands --named-commands " + options +
                   " -h 127.0.0.1 -P " + std::to_string(weir.port()) + " -u " +
                   cluster.value("APP_USER") + " -p" + cluster.value("APP_PASSWORD") +
                   " weir_test < " + file.path + " 2>&1 | grep -v Warning");
}

}  // namespace

TEST_CASE_METHOD(ProxyTest, "attributes: they arrive with their statement, and only with it",
                 "[attributes]") {
  if (cluster.mariadb()) return;
  table("t (name VARCHAR(20), value VARCHAR(20))");
  const std::string component = "COMPONENT 'file://component_query_attributes'";
  cluster.sql(1, {"INSTALL " + component});
  Finally put_right{[&] { cluster.sql(1, {"UNINSTALL " + component}); }};
  const std::string value = "mysql_query_attribute_string";
  const std::string script =
      "query_attributes first one second 2\n"
      "SELECT " +
      value + "('first'), " + value + "('second'), " + value +
      "('third');\n"
      "SELECT " +
      value +
      "('first');\n"
      "query_attributes first changed\n"
      "INSERT INTO t VALUES ('first', " +
      value +
      "('first'));\n"
      "SELECT * FROM t;\n"
      "BEGIN;\n"
      "query_attributes third three\n"
      "UPDATE t SET value = " +
      value +
      "('third');\n"
      "query_attributes third unused\n"
      "SELECT value FROM t;\n"
      "ROLLBACK;\n"
      "query_attributes long " +
      std::string(300, 'x') +
      "\n"
      "SELECT LENGTH(" +
      value +
      "('long'));\n"
      "SELECT value FROM t;\n"
      "DELETE FROM t;\n";
  const std::string expected = "one\t2\tNULL\nNULL\nfirst\tchanged\nthree\n300\nchanged\n";
  for (const std::string options :
       {"", "--compression-algorithms=zlib", "--compression-algorithms=zstd"}) {
    INFO(options);
    CHECK(run_script(cluster, weir, options, script) == expected);
  }
}

TEST_CASE_METHOD(ProxyTest, "attributes: a read that has some is a read", "[attributes]") {
  if (cluster.mariadb()) return;
  const std::string where = "SELECT @@server_id FROM (SELECT 1) AS t;\n";
  const std::string script = "query_attributes trace 4711\n" + where + "BEGIN;\n" +
                             "query_attributes trace 4712\n" + where + "COMMIT;\n";
  std::string output;
  CHECK(until([&] {
    output = run_script(cluster, weir, "", script);
    return is_replica(output.substr(0, 1));
  }));
  CHECK(output.substr(1) == "\n1\n");
}
