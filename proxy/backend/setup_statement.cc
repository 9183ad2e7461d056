#include "proxy/backend/setup_statement.h"

#include "sql_classifier/tracked_variables.h"

namespace weir {
namespace {

std::string for_mysql() {
  std::string sql =
      "SET session_track_schema = 1, session_track_gtids = OWN_GTID, "
      "session_track_system_variables = 'autocommit";
  for (const sql::TrackedVariable& variable : sql::tracked_variables()) {
    sql += ',';
    sql += variable.name;
  }
  // At the end: only what is assigned after the list is reported.
  sql += "', sql_mode = @@sql_mode";
  return sql;
}

}  // namespace

const std::string& setup_statement(bool mariadb) {
  static const std::string mysql = for_mysql();
  static const std::string maria =
      "SET session_track_schema = 1, session_track_system_variables = '*', sql_mode = @@sql_mode";
  return mariadb ? maria : mysql;
}

}  // namespace weir
