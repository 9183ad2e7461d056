#include "sql_classifier/lexer.h"

#include <string>
#include <vector>

#include "test/support/catch.h"

namespace weir::sql {
namespace {

// The tokens of a text, each as a letter for its type and its text.
std::vector<std::string> tokens(std::string_view text, LexMode mode = {}) {
  std::vector<std::string> result;
  for (Lexer lexer(text, mode); lexer.token().type != TokenType::end; lexer.next()) {
    constexpr std::string_view kLetters = "$;wqsnuv(),.=<:o";
    const Token& token = lexer.token();
    result.push_back(kLetters[static_cast<std::size_t>(token.type)] + std::string(token.text));
  }
  return result;
}

using Tokens = std::vector<std::string>;

Lexer at_end(std::string_view text, LexMode mode = {}) {
  Lexer lexer(text, mode);
  lexer.skip_text();
  return lexer;
}

}  // namespace

TEST_CASE("words, numbers and names are cut as the servers cut them", "[classifier][lexer]") {
  CHECK(tokens("a1 _b $c") == Tokens{"wa1", "w_b", "w$c"});
  CHECK(tokens("1 1.5 .5 1. 1e5 1.5e-3 1E+2") ==
        Tokens{"n1", "n1.5", "n.5", "n1.", "n1e5", "n1.5e-3", "n1E+2"});
  CHECK(tokens("1a 1e 0x1F 5e5x") == Tokens{"w1a", "w1e", "w0x1F", "n5e5", "wx"});
  CHECK(tokens("1.FOR") == Tokens{"n1.", "wFOR"});
  CHECK(tokens("t.1a t.5") == Tokens{"wt", "..", "w1a", "wt", "..", "w5"});
  CHECK(tokens("db . tbl") == Tokens{"wdb", "..", "wtbl"});
  CHECK(tokens("t .5") == Tokens{"wt", "n.5"});
  CHECK(tokens("N'a' _utf8'b' x'41'") == Tokens{"wN", "sa", "w_utf8", "sb", "wx", "s41"});
  CHECK(tokens("caf\xc3\xa9") == Tokens{"wcaf\xc3\xa9"});
}

TEST_CASE("behind a dot no word is a keyword", "[classifier][lexer]") {
  Lexer lexer("t.for for", {});
  lexer.next();
  lexer.next();
  CHECK(lexer.token().text == "for");
  CHECK(lexer.is(Keyword::NONE));
  lexer.next();
  CHECK(lexer.is(Keyword::FOR));
}

TEST_CASE("quotes end where the options say", "[classifier][lexer]") {
  CHECK(tokens("'a''b' c") == Tokens{"sa''b", "wc"});
  CHECK(tokens("'a\\'b' c") == Tokens{"sa\\'b", "wc"});
  CHECK(tokens("'a\\' c", {.no_backslash_escapes = true}) == Tokens{"sa\\", "wc"});
  CHECK(tokens("\"a\" b") == Tokens{"sa", "wb"});
  CHECK(tokens("\"a\\\" b", {.ansi_quotes = true}) == Tokens{"qa\\", "wb"});
  CHECK(tokens("`a\\` b") == Tokens{"qa\\", "wb"});
  CHECK(tokens("`a``b` c") == Tokens{"qa``b", "wc"});
  const std::string longer(200, 'x');
  CHECK(tokens("'" + longer + "''" + longer + "\\\\' c") ==
        Tokens{"s" + longer + "''" + longer + "\\\\", "wc"});
}

TEST_CASE("a text that ends inside a token is unterminated", "[classifier][lexer]") {
  for (std::string_view text :
       {"'a", "'a\\", "'a''", "\"a", "`a", "/* a", "/*", "/*/", "/*! a", "/*!50000 a", "@'a"}) {
    CAPTURE(std::string(text));
    CHECK(at_end(text).unterminated());
  }
  for (std::string_view text : {"", "'a'", "/**/", "/*a*/", "-- a", "# a", "/*! a */", "@"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(at_end(text).unterminated());
  }
}

TEST_CASE("comments are white space, executable ones are code", "[classifier][lexer]") {
  CHECK(tokens("a/* b */c") == Tokens{"wa", "wc"});
  CHECK(tokens("a -- b\nc") == Tokens{"wa", "wc"});
  CHECK(tokens("a --b") == Tokens{"wa", "o-", "o-", "wb"});
  CHECK(tokens("a --") == Tokens{"wa"});
  CHECK(tokens("a # b\rc\nd") == Tokens{"wa", "wd"});
  CHECK(tokens("a /*+ b */ c") == Tokens{"wa", "wc"});
  CHECK(tokens("/*/ a */ b") == Tokens{"wb"});
  CHECK(tokens("a /*! b */ c") == Tokens{"wa", "wb", "wc"});
  CHECK(tokens("/*!50000b*/") == Tokens{"wb"});
  CHECK(tokens("/*!080000b*/") == Tokens{"wb"});
  CHECK(tokens("/*!5000 b*/") == Tokens{"n5000", "wb"});
  CHECK(tokens("/*M! b */") == Tokens{"wb"});
  CHECK(tokens("/*M!100100 b */ c", {.skip_conditional = true}) == Tokens{"wc"});
  CHECK(tokens("/*!40101 b */ c", {.skip_conditional = true}) == Tokens{"wb", "wc"});
  CHECK(tokens("a */ b") == Tokens{"wa", "o*", "o/", "wb"});
}

TEST_CASE("what servers read differently is doubtful", "[classifier][lexer]") {
  for (std::string_view text :
       {std::string_view("a\0b", 3), std::string_view("\x01"), std::string_view("\x7f"),
        std::string_view("a\xa0"), std::string_view("\xff"), std::string_view("--\x85"),
        std::string_view("# a\0b", 5), std::string_view("/*! /*! a */ */"),
        std::string_view("/*!99999 ' */ ' */"), std::string_view("/*M! '/*' */")}) {
    CAPTURE(std::string(text));
    CHECK(at_end(text).doubtful());
  }
  for (std::string_view text :
       {"a", "'\x01'", "/* \x01 */", "/*!99999 a */", "\xd0\xb8", "--\n", "--\x01"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(at_end(text).doubtful());
  }
  CHECK(at_end("/*!50700 a */ /*M! b */").conditional_comments() == 2);
  CHECK(at_end("/*!50699 a */ /*! b */").conditional_comments() == 0);
}

TEST_CASE("only quotes and backslashes depend on sql_mode", "[classifier][lexer]") {
  for (std::string_view text : {"\"a\"", "'a\\b'", "@\"a\""})
    CHECK(at_end(text).depends_on_sql_mode());
  for (std::string_view text : {"'a'", "`a\\b`", "a", "-- \"\n", "/* \\ */"})
    CHECK_FALSE(at_end(text).depends_on_sql_mode());
}

TEST_CASE("variables and operators", "[classifier][lexer]") {
  CHECK(tokens("@a.b @`c` @'d' @\"e\" @") == Tokens{"ua.b", "uc", "ud", "ue", "u"});
  CHECK(tokens("@@a @@session.b @@`c`") == Tokens{"va", "vsession", "..", "wb", "vc"});
  CHECK(tokens("a:=b=c<d>e,f;(g)") == Tokens{"wa", "::=", "wb", "==", "wc", "<<", "wd", "<>", "we",
                                             ",,", "wf", ";;", "((", "wg", "))"});
  CHECK(tokens("a:b") == Tokens{"wa", "o:", "wb"});
}

TEST_CASE("the tokens passed stay in sight", "[classifier][lexer]") {
  Lexer lexer("a b c d e", {});
  CHECK(lexer.passed(1).type == TokenType::end);
  for (int i = 0; i < 4; ++i) lexer.advance();
  CHECK(lexer.token().text == "e");
  CHECK(lexer.passed(1).text == "d");
  CHECK(lexer.passed(3).text == "b");
}

TEST_CASE("words are found in any letter case and nothing else is", "[classifier][words]") {
  const auto find = [](std::string_view word) { return find_word(word, word.size()); };
  CHECK(find("select").keyword == Keyword::SELECT);
  CHECK(find("SeLeCt").keyword == Keyword::SELECT);
  CHECK(find("sql_calc_found_rows").keyword == Keyword::SQL_CALC_FOUND_ROWS);
  CHECK(find("now").call == Call::plain_if_adjacent);
  CHECK(find("Wait_Until_Sql_Thread_After_Gtids").call == Call::unsafe);
  CHECK(find("wait_for_executed_gtid_set").call == Call::unsafe);
  CHECK(find("wait_for_executed_gtid_sea").call == Call::unknown);
  CHECK(find("st_multilinestringfromtext").call == Call::plain);
  CHECK(find("st_multilinexxxxngfromtext").call == Call::unknown);
  CHECK(find("json_schema_validation_repor").call == Call::unknown);
  CHECK(find("json_schema_validation_report").call == Call::plain);
  CHECK(find("json_schema_validatiom_report").call == Call::unknown);
  for (std::string_view word : {"", "selec", "selects", "last_scanned", "no\x7fw", "users", "f"}) {
    CAPTURE(std::string(word));
    CHECK(find(word).keyword == Keyword::NONE);
    CHECK(find(word).call == Call::unknown);
  }
  CHECK(find_word(std::string_view("for update").substr(0, 3), 10).keyword == Keyword::FOR);
}

}  // namespace weir::sql
