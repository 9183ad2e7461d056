#include "proxy/config/units.h"

#include <string>

#include "proxy/config/nearest.h"
#include "proxy/config/nesting.h"
#include "proxy/config/utf8.h"
#include "test/support/catch.h"

namespace weir::config {

using namespace std::chrono_literals;

TEST_CASE("durations are a whole number and a unit", "[config]") {
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("2s") == 2000ms);
  CHECK(parse_duration("1m") == 60000ms);
  CHECK(parse_duration("8h") == 8h);
  CHECK(parse_duration("1d") == 24h);
  CHECK(parse_duration("0s") == 0ms);
  for (const char* bad : {"", "5", "ms", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1h30m",
                          "0x1s", "99999999999999999999s", "9223372036854775807s"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("sizes know powers of 1024 and of 1000", "[config]") {
  CHECK(parse_size("7B") == 7u);
  CHECK(parse_size("64KiB") == 64u * 1024);
  CHECK(parse_size("64MiB") == 64u << 20);
  CHECK(parse_size("1GiB") == 1u << 30);
  CHECK(parse_size("1KB") == 1000u);
  CHECK(parse_size("3MB") == 3000000u);
  CHECK(parse_size("1GB") == 1000000000u);
  for (const char* bad :
       {"", "64", "64M", "64mib", "MiB", "-1B", "1.5MiB", "9223372036854775807GiB"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_size(bad));
  }
}

TEST_CASE("values are written in the largest unit that loses nothing", "[config]") {
  CHECK(duration_text(250ms) == "250ms");
  CHECK(duration_text(1500ms) == "1500ms");
  CHECK(duration_text(90s) == "90s");
  CHECK(duration_text(60s) == "1m");
  CHECK(duration_text(48h) == "2d");
  CHECK(duration_text(0ms) == "0s");
  CHECK(size_text(0) == "0B");
  CHECK(size_text(1000) == "1KB");
  CHECK(size_text(1001) == "1001B");
  CHECK(size_text(64u << 20) == "64MiB");
  for (const std::uint64_t bytes : {1ull, 999ull, 1024ull, 1000000ull, 123456789ull, 1ull << 40}) {
    CHECK(parse_size(size_text(bytes)) == bytes);
  }
}

TEST_CASE("the nearest word is found when it is near", "[config]") {
  const std::string_view words[] = {"interval", "timeout", "max_lag", "user"};
  CHECK(nearest("intervall", words) == "interval");
  CHECK(nearest("itnerval", words) == "interval");
  CHECK(nearest("Interval", words) == "interval");
  CHECK(nearest("maxlag", words) == "max_lag");
  CHECK(nearest("usr", words) == "user");
  CHECK(nearest("xyz", words).empty());
  CHECK(nearest("", words).empty());
  CHECK(nearest("password", words).empty());
  CHECK(nearest(std::string(100000, 'i'), words).empty());
  CHECK(nearest("user", {}).empty());
  CHECK(did_you_mean("usr", words) == "; did you mean \"user\"?");
  CHECK(did_you_mean("xyz", words).empty());
}

TEST_CASE("what is quoted in a message cannot disturb a terminal", "[config]") {
  CHECK(in_quotes("plain") == "\"plain\"");
  CHECK(in_quotes("a\"b\\c") == "\"a\\\"b\\\\c\"");
  CHECK(in_quotes(std::string("\x1b[2J\n\0", 6)) == "\"\\x1b[2J\\x0a\\x00\"");
  CHECK(in_quotes(std::string(81, 'x')) == "\"" + std::string(80, 'x') + "...\"");
}

TEST_CASE("deep nesting is found before the parser sees it", "[config]") {
  const std::string open(kDeepestNesting, '[');
  CHECK(line_nested_too_deep("") == 0);
  CHECK(line_nested_too_deep("a = " + open) == 0);
  CHECK(line_nested_too_deep("\n\na = " + open + "[") == 3);
  CHECK(line_nested_too_deep("a = " + std::string(50, '{')) == 1);
  CHECK(line_nested_too_deep("a = [\n" + open) == 2);
  CHECK(line_nested_too_deep("a" + std::string(50, '.')) == 1);
  CHECK(line_nested_too_deep("a.b = 1.5\nc.d = 1.5\n") == 0);
}

TEST_CASE("brackets in text and comments do not nest", "[config]") {
  const std::string many(100, '[');
  CHECK(line_nested_too_deep("a = \"" + many + "\"") == 0);
  CHECK(line_nested_too_deep("a = '" + many + "'") == 0);
  CHECK(line_nested_too_deep("a = \"\\\"" + many + "\"") == 0);
  CHECK(line_nested_too_deep("a = \"\"\"\n\"" + many + "\n\"\"\"") == 0);
  CHECK(line_nested_too_deep("a = '''x'''''\nb = 1") == 0);
  CHECK(line_nested_too_deep("# " + many) == 0);
  CHECK(line_nested_too_deep("a = '''\n\\\n''' \nb = " + many) == 4);
  CHECK(line_nested_too_deep("a = \"\"\"\n\\\n\"\"\" \nb = " + many) == 4);
  CHECK(line_nested_too_deep("a = \"\"\nb = " + many) == 2);
  CHECK(line_nested_too_deep("a = \"\\") == 0);
}

TEST_CASE("bytes that are not UTF-8 are found", "[config]") {
  for (const char* good : {"", "plain\n", "\xc3\xa9", "\xe2\x82\xac", "\xed\x9f\xbf",
                           "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    CAPTURE(good);
    CHECK(line_not_utf8(good) == 0);
  }
  // Lone and missing continuation, overlong, surrogate, beyond U+10FFFF, cut at the end.
  for (const char* bad : {"\x80", "\xc3(", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xff", "\xe2\x82", "\xf0\x9f\x98"}) {
    CAPTURE(bad);
    CHECK(line_not_utf8(bad) == 1);
    CHECK(line_not_utf8("a\n\xc3\xa9\n" + std::string(bad)) == 3);
  }
}

}  // namespace weir::config
