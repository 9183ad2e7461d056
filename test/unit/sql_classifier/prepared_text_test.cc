#include "sql_classifier/prepared_text.h"

#include <string>
#include <vector>

#include "test/support/catch.h"

namespace weir::test {
namespace {

using Texts = std::vector<std::string>;

struct Row {
  std::string_view text;
  Texts texts;
  bool clear = true;
  sql::TextOptions options = {};
};

sql::TextOptions ansi() {
  sql::TextOptions options;
  options.ansi_quotes = true;
  return options;
}

sql::TextOptions no_escapes() {
  sql::TextOptions options;
  options.no_backslash_escapes = true;
  return options;
}

}  // namespace

TEST_CASE("prepared texts: what PREPARE and EXECUTE IMMEDIATE run", "[classifier][prepared_text]") {
  const Row rows[] = {
      {"SELECT 1", {}},
      {"PREPARE s FROM 'SELECT 1'", {"SELECT 1"}},
      {"prepare `s` from \"SELECT 'a'\"; EXECUTE s", {"SELECT 'a'"}},
      {"EXECUTE IMMEDIATE 'DELETE FROM t WHERE a = ?' USING 1", {"DELETE FROM t WHERE a = ?"}},
      {"PREPARE a FROM 'x'; PREPARE b FROM 'y'", {"x", "y"}},
      {"BEGIN NOT ATOMIC PREPARE a FROM 'x'; EXECUTE a; END", {"x"}},
      {"/*!80000 PREPARE a FROM 'x' */", {"x"}},
      // Escapes are those of the session.
      {"PREPARE s FROM 'a''b\\'c\\n\\\\d\\%\\_\\Z\\0e'",
       {std::string("a'b'c\n\\d\\%\\_\x1a\0e", 15)}},
      {"PREPARE s FROM 'a\\' ", {"a\\"}, true, no_escapes()},
      {"PREPARE s FROM 'say \"\"'", {"say \"\""}},
      // A variable hides everything, and no part of it is in sight.
      {"PREPARE s FROM @v", {}},
      {"EXECUTE IMMEDIATE @v", {}},
      {"EXECUTE s USING @v", {}},
      {"DEALLOCATE PREPARE s", {}},
      {"XA PREPARE 'x'", {}},
      // Put together of parts.
      {"PREPARE s FROM CONCAT('DROP', ' TABLE t')", {}, false},
      {"PREPARE s FROM 'DROP' ' TABLE t'", {}, false},
      {"PREPARE s FROM @v || 'x'", {}, false},
      {"PREPARE s FROM _utf8'x'", {}, false},
      {"PREPARE s FROM", {}, false},
      {"EXECUTE IMMEDIATE", {}, false},
      {"EXECUTE IMMEDIATE x'44524f50'", {}, false},
      {"PREPARE s FROM \"x\"", {}, false, ansi()},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.text));
    const sql::PreparedTexts found = sql::prepared_texts(row.text, row.options);
    CHECK(found.texts == row.texts);
    CHECK(found.clear == row.clear);
  }
}

}  // namespace weir::test
