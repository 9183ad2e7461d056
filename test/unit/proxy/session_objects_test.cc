#include "proxy/core/session_objects.h"

#include "sql_classifier/classifier.h"
#include "test/support/catch.h"

namespace weir {
namespace {

// Runs statements one after the other; one that begins with "!" fails.
PinSet after(const std::vector<std::string>& statements) {
  SessionObjects objects;
  PinSet pins;
  for (std::string text : statements) {
    const bool failed = text[0] == '!';
    if (failed) text.erase(0, 1);
    objects.apply(object_changes(text, {}, sql::classify(text, {}), "shop"), failed);
    objects.update(pins);
  }
  return pins;
}

TEST_CASE("session objects: the pin ends with the last of its kind") {
  struct Case {
    std::vector<std::string> statements;
    Pin pin;
    bool pinned;
  };
  const Case cases[] = {
      {{"CREATE TEMPORARY TABLE t (a INT)"}, Pin::temporary_table, true},
      {{"CREATE TEMPORARY TABLE t (a INT)", "DROP TABLE t"}, Pin::temporary_table, false},
      {{"CREATE TEMPORARY TABLE t (a INT)", "DROP TEMPORARY TABLE shop.t"},
       Pin::temporary_table,
       false},
      {{"CREATE TEMPORARY TABLE t (a INT)", "DROP TABLE other.t"}, Pin::temporary_table, true},
      {{"CREATE TEMPORARY TABLE t (a INT)", "!DROP TABLE t, u"}, Pin::temporary_table, true},
      {{"CREATE TEMPORARY TABLE t (a INT)", "CREATE TEMPORARY TABLE u (a INT)", "DROP TABLE t"},
       Pin::temporary_table,
       true},
      {{"CREATE TEMPORARY TABLE t (a INT)", "CREATE TEMPORARY TABLE u (a INT)", "DROP TABLE u, t"},
       Pin::temporary_table,
       false},
      {{"CREATE TEMPORARY TABLE IF NOT EXISTS t (a INT)",
        "CREATE TEMPORARY TABLE IF NOT EXISTS t (a INT)", "DROP TABLE t"},
       Pin::temporary_table,
       false},
      {{"CREATE TEMPORARY TABLE t (a INT)", "ALTER TABLE t RENAME u", "DROP TABLE u"},
       Pin::temporary_table,
       true},
      {{"CREATE TEMPORARY TABLE t (a INT)", "USE other; DROP TABLE t"}, Pin::temporary_table, true},
      {{"SELECT GET_LOCK('a', 1)"}, Pin::user_lock, true},
      {{"SELECT GET_LOCK('a', 1)", "SELECT RELEASE_LOCK('A')"}, Pin::user_lock, false},
      {{"SELECT GET_LOCK('a', 1)", "SELECT GET_LOCK('a', 1)", "SELECT RELEASE_LOCK('a')"},
       Pin::user_lock,
       true},
      {{"SELECT GET_LOCK('a', 1)", "SELECT GET_LOCK('b', 1)", "SELECT RELEASE_ALL_LOCKS()"},
       Pin::user_lock,
       false},
      {{"SELECT GET_LOCK(CONCAT('a'), 1)", "SELECT RELEASE_LOCK('a')"}, Pin::user_lock, true},
      {{"!SELECT GET_LOCK('a', 1), (SELECT 1 UNION SELECT 2)"}, Pin::user_lock, true},
      {{"PREPARE p FROM 'SELECT 1'"}, Pin::prepared_text, true},
      {{"PREPARE p FROM 'SELECT 1'", "DEALLOCATE PREPARE P"}, Pin::prepared_text, false},
      {{"PREPARE p FROM 'SELECT 1'", "DROP PREPARE q"}, Pin::prepared_text, true},
      {{"HANDLER t OPEN AS h"}, Pin::handler, true},
      {{"HANDLER t OPEN AS h", "HANDLER h READ FIRST", "HANDLER h CLOSE"}, Pin::handler, false},
  };
  for (const Case& c : cases) {
    INFO(c.statements.front() << " ... " << c.statements.back());
    CHECK(after(c.statements).has(c.pin) == c.pinned);
    if (!c.pinned) CHECK(after(c.statements).empty());
  }
}

TEST_CASE("session objects: a text that cannot be read may hold anything") {
  const PinSet pins = after({"CREATE TEMPORARY TABLE t (a INT) /* "});
  CHECK(pins.has(Pin::temporary_table));
}

}  // namespace
}  // namespace weir
