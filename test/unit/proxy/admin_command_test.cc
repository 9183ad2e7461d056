#include "proxy/admin/admin_command.h"

#include "test/support/catch.h"

namespace weir {
namespace {

using Kind = AdminCommand::Kind;

std::string labels(const AdminCommand& command) {
  std::string out;
  for (const auto& item : command.items) out += (out.empty() ? "" : "|") + item.label;
  return out;
}

TEST_CASE("admin command: in any letter case, with and without a semicolon", "[admin]") {
  struct Row {
    const char* text;
    Kind kind;
  };
  const Row rows[] = {
      {"SHOW SERVERS", Kind::show_servers},
      {"show servers;", Kind::show_servers},
      {"  Show\n\tServers ; ; ", Kind::show_servers},
      {"/* hello */ SHOW SERVERS -- there", Kind::show_servers},
      {"SHOW POOLS", Kind::show_pools},
      {"SHOW SESSIONS", Kind::show_sessions},
      {"SHOW PINS", Kind::show_pins},
      {"show rules;", Kind::show_rules},
      {"SHOW FIREWALL", Kind::show_firewall},
      {"SHOW COUNTERS", Kind::show_counters},
      {"SHOW CONFIG", Kind::show_config},
      {"SHOW WARNINGS", Kind::show_warnings},
      {"SHOW HELP", Kind::help},
      {"help;", Kind::help},
      {"SET NAMES utf8mb4", Kind::accept},
      {"SET @@session.autocommit = OFF", Kind::accept},
      {"SET sql_mode='STRICT;', x = 1;", Kind::accept},
      {"USE mysql", Kind::accept},
      {"begin", Kind::accept},
      {"START TRANSACTION", Kind::accept},
      {"COMMIT", Kind::accept},
      {"rollback", Kind::accept},
      {"", Kind::empty},
      {" ; ", Kind::empty},
      {"-- nothing", Kind::empty},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(parse_admin_command(row.text).kind == row.kind);
  }
}

TEST_CASE("admin command: servers by name", "[admin]") {
  struct Row {
    const char* text;
    const char* name;
  };
  const Row rows[] = {
      {"DRAIN SERVER db1", "db1"},
      {"drain server DB1;", "DB1"},
      {"DRAIN SERVER db-1.a_b ;", "db-1.a_b"},
      {"DRAIN SERVER `db 1`", "db 1"},
      {"DRAIN SERVER 'db1';", "db1"},
      {"DRAIN SERVER 1.5", "1.5"},
      {"DRAIN SERVER server", "server"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const AdminCommand command = parse_admin_command(row.text);
    CHECK(command.kind == Kind::drain_server);
    CHECK(command.name == row.name);
  }
  CHECK(parse_admin_command("ENABLE SERVER db2").kind == Kind::enable_server);
  CHECK(parse_admin_command("ENABLE SERVER db2").name == "db2");
}

TEST_CASE("admin command: sessions by number", "[admin]") {
  const AdminCommand command = parse_admin_command("kill session 1073741824;");
  CHECK(command.kind == Kind::kill_session);
  CHECK(command.session == 1073741824u);
  CHECK(parse_admin_command("KILL SESSION 4294967295").session == 4294967295u);
}

TEST_CASE("admin command: EXPLAIN ROUTE takes the rest as it is", "[admin]") {
  const AdminCommand command =
      parse_admin_command("EXPLAIN  route  SELECT ';', \"it's\" FROM t; x");
  CHECK(command.kind == Kind::explain_route);
  CHECK(command.text == "SELECT ';', \"it's\" FROM t; x");
  CHECK(parse_admin_command("EXPLAIN ROUTE /* weir: primary */ SELECT 1").text ==
        "/* weir: primary */ SELECT 1");
}

TEST_CASE("admin command: what clients ask for by themselves", "[admin]") {
  struct Row {
    const char* text;
    const char* labels;
  };
  const Row rows[] = {
      {"select @@version_comment limit 1", "@@version_comment"},
      {"SELECT 1", "1"},
      {"SELECT 'a' , 2 AS two, null n", "a|two|n"},
      {"SELECT DATABASE()", "DATABASE()"},
      {"select USER() limit 1", "USER()"},
      {"SELECT @@max_allowed_packet,@@wait_timeout", "@@max_allowed_packet|@@wait_timeout"},
      {"/* driver */SELECT  @@session.auto_increment_increment AS auto_increment_increment, "
       "@@global.time_zone AS `time zone`;",
       "auto_increment_increment|time zone"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const AdminCommand command = parse_admin_command(row.text);
    CHECK(command.kind == Kind::constants);
    CHECK(labels(command) == row.labels);
  }
  const auto items = parse_admin_command("SELECT @@SESSION.Sql_Mode, Version()").items;
  REQUIRE(items.size() == 2);
  CHECK(items[0].text == "sql_mode");
  CHECK(items[0].kind == AdminCommand::Item::Kind::variable);
  CHECK(items[1].text == "version");
  CHECK(items[1].kind == AdminCommand::Item::Kind::function);
}

TEST_CASE("admin command: everything else is unknown, and nothing of it happens", "[admin]") {
  const std::string nul("SHOW\0SERVERS", 12);
  std::string many = "SELECT 1";
  for (std::size_t i = 0; i < kMaxAdminItems; ++i) many += ",1";
  const std::string texts[] = {
      "SHOW",
      "SHOW TABLES",
      "SHOW SERVERS NOW",
      "SHOW SERVERS; SHOW POOLS",
      "SERVERS",
      "DRAIN",
      "DRAIN SERVER",
      "DRAIN SERVER ;",
      "DRAIN db1",
      "DRAIN SERVER db1 db2",
      "DRAIN SERVER db1, db2",
      "DRAIN SERVER db1; DRAIN SERVER db2",
      "DRAIN SERVER 'db1",
      "DRAIN SERVER `db1` x",
      "KILL",
      "KILL 5",
      "KILL SESSION",
      "KILL SESSION x",
      "KILL SESSION -1",
      "KILL SESSION 1 2",
      "KILL SESSION 1e3",
      "KILL SESSION 4294967296",
      "KILL SESSION 99999999999999999999",
      "KILL SESSION '5'",
      "KILL QUERY 5",
      "EXPLAIN",
      "EXPLAIN SELECT 1",
      "EXPLAIN ROUTE",
      "EXPLAIN ROUTE  ",
      "SELECT",
      "SELECT 1,",
      "SELECT 1 2",
      "SELECT * FROM t",
      "SELECT 1 FROM dual",
      "SELECT @a",
      "SELECT f(1)",
      "SELECT f(",
      "SELECT @@",
      "SELECT 1 LIMIT",
      "SELECT 1 LIMIT x",
      "SELECT 'open",
      "SELECT @@a.",
      "SET x = 1; DRAIN SERVER db1",
      "SET x = 'open",
      "/* open",
      "INSERT INTO t VALUES (1)",
      "\xff\xfe\xfd",
      nul,
      many,
      std::string(100000, '('),
  };
  for (const std::string& text : texts) {
    CAPTURE(text.substr(0, 60));
    const AdminCommand command = parse_admin_command(text);
    CHECK(command.kind == Kind::unknown);
    CHECK(command.text == text);
  }
}

TEST_CASE("admin command: what changes something is an order", "[admin]") {
  for (const char* order : {"DRAIN SERVER db1", "enable server `db1`", "KILL SESSION 5"}) {
    CAPTURE(order);
    CHECK(is_order(parse_admin_command(order).kind));
  }
  for (const char* look :
       {"SHOW SERVERS", "SHOW POOLS", "SHOW SESSIONS", "SHOW PINS", "SHOW COUNTERS", "SHOW RULES",
        "SHOW CONFIG", "SHOW WARNINGS", "HELP", "EXPLAIN ROUTE DRAIN SERVER db1", "SELECT 1",
        "SET x = 1", "", "DRAIN SERVER db1; SHOW SERVERS", "DROP TABLE t"}) {
    CAPTURE(look);
    CHECK_FALSE(is_order(parse_admin_command(look).kind));
  }
}

TEST_CASE("admin command: orders in the log are short and on one line", "[admin]") {
  CHECK(order_text(parse_admin_command("drain server db1")) == "DRAIN SERVER \"db1\"");
  CHECK(order_text(parse_admin_command("ENABLE SERVER 'a\nb'")) == "ENABLE SERVER \"a\\x0ab\"");
  CHECK(order_text(parse_admin_command("kill session 7;")) == "KILL SESSION 7");
  const std::string longest =
      order_text(parse_admin_command("DRAIN SERVER `" + std::string(10000, 'x') + "`"));
  CHECK(longest.size() < 200);
}

TEST_CASE("admin command: the error for an unknown one names them all and stays short", "[admin]") {
  const std::string text = unknown_command_text("DROP\nTABLE " + std::string(5000, 'x'));
  CHECK(text.size() < 400);
  CHECK(text.find("'DROP TABLE xxx") != std::string::npos);
  for (const AdminHelp& row : admin_help()) {
    CHECK(text.find(row.command) != std::string::npos);
  }
}

}  // namespace
}  // namespace weir
