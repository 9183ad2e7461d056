#include "proxy/core/client_error.h"

#include <algorithm>

#include "test/support/catch.h"

namespace weir {
namespace {

struct Row {
  ClientError error;
  std::uint16_t code;
  const char* sqlstate;
  bool own;  // a text of weir's, which begins with "weir:"
  const char* mentions;
};

const Row kRows[] = {
    {errors::bad_handshake(), 1043, "08S01", false, "Bad handshake"},
    {errors::packets_out_of_order(), 1156, "08S01", false, "out of order"},
    {errors::cannot_uncompress(), 1157, "08S01", false, "uncompress"},
    {errors::packet_too_large(), 1153, "08S01", false, "max_allowed_packet"},
    {errors::unknown_command(), 1047, "08S01", false, "Unknown command"},
    {errors::malformed_packet(), 1835, "HY000", false, "Malformed"},
    {errors::unknown_statement(77, "COM_STMT_RESET"), 1243, "HY000", false,
     "(77) given to COM_STMT_RESET"},
    {errors::too_many_statements(5), 1461, "42000", false, "(current value: 5)"},
    {errors::access_denied("app", "::1", true), 1045, "28000", false,
     "'app'@'::1' (using password: YES)"},
    {errors::access_denied("", "unix", false), 1045, "28000", false,
     "''@'unix' (using password: NO)"},
    {errors::too_many_connections(), 1040, "08004", false, "Too many connections"},
    {errors::shutting_down(), 1053, "08S01", false, "shutdown"},
    {errors::local_infile_refused(), 1148, "42000", true, "LOAD DATA LOCAL"},
    {errors::command_refused("COM_SHUTDOWN"), 1047, "08S01", true, "COM_SHUTDOWN"},
    {errors::old_client("app"), 1251, "08004", true, "[[user]]"},
    {errors::statements_too_large(1024), 1461, "42000", true, "limits.max_packet (1024 bytes)"},
    {errors::memory_is_short(), 1041, "HY000", true, "limits.memory"},
    {errors::out_of_memory(), 1041, "HY000", true, "limits.memory"},
    {errors::user_needs_tls(), 3159, "HY000", true, "require_tls"},
    {errors::too_many_logins(), 1040, "08004", true, "try again"},
    {errors::user_limit("app", 5), 1203, "42000", true, "5 connections"},
    {errors::no_primary("db1 is down", 10000), 1290, "HY000", true, "after 10000 ms (db1 is down)"},
    {errors::no_replica("all lag"), 1290, "HY000", true, "(all lag)"},
    {errors::pool_timeout("db1", 9, 5000), 1041, "HY000", true, "all 9 connections to server db1"},
    {errors::overloaded("db1", 40, 7, 5000), 1041, "HY000", true,
     "db1 is overloaded: it has 40 statements at a time, as many as it can do, and 7 in line; this "
     "one waited 5000 ms"},
    {errors::server_unreachable("db1", "refused"), 1290, "HY000", true,
     "db1 cannot be used: refused"},
    {errors::outcome_unknown("db1", "reset"), 1158, "08S01", true, "outcome unknown"},
    {errors::result_cut("db1", "reset"), 1158, "08S01", true, "rows so far are not all"},
    {errors::transaction_lost("db1", "reset"), 1213, "40001", true, "run it again"},
    {errors::session_lost("db1", "temporary_table"), 1158, "08S01", true, "temporary_table"},
    {errors::statement_too_long(64), 1153, "08S01", true, "64 bytes"},
    {errors::rejected("reports"), 1142, "42000", true, "rule \"reports\""},
    {errors::not_allowed("app", "it is new", "00ff"), 1142, "42000", true,
     "of user 'app', digest 00ff: it is new;"},
    {errors::not_allowed("app", "it is new", ""), 1142, "42000", true, "of user 'app': it is new;"},
    {errors::long_data_too_large(64), 1105, "HY000", true, "(64 bytes)"},
};

TEST_CASE("client errors: every one has the number, state and text it should") {
  for (const Row& row : kRows) {
    INFO(row.error.message);
    CHECK(row.error.code == row.code);
    CHECK(row.error.sqlstate == row.sqlstate);
    CHECK(row.error.message.starts_with("weir: ") == row.own);
    CHECK(row.error.message.find(row.mentions) != std::string::npos);
  }
}

TEST_CASE("client errors: none can be mistaken for a client library's own") {
  for (const Row& row : kRows) {
    INFO(row.error.message);
    CHECK_FALSE((row.error.code >= 2000 && row.error.code <= 2999));
    CHECK_FALSE((row.error.code >= 5000 && row.error.code <= 5999));
    CHECK(row.error.sqlstate.size() == 5);
    CHECK(std::all_of(row.error.sqlstate.begin(), row.error.sqlstate.end(),
                      [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); }));
    CHECK(row.error.message.find('\n') == std::string::npos);
  }
}

}  // namespace
}  // namespace weir
