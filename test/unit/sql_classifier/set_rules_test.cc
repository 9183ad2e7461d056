#include "test/unit/sql_classifier/verdicts.h"

#include "sql_classifier/tracked_variables.h"

namespace weir::test {

using sql::Effect;
using sql::StatementKind;

TEST_CASE("SET of session variables", "[classifier][set]") {
  const Effect tracked = Effect::sets_tracked_variable;
  const Effect untracked = Effect::sets_untracked_variable;
  const Effect user = Effect::sets_user_variable;
  check_primary({
      {"SET sql_mode = ''", StatementKind::set, tracked},
      {"SET SESSION sql_mode := 'a,b', @@session.time_zone = '+00:00', LOCAL wait_timeout = 5",
       StatementKind::set, tracked},
      {"SET `sql_mode` = CONCAT(@@sql_mode, ',X')", StatementKind::set, tracked},
      {"SET timestamp = 1", StatementKind::set, untracked},
      {"SET sql_mode = '', timestamp = 1", StatementKind::set, untracked},
      {"SET sql_log_bin = 0", StatementKind::set, untracked},
      {"SET autocommit = 0", StatementKind::set, Effect::sets_autocommit},
      {"SET @@SESSION.autocommit = ON, sql_mode = ''", StatementKind::set,
       Effect::sets_autocommit | tracked},
      {"SET session_track_gtids = OWN_GTID", StatementKind::set, Effect::sets_session_tracking},
      {"SET @a = 1, @b := (SELECT MAX(c), 1 FROM t), @`c d` = 'x,y'", StatementKind::set, user},
      {"SET @a = @b", StatementKind::set, user | Effect::uses_user_variable},
      {"SET @a = (SELECT f(1))", StatementKind::set, user | Effect::calls_routine},
      {"SET a.b = 1", StatementKind::set, untracked},
      {"SET", StatementKind::set, untracked},
      {"SET sql_mode", StatementKind::set, untracked},
      {"SET = 1", StatementKind::set, untracked},
      {"SET a. = 1", StatementKind::set, untracked},
      {"SET statement = 1", StatementKind::set, untracked},
      {"SET statement := 1", StatementKind::set, untracked},
      {"SET transaction = 1", StatementKind::set, untracked},
      {"SET CHARACTER latin1", StatementKind::set, untracked},
      {"SET names = 'latin1'", StatementKind::set, untracked},
  });
}

TEST_CASE("SET of global variables", "[classifier][set]") {
  const Effect global = Effect::sets_global_variable;
  check_primary({
      {"SET GLOBAL x = 1", StatementKind::set, global},
      {"SET @@global.x = 1, @@persist.y = 2", StatementKind::set, global},
      {"SET PERSIST x = 1", StatementKind::set, global},
      {"SET PERSIST_ONLY x = 1", StatementKind::set, global},
      {"SET GLOBAL x = 1, SESSION sql_mode = ''", StatementKind::set,
       global | Effect::sets_tracked_variable},
      {"SET GLOBAL x = 1, sql_mode = ''", StatementKind::set,
       global | Effect::sets_tracked_variable},
      {"SET GLOBAL autocommit = 0", StatementKind::set, global},
      {"SET GLOBAL TRANSACTION READ ONLY", StatementKind::set, global},
  });
}

TEST_CASE("SET of what is next, of names and of roles", "[classifier][set]") {
  check_primary({
      {"SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY", StatementKind::set,
       Effect::sets_next_transaction},
      {"SET SESSION TRANSACTION READ WRITE", StatementKind::set, Effect::sets_tracked_variable},
      {"SET @@transaction_isolation = 'SERIALIZABLE'", StatementKind::set,
       Effect::sets_next_transaction},
      {"SET @@tx_read_only = 1", StatementKind::set, Effect::sets_next_transaction},
      {"SET transaction_isolation = 'SERIALIZABLE'", StatementKind::set,
       Effect::sets_tracked_variable},
      {"SET @@session.transaction_read_only = 1", StatementKind::set,
       Effect::sets_tracked_variable},
      {"SET NAMES utf8mb4", StatementKind::set, Effect::sets_names | Effect::sets_tracked_variable},
      {"SET CHARACTER SET DEFAULT, @a = 1", StatementKind::set,
       Effect::sets_names | Effect::sets_tracked_variable | Effect::sets_user_variable},
      {"SET CHARSET 'latin1'", StatementKind::set,
       Effect::sets_names | Effect::sets_tracked_variable},
      {"SET ROLE ALL", StatementKind::set, Effect::changes_role},
      {"SET DEFAULT ROLE r TO u@h", StatementKind::set,
       Effect::ends_transaction | Effect::sets_global_variable},
      {"SET PASSWORD FOR u@h = 'x'", StatementKind::set, Effect::ends_transaction},
      {"SET RESOURCE GROUP g", StatementKind::set, Effect::sets_untracked_variable},
      {"SET STATEMENT max_statement_time = 1, sql_mode = '' FOR SELECT f(1)", StatementKind::read,
       Effect::calls_routine | Effect::sets_for_statement},
      {"SET STATEMENT sql_mode = '' FOR COMMIT", StatementKind::commit,
       Effect::ends_transaction | Effect::sets_for_statement},
      {"SET STATEMENT sql_mode = ''", StatementKind::set, Effect::sets_untracked_variable},
  });
}

TEST_CASE("the collation of SET NAMES is given without quotes", "[classifier][set]") {
  const auto collation = [](std::string_view text) {
    return std::string(sql::classify(text).names_collation);
  };
  CHECK(collation("SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'") == "utf8mb4_bin");
  CHECK(collation("SET NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci;") == "utf8mb4_0900_ai_ci");
  CHECK(collation("SET NAMES utf8mb4").empty());
  CHECK(collation("SET NAMES utf8mb4 COLLATE DEFAULT").empty());
  CHECK(collation("SET NAMES utf8 COLLATE utf8_bin; SET NAMES latin1").empty());
  CHECK(collation("SET NAMES utf8 COLLATE utf8_bin, @a = 1") == "utf8_bin");
}

TEST_CASE("tracked variables are found by name in any letter case", "[classifier][set]") {
  const auto all = sql::tracked_variables();
  for (std::size_t id = 0; id < all.size(); ++id)
    CHECK(sql::find_tracked_variable(all[id].name) == id);
  CHECK(sql::find_tracked_variable("SQL_Mode").has_value());
  for (std::string_view name :
       {"", "autocommit", "timestamp", "insert_id", "rand_seed1", "sql_log_bin", "gtid_next",
        "pseudo_thread_id", "session_track_gtids", "sql_mod", "sql_modes"}) {
    CAPTURE(std::string(name));
    CHECK_FALSE(sql::find_tracked_variable(name).has_value());
  }
  CHECK_FALSE(sql::find_tracked_variable(std::string(1000, 'a')).has_value());
}

}  // namespace weir::test
