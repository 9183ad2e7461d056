#include "proxy/core/substitution.h"

#include "protocol/frame.h"
#include "test/support/catch.h"
#include "test/support/packets.h"

namespace weir {
namespace {

std::string substituted(std::string_view text) {
  KnownAnswers answers;
  answers.connection_id = 1073741825;
  answers.row_count = -1;
  answers.found_rows = 7;
  return substitute(text, {}, answers).text;
}

TEST_CASE("substitution: questions become answers, and nothing else changes") {
  CHECK(substituted("SELECT CONNECTION_ID()") == "SELECT CAST(1073741825 AS UNSIGNED)");
  CHECK(substituted("select connection_id ( ) + 1, 'CONNECTION_ID()' -- CONNECTION_ID()\n") ==
        "select CAST(1073741825 AS UNSIGNED) + 1, 'CONNECTION_ID()' -- CONNECTION_ID()\n");
  CHECK(substituted("SELECT ROW_COUNT(), FOUND_ROWS()") ==
        "SELECT CAST(-1|0 AS SIGNED), CAST(7|0 AS SIGNED)");
  CHECK(substituted("SELECT @@pseudo_thread_id") == "SELECT NULLIF(1073741825|0, 0)");
  CHECK(substituted("SELECT CONNECTION_ID(), connection_id()") ==
        "SELECT CAST(1073741825 AS UNSIGNED), CAST(1073741825  AS UNSIGNED)");
  CHECK(substituted("SELECT CONNECTION_ID() = @@pseudo_thread_id") ==
        "SELECT CAST(1073741825 AS UNSIGNED) = NULLIF(1073741825|0, 0)");
  CHECK(substituted("SELECT 1") == "SELECT 1");
}

TEST_CASE("substitution: what is not known is left to the server") {
  const SubstitutedText same = substitute("SELECT CONNECTION_ID(), ROW_COUNT()", {}, {});
  CHECK(same.text == "SELECT CONNECTION_ID(), ROW_COUNT()");
  CHECK(same.substitutions.empty());
}

TEST_CASE("substitution: numbers of the statement before, without its connection") {
  const auto set = [](std::string_view text) { return diagnostics_as_set(text, {}, 3); };
  CHECK(set("GET DIAGNOSTICS @n = NUMBER, @r = ROW_COUNT") ==
        "SET @n = CAST(0 AS UNSIGNED), @r = 3");
  CHECK(set("get current diagnostics @`r`=row_count;") == "SET @r = 3");
  for (const char* other :
       {"GET DIAGNOSTICS CONDITION 1 @t = MESSAGE_TEXT", "GET STACKED DIAGNOSTICS @n = NUMBER",
        "GET DIAGNOSTICS n = NUMBER", "GET DIAGNOSTICS @n = NUMBER; SELECT 1", "GET DIAGNOSTICS",
        "GET DIAGNOSTICS @'a b' = NUMBER", "GET DIAGNOSTICS @n = NUMBER,", "SHOW WARNINGS", ""}) {
    CAPTURE(other);
    CHECK(set(other).empty());
  }
}

TEST_CASE("substitution: beside the server's own ids its answer is the right one") {
  CHECK(compares_with_server_ids("SELECT IS_USED_LOCK('a') = CONNECTION_ID()"));
  CHECK(compares_with_server_ids(
      "SELECT 1 FROM information_schema.PROCESSLIST WHERE id = CONNECTION_ID()"));
  CHECK_FALSE(compares_with_server_ids("INSERT INTO log VALUES (CONNECTION_ID())"));
}

std::string definition(std::string_view name) {
  std::string payload;
  protocol::ByteWriter out(payload);
  for (const char* text : {"def", "", "t", "t"}) out.lenenc_text(text);
  out.lenenc_text(name).lenenc_text("").bytes(protocol::as_bytes("\x0c rest of it"));
  std::string packet;
  std::uint8_t sequence = 2;
  protocol::append_frames(packet, payload, sequence);
  return packet;
}

TEST_CASE("substitution: the client sees its own words in the names of columns") {
  const std::vector<Substitution> undo = {{"CAST(5 AS UNSIGNED)", "connection_id()"}};
  CHECK(restored_definition(protocol::as_bytes(definition("CAST(5 AS UNSIGNED)+1")), undo) ==
        definition("connection_id()+1"));
  CHECK(restored_definition(protocol::as_bytes(definition("x")), undo).empty());
  CHECK(restored_definition(protocol::as_bytes(std::string("\1\0\0\2\5", 5)), undo).empty());
}

}  // namespace
}  // namespace weir
