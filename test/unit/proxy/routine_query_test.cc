#include "proxy/monitor/routine_query.h"

#include "test/support/catch.h"

namespace weir::test {
namespace {

using Cells = std::vector<std::optional<std::string>>;

ServerReply listed(std::vector<Cells> rows) {
  ServerReply reply;
  reply.results.push_back({{"schema", "name", "type", "body", "access"}, std::move(rows)});
  return reply;
}

}  // namespace

TEST_CASE("routine query: which functions declare to read", "[routine_query]") {
  struct Row {
    const char* body;
    const char* access;
    bool declares;
  };
  const Row kRows[] = {
      {"SQL", "READS SQL DATA", true},       {"SQL", "NO SQL", true},
      {"SQL", "CONTAINS SQL", false},        {"SQL", "MODIFIES SQL DATA", false},
      {"EXTERNAL", "READS SQL DATA", false},
  };
  for (const Row& row : kRows) {
    INFO(row.body << " " << row.access);
    const RoutineList list =
        decode_routine_list(listed({{"app", "f", "FUNCTION", row.body, row.access}}));
    REQUIRE(list.functions.size() == 1);
    CHECK(list.functions[0].schema == "app");
    CHECK(list.functions[0].name == "f");
    CHECK(list.functions[0].declared_reader == row.declares);
  }
}

TEST_CASE("routine query: lists", "[routine_query]") {
  const RoutineList list = decode_routine_list(listed({
      {"app", "f", "FUNCTION", "SQL", "NO SQL"},
      {"app", "p", "PACKAGE", "SQL", "CONTAINS SQL"},
      {"app", "p", "PACKAGE BODY", "SQL", "CONTAINS SQL"},
      {"app", "g", "FUNCTION", std::nullopt, std::nullopt},
      {"short"},
  }));
  CHECK(list.functions.size() == 2);
  CHECK(list.packages == std::vector<std::string>{"p", "p", ""});
  CHECK(decode_routine_list({}).functions.empty());
}

TEST_CASE("routine query: definitions", "[routine_query]") {
  StoredFunction f{"app", "f", true, "", "", ""};
  StoredFunction odd{"a`b", "c`", true, "", "", ""};
  const StoredFunction* const both[] = {&f, &odd};
  CHECK(definition_query(both) ==
        "SHOW CREATE FUNCTION `app`.`f`; SHOW CREATE FUNCTION `a``b`.`c```");

  const std::vector<std::string> columns = {"Function", "sql_mode", "Create Function",
                                            "character_set_client"};
  decode_definition({columns, {{"f", "ORACLE", "CREATE FUNCTION ...", "gbk"}}}, f);
  CHECK(f.definition == "CREATE FUNCTION ...");
  CHECK(f.sql_mode == "ORACLE");
  CHECK(f.charset == "gbk");
  decode_definition({columns, {{"f", "", std::nullopt, "utf8mb4"}}}, odd);
  CHECK(odd.definition.empty());
  decode_definition({columns, {}}, f);
  CHECK(f.definition == "CREATE FUNCTION ...");
}

TEST_CASE("routine query: what is told about them", "[routine_query]") {
  RoutineList list;
  list.functions.push_back(
      {"app", "f", true, "CREATE FUNCTION `f`() RETURNS int RETURN 1", "", ""});
  list.functions.push_back({"app", "g", false, "", "", ""});
  CHECK(describe_routines(Routines(list), list, "db1", true) ==
        "1 of 2 stored functions on db1 are known to only read");
  list.functions.push_back({"app", "h", true, "", "", ""});
  CHECK(describe_routines(Routines(list), list, "db1", true) ==
        "1 of 3 stored functions on db1 are known to only read; 1 more declare it, but their "
        "definitions cannot be seen: GRANT SELECT ON mysql.proc to the monitor's account");
  CHECK(describe_routines(Routines(list), list, "db1", false).find("SHOW_ROUTINE ON *.*") !=
        std::string::npos);
}

}  // namespace weir::test
