#include "proxy/core/session_state.h"

#include "protocol/frame.h"
#include "proxy/core/state_table.h"
#include "sql_classifier/tracked_variables.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"
#include "test/support/packets.h"

namespace weir {
namespace {

using test::ExactBytes;
using test::schema_entry;
using test::variable_entry;

using Values = std::vector<std::pair<const char*, const char*>>;

SessionState state_of(const Values& values, std::string_view schema = {}) {
  SessionState state;
  for (const auto& [name, value] : values) {
    state.set_variable(sql::find_tracked_variable(name).value(), value);
  }
  state.set_schema(schema);
  return state;
}

std::string value_of(const SessionState& state, std::string_view name) {
  const auto id = sql::find_tracked_variable(name).value();
  for (const auto& variable : state.variables()) {
    if (variable.id == id) return variable.value;
  }
  return "none";
}

struct Command {
  unsigned code;
  std::string text;
  bool operator==(const Command&) const = default;
};

std::vector<Command> repair(const SessionState& from, const SessionState& to) {
  std::string out;
  const int count = append_repair(out, from, to, 0);
  std::vector<Command> commands;
  protocol::ByteReader in(protocol::as_bytes(out));
  while (!in.empty()) {
    const std::uint32_t length = in.int3();
    CHECK(in.int1() == 0);
    const unsigned code = in.int1();
    commands.push_back({code, std::string(in.text(length - 1))});
  }
  CHECK(in.ok());
  CHECK(commands.size() == static_cast<std::size_t>(count));
  return commands;
}

// The one SET statement of a repair, or nothing.
std::string repair_sql(const SessionState& from, const SessionState& to) {
  const auto commands = repair(from, to);
  if (commands.empty()) return {};
  CHECK(commands.size() == 1);
  CHECK(commands[0].code == 0x03);
  return commands[0].text;
}

TEST_CASE("session state: equal values are equal") {
  SessionState a = state_of({{"sql_mode", "ANSI"}}, "shop");
  const SessionState copy = a;
  SessionState b = state_of({{"sql_mode", "ANSI"}}, "shop");
  CHECK(a == b);
  CHECK(a.hash() == b.hash());
  b.set_variable(sql::find_tracked_variable("sql_mode").value(), "ANSI");
  b.set_schema("shop");
  CHECK(a == b);
  b.set_schema("other");
  CHECK_FALSE(a == b);
  a.reset_variables();
  CHECK(a.variables().empty());
  CHECK(a.schema() == "shop");
  CHECK(copy.variables().size() == 1);
}

TEST_CASE("session state: a table has one object for equal states") {
  StateTable table;
  const StatePtr one = table.intern(state_of({{"sql_mode", "ANSI"}}, "shop"));
  CHECK(table.intern(state_of({{"sql_mode", "ANSI"}}, "shop")) == one);
  CHECK(table.intern(state_of({{"sql_mode", "ANSI"}}, "shop2")) != one);
  CHECK(table.intern(state_of({{"sql_mode", ""}}, "shop")) != one);
  CHECK(table.intern({}) == table.empty());
}

TEST_CASE("session state: a table forgets what nobody uses") {
  StateTable table;
  const StatePtr kept = table.intern(state_of({}, "kept"));
  for (int i = 0; i < 10000; ++i) table.intern(state_of({}, std::to_string(i)));
  CHECK(table.size() <= 200);
  CHECK(table.intern(state_of({}, "kept")) == kept);
}

TEST_CASE("session state: how a text was prepared") {
  const SessionState plain = state_of({{"sql_mode", ""}}, "shop");
  CHECK(plain.prepares_like(state_of({{"sql_mode", ""}, {"wait_timeout", "5"}}, "shop")));
  CHECK_FALSE(plain.prepares_like(state_of({{"sql_mode", "ANSI"}}, "shop")));
  CHECK_FALSE(plain.prepares_like(state_of({{"sql_mode", ""}}, "other")));
  CHECK_FALSE(
      plain.prepares_like(state_of({{"sql_mode", ""}, {"character_set_client", "gbk"}}, "shop")));
  const SessionState other = state_of(
      {{"character_set_connection", "latin1"}, {"collation_connection", "latin1_bin"}}, "other");
  const SessionState mixed =
      state_of({{"sql_mode", "ANSI"}, {"wait_timeout", "5"}}, "shop").prepared_as(other);
  CHECK(mixed.prepares_like(other));
  CHECK(value_of(mixed, "wait_timeout") == "5");
  CHECK(mixed.schema() == "other");
  CHECK(plain.prepared_as(state_of({})).schema() == "shop");
}

TEST_CASE("session state: what servers report is taken over") {
  SessionState state;
  const std::string changes = variable_entry("SQL_Mode", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES") +
                              schema_entry("shop") + variable_entry("no_such_variable", "1") +
                              test::gtid_entry("u:1") + variable_entry("autocommit", "OFF") +
                              variable_entry("character_set_client", "gbk");
  CHECK(reports_state(ExactBytes(changes)));
  CHECK_FALSE(reports_state(ExactBytes(test::gtid_entry("u:1"))));
  CHECK_FALSE(reports_state(ExactBytes(variable_entry("autocommit", "OFF"))));
  state.apply(ExactBytes(changes));
  CHECK(state.schema() == "shop");
  CHECK(state.variables().size() == 2);
  CHECK(state.ansi_quotes());
  CHECK(state.no_backslash_escapes());
  CHECK(state.client_charset() == "gbk");
  state.apply(ExactBytes(changes));
  state.apply(ExactBytes(""));
  state.apply(ExactBytes(variable_entry("sql_mode", "PIPES_AS_CONCAT,NOT_ANSI_QUOTES")));
  CHECK_FALSE(state.ansi_quotes());
  CHECK_FALSE(state.no_backslash_escapes());
  state.apply(ExactBytes(schema_entry("")));
  CHECK(state.schema().empty());
  state.reset_variables();
  CHECK(state.client_charset().empty());
}

TEST_CASE("session state: sql_auto_is_null") {
  SessionState state;
  CHECK_FALSE(state.auto_is_null());
  const auto id = sql::find_tracked_variable("sql_auto_is_null");
  REQUIRE(id);
  for (const char* on : {"ON", "1"}) {
    state.set_variable(*id, on);
    CHECK(state.auto_is_null());
    state.set_variable(*id, on[0] == '1' ? "0" : "OFF");
    CHECK_FALSE(state.auto_is_null());
  }
  state.set_variable(*id, "ON");
  state.reset_variables();
  CHECK_FALSE(state.auto_is_null());
}

TEST_CASE("session state: a malformed report changes nothing from there on") {
  SessionState state;
  state.apply(ExactBytes(schema_entry("shop") + "\1\5\x30xyzw" + schema_entry("other")));
  CHECK(state.schema() == "shop");
}

TEST_CASE("session state: variables are kept in the order of their ids") {
  const SessionState state =
      state_of({{"wait_timeout", "1"}, {"sql_mode", ""}, {"alter_algorithm", "DEFAULT"}});
  REQUIRE(state.variables().size() == 3);
  CHECK(state.variables()[0].id < state.variables()[1].id);
  CHECK(state.variables()[1].id < state.variables()[2].id);
}

TEST_CASE("session state: a character set brings its own collation") {
  const std::string german = variable_entry("collation_connection", "latin1_german1_ci");
  const std::string latin = variable_entry("character_set_connection", "latin1");
  // In one report the order says nothing: both are the values at its end.
  for (const std::string& report : {latin + german, german + latin}) {
    SessionState state;
    state.apply(ExactBytes(report));
    CHECK(value_of(state, "collation_connection") == "latin1_german1_ci");
    CHECK(value_of(state, "character_set_connection") == "latin1");
    // The same character set again: the collation is its default again.
    state.apply(ExactBytes(latin));
    CHECK(value_of(state, "collation_connection") == "none");
    state.apply(ExactBytes(latin));
  }
}

TEST_CASE("session state: no repair for equal states") {
  CHECK(repair({}, {}).empty());
  const Values values = {{"sql_mode", "ANSI"}};
  CHECK(repair(state_of(values, "shop"), state_of(values, "shop")).empty());
}

TEST_CASE("session state: the SET statement for every kind of difference") {
  struct Case {
    const char* name;
    Values from;
    Values to;
    const char* sql;
  };
  const Case cases[] = {
      {"a number", {}, {{"wait_timeout", "600"}}, "SET wait_timeout = 600"},
      {"a text", {}, {{"sql_mode", "ANSI_QUOTES"}}, "SET sql_mode = 'ANSI_QUOTES'"},
      {"an empty text", {}, {{"sql_mode", ""}}, "SET sql_mode = ''"},
      {"a quote in it", {}, {{"time_zone", "it's"}}, "SET time_zone = 'it''s'"},
      {"another value",
       {{"time_zone", "UTC"}},
       {{"time_zone", "+02:00"}},
       "SET time_zone = '+02:00'"},
      {"back to the default", {{"time_zone", "UTC"}}, {}, "SET time_zone = DEFAULT"},
      {"a character set that is NULL",
       {},
       {{"character_set_results", ""}},
       "SET character_set_results = NULL"},
      {"a number that is NULL", {}, {{"max_join_size", ""}}, "SET max_join_size = NULL"},
      {"all at once",
       {{"time_zone", "UTC"}, {"sql_notes", "OFF"}, {"sql_mode", "ANSI"}},
       {{"sql_mode", "ANSI"}, {"sql_notes", "ON"}, {"wait_timeout", "5"}},
       "SET time_zone = DEFAULT, sql_notes = ON, wait_timeout = 5"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(repair_sql(state_of(c.from), state_of(c.to)) == c.sql);
  }
}

// The two are one setting on the server, so the collation stands last and is never defaulted away
// from under a character set.
TEST_CASE("session state: character set and collation of the connection") {
  const std::pair<const char*, const char*> latin = {"character_set_connection", "latin1"};
  const std::pair<const char*, const char*> utf = {"character_set_connection", "utf8mb4"};
  const std::pair<const char*, const char*> german = {"collation_connection", "latin1_german1_ci"};
  const std::pair<const char*, const char*> binary = {"collation_connection", "utf8mb4_bin"};
  struct Case {
    Values from;
    Values to;
    const char* sql;
  };
  const Case cases[] = {
      {{}, {latin}, "SET character_set_connection = 'latin1'"},
      {{latin}, {}, "SET collation_connection = DEFAULT"},
      {{german}, {}, "SET collation_connection = DEFAULT"},
      {{latin, german}, {latin}, "SET character_set_connection = 'latin1'"},
      {{german}, {utf}, "SET character_set_connection = 'utf8mb4'"},
      {{latin}, {binary}, "SET collation_connection = 'utf8mb4_bin'"},
      {{latin, german},
       {utf, german},
       "SET character_set_connection = 'utf8mb4', collation_connection = 'latin1_german1_ci'"},
      {{latin, german},
       {utf, binary},
       "SET character_set_connection = 'utf8mb4', collation_connection = 'utf8mb4_bin'"},
      {{latin, german}, {latin, german}, ""},
  };
  for (const Case& c : cases) {
    INFO(c.sql);
    CHECK(repair_sql(state_of(c.from), state_of(c.to)) == c.sql);
  }
}

TEST_CASE("session state: the schema is its own command, and comes first") {
  const SessionState plain = state_of({});
  const SessionState shop = state_of({{"sql_mode", "ANSI"}}, "shop");
  CHECK((repair(plain, shop) ==
         std::vector<Command>{{0x02, "shop"}, {0x03, "SET sql_mode = 'ANSI'"}}));
  CHECK((repair(shop, state_of({{"sql_mode", "ANSI"}}, "o'ther")) ==
         std::vector<Command>{{0x02, "o'ther"}}));
  CHECK((repair(shop, state_of({{"sql_mode", "ANSI"}})).empty()));
  CHECK(can_repair(plain, shop));
  CHECK(can_repair(plain, plain));
  CHECK(can_repair(shop, state_of({}, "other")));
  CHECK_FALSE(can_repair(shop, plain));
}

TEST_CASE("session state: every tracked variable survives a repair and the report of it") {
  SessionState wish;
  for (std::size_t id = 0; id < sql::tracked_variables().size(); ++id) wish.set_variable(id, "7");
  const std::string sql = repair_sql({}, wish);
  std::string report;
  for (const sql::TrackedVariable& variable : sql::tracked_variables()) {
    // character_set_results and what equals it come with SET NAMES.
    const bool named =
        variable.name == "character_set_client" || variable.name == "character_set_results";
    CHECK((sql.find(std::string(variable.name) + " = ") != std::string::npos) == !named);
    report += variable_entry(variable.name, "7");
  }
  SessionState connection;
  connection.apply(ExactBytes(report));
  CHECK(repair(connection, wish).empty());
  CHECK(connection == wish);
}

TEST_CASE("session state: SET NAMES is repeated with its collation") {
  const Values all = {{"character_set_client", "utf8mb4"},
                      {"character_set_connection", "utf8mb4"},
                      {"character_set_results", "utf8mb4"}};
  const SessionState plain = state_of(all);
  SessionState binary = plain;
  binary.set_names("utf8mb4_bin");
  CHECK(value_of(binary, "collation_connection") == "utf8mb4_bin");
  CHECK_FALSE(plain == binary);
  CHECK(repair_sql(plain, binary) == "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'");
  CHECK(repair_sql(binary, plain) == "SET NAMES 'utf8mb4'");
  SessionState mixed = binary;
  mixed.set_variable(sql::find_tracked_variable("character_set_client").value(), "gbk");
  CHECK(repair_sql(plain, mixed) ==
        "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin', character_set_client = 'gbk'");
  // Assigned by itself, the character set of results has its own collation.
  SessionState assigned = binary;
  assigned.set_variable(sql::find_tracked_variable("character_set_results").value(), "utf8mb4");
  CHECK(repair_sql(plain, assigned) ==
        "SET NAMES 'utf8mb4', character_set_connection = 'utf8mb4', "
        "collation_connection = 'utf8mb4_bin'");
  SessionState none = binary;
  none.set_variable(sql::find_tracked_variable("character_set_results").value(), "");
  CHECK(repair_sql(plain, none).find("character_set_results = NULL") != std::string::npos);
}

TEST_CASE("session state: character sets that hide ASCII in their letters") {
  for (const char* charset : {"gbk", "sjis", "big5", "cp932", "gb18030"})
    CHECK(is_ascii_unsafe(charset));
  for (const char* charset :
       {"", "utf8mb4", "latin1", "binary", "euckr", "gb2312", "ujis", "GBK "}) {
    CHECK_FALSE(is_ascii_unsafe(charset));
  }
}

}  // namespace
}  // namespace weir
