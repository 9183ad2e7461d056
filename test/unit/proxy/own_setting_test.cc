#include "proxy/core/own_setting.h"

#include "test/support/catch.h"

namespace weir {
namespace {

std::string read(std::string_view text, bool ansi_quotes = false) {
  sql::TextOptions options;
  options.ansi_quotes = ansi_quotes;
  const auto setting = read_own_setting(text, options);
  if (!setting) return "not weir's";
  if (!setting->well_formed) return "bad " + setting->name;
  return setting->name + " " + setting->value;
}

TEST_CASE("own settings: how they may be written") {
  for (const std::string_view text :
       {"SET weir.consistency = 'global'", "set WEIR.Consistency='global';",
        "SET SESSION weir.consistency := \"global\"", "/* a */ SET weir . consistency = global",
        "SET LOCAL weir.`consistency` = 'global' ; "}) {
    INFO(text);
    CHECK(read(text) == "consistency global");
  }
  CHECK(read("SET weir.consistency = \"global\"", true) == "consistency global");
  CHECK(read("SET weir.other = 5") == "other 5");
}

TEST_CASE("own settings: what is somebody else's") {
  for (const std::string_view text :
       {"", "SET", "SELECT weir.consistency", "SET consistency = 'global'", "SET @weir = 1",
        "SET weir = 1", "SET GLOBAL weir.consistency = 'global'", "SET `weir`.consistency = 'a'",
        "SET a = 1, weir.consistency = 'global'", "SET @@weir.consistency = 'global'"}) {
    INFO(text);
    CHECK(read(text) == "not weir's");
  }
}

TEST_CASE("own settings: what is not understood is refused, not passed on") {
  for (const std::string_view text :
       {"SET weir.consistency", "SET weir.consistency =", "SET weir.consistency = (1)",
        "SET weir.consistency = 'global', autocommit = 0",
        "SET weir.consistency = 'global'; DELETE FROM t", "SET weir.consistency = 'glob",
        "SET weir.consistency = global AND more", "SET weir.consistency.x = 'a'"}) {
    INFO(text);
    CHECK(read(text) == "bad consistency");
  }
  CHECK(read("SET weir.") == "bad ");
  CHECK(read("SET weir.'consistency' = 1") == "bad ");
}

TEST_CASE("own settings: consistencies") {
  CHECK(read_consistency("Eventual") == Consistency::eventual);
  CHECK(read_consistency("session") == Consistency::session);
  CHECK(read_consistency("GLOBAL") == Consistency::global);
  for (const std::string_view text : {"", "globa", "globals", " session"}) {
    CHECK_FALSE(read_consistency(text));
  }
  for (const Consistency one : {Consistency::eventual, Consistency::session, Consistency::global}) {
    CHECK(read_consistency(consistency_name(one)) == one);
  }
  sql::Classification facts;
  CHECK_FALSE(hinted_consistency(facts));
  facts.hint_consistency = sql::Freshness::eventual;
  CHECK(hinted_consistency(facts) == Consistency::eventual);
  facts.hint_consistency = sql::Freshness::session;
  CHECK(hinted_consistency(facts) == Consistency::session);
  facts.hint_consistency = sql::Freshness::global;
  CHECK(hinted_consistency(facts) == Consistency::global);
}

}  // namespace
}  // namespace weir
