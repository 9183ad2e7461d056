#include "proxy/core/routines.h"

#include "sql_classifier/classifier.h"
#include "test/support/catch.h"

namespace weir::test {
namespace {

// A function of schema "app" that declares to read.
StoredFunction function(const std::string& name, const std::string& body) {
  return {"app",
          name,
          true,
          "CREATE DEFINER=`root`@`%` FUNCTION `" + name +
              "`(a INT) RETURNS int(11)\n    READS SQL DATA\n" + body,
          "STRICT_TRANS_TABLES",
          "utf8mb4"};
}

constexpr const char* kPlain = "RETURN a + 1";

Routines routines_of(std::vector<StoredFunction> functions,
                     std::vector<std::string> packages = {}) {
  return Routines({std::move(functions), std::move(packages)});
}

}  // namespace

TEST_CASE("routines: what a function calls decides with it", "[routines]") {
  const Routines routines = routines_of({
      function("top", "RETURN middle(a) + app.Leaf(a)"),
      function("middle", "RETURN leaf(leaf(a))"),
      function("leaf", kPlain),
      function("above_writer", "RETURN leaf(a) + writer(a)"),
      function("above_above_writer", "RETURN above_writer(a)"),
      function("writer", "BEGIN INSERT INTO t VALUES (a); RETURN 1; END"),
      function("calls_unknown", "RETURN nowhere(a)"),
      function("calls_other_schema", "RETURN other.leaf(a)"),
      function("ping", "RETURN pong(a)"),
      function("pong", "RETURN ping(a)"),
      function("itself", "RETURN itself(a)"),
  });
  for (const char* name : {"top", "middle", "leaf", "LEAF"}) {
    INFO(name);
    CHECK(routines.only_reads("app", name));
  }
  for (const char* name : {"above_writer", "above_above_writer", "writer", "calls_unknown",
                           "calls_other_schema", "ping", "pong", "itself", "nowhere", ""}) {
    INFO(name);
    CHECK_FALSE(routines.only_reads("app", name));
  }
  CHECK(routines.functions() == 11);
  CHECK(routines.readers() == 3);
}

TEST_CASE("routines: what is declared, seen and understood", "[routines]") {
  struct Row {
    const char* what;
    void (*change)(StoredFunction&);
    bool reads;
  };
  const Row kRows[] = {
      {"as it is", [](StoredFunction&) {}, true},
      {"not declared", [](StoredFunction& f) { f.declared_reader = false; }, false},
      {"not visible", [](StoredFunction& f) { f.definition.clear(); }, false},
      {"Oracle's mode", [](StoredFunction& f) { f.sql_mode = "PIPES_AS_CONCAT,ORACLE"; }, false},
      {"other modes", [](StoredFunction& f) { f.sql_mode = "ANSI_QUOTES,NO_ORACLE"; }, true},
      {"no mode", [](StoredFunction& f) { f.sql_mode.clear(); }, true},
      {"odd characters", [](StoredFunction& f) { f.charset = "gbk"; }, false},
      {"an odd name", [](StoredFunction& f) { f.name = "l\xc3\xa9"; }, false},
      {"an odd schema", [](StoredFunction& f) { f.schema = "\xc3\xa9"; }, false},
  };
  for (const Row& row : kRows) {
    INFO(row.what);
    StoredFunction changed = function("leaf", kPlain);
    row.change(changed);
    const Routines routines = routines_of({changed});
    CHECK(routines.only_reads(changed.schema, changed.name) == row.reads);
    CHECK(routines.functions() == 1);
  }
}

TEST_CASE("routines: schemas compare exactly, and a package may stand in for one", "[routines]") {
  CHECK(routines_of({function("leaf", kPlain)}).only_reads("app", "leaf"));
  CHECK_FALSE(routines_of({function("leaf", kPlain)}).only_reads("APP", "leaf"));
  CHECK_FALSE(routines_of({function("leaf", kPlain)}).only_reads("", "leaf"));
  CHECK_FALSE(routines_of({function("leaf", kPlain)}, {"App"}).only_reads("app", "leaf"));
}

TEST_CASE("routines: the functions of a statement", "[routines]") {
  const Routines routines = routines_of({function("leaf", kPlain), function("other", kPlain)});
  struct Row {
    const char* text;
    const char* schema;
    bool reads;
  };
  const Row kRows[] = {
      {"SELECT leaf(1)", "app", true},
      {"SELECT Leaf(1), other(leaf(2)) FROM t WHERE app.leaf(v)", "app", true},
      {"SELECT app.leaf(1)", "", true},
      {"SELECT `app`.`leaf`(1)", "elsewhere", true},
      {"SELECT leaf(1)", "elsewhere", false},
      {"SELECT leaf(1)", "", false},
      {"SELECT leaf(1), unknown(2)", "app", false},
      {"SELECT elsewhere.leaf(1)", "app", false},
      {"SELECT `le``af`(1)", "app", false},
      {"SELECT /*!80000 leaf(1), */ leaf(2)", "app", false},
      {"SELECT leaf(1); SELECT other(2)", "app", true},
  };
  for (const Row& row : kRows) {
    INFO(row.text << " in " << row.schema);
    CHECK(calls_only_readers(routines, row.text, {}, row.schema) == row.reads);
  }
  CHECK_FALSE(calls_only_readers(Routines(), "SELECT leaf(1)", {}, "app"));
}

TEST_CASE("routines: such a statement is a plain read", "[routines]") {
  const sql::Classification facts = sql::classify("SELECT leaf(1)");
  REQUIRE(facts.only_stored_functions);
  const sql::Classification plain = as_plain_read(facts);
  CHECK(plain.placement == sql::Placement::any);
  CHECK(plain.reason == sql::Reason::plain_read);
  CHECK(plain.effects == sql::Effect::none);
  CHECK(plain.kind == sql::StatementKind::read);
}

TEST_CASE("routines: a catalogue holds until a change is sent, and for its server", "[routines]") {
  RoutineChanges changes;
  Topology topology;
  topology.primary = 1;
  CHECK(routines_in_force(topology, changes) == nullptr);
  auto routines = std::make_shared<Routines>();
  routines->server = 1;
  routines->changes = *changes.settled();
  topology.routines = routines;
  CHECK(routines_in_force(topology, changes) == routines.get());

  topology.primary = 0;
  CHECK(routines_in_force(topology, changes) == nullptr);
  topology.primary.reset();
  CHECK(routines_in_force(topology, changes) == nullptr);
  topology.primary = 1;

  RoutineChange change(changes);
  CHECK(routines_in_force(topology, changes) == nullptr);
  CHECK_FALSE(changes.settled());
  RoutineChange moved = std::move(change);
  CHECK_FALSE(changes.settled());
  moved.end();
  moved.end();
  CHECK(changes.settled() == 1);
  CHECK(routines_in_force(topology, changes) == nullptr);
  routines->changes = 1;
  CHECK(routines_in_force(topology, changes) == routines.get());
}

TEST_CASE("routines: changes that overlap are settled with the last of them", "[routines]") {
  RoutineChanges changes;
  RoutineChange first(changes);
  {
    const RoutineChange second(changes);
    first = RoutineChange(changes);
    CHECK_FALSE(changes.settled());
  }
  CHECK_FALSE(changes.settled());
  first = {};
  CHECK(changes.settled() == 3);
}

}  // namespace weir::test
