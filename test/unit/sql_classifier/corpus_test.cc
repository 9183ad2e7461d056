// The classifier against the corpus, each line as written and in every mutation.

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "sql_classifier/classifier.h"
#include "test/support/catch.h"
#include "test/support/sql_corpus.h"
#include "test/support/sql_mutations.h"

namespace weir::test {
namespace {

const std::vector<CorpusLine>& corpus() {
  static const auto lines = load_sql_corpus(WEIR_CORPUS_DIR);
  return lines;
}

// What a failure says: the place, what was expected and found, and the text.
std::string report(const CorpusLine& line, const std::string& expected,
                   const sql::Classification& got, const std::string& text) {
  return line.where() + ": expected " + expected + ", got " +
         fact_text(got.placement, got.effects) + " (" + std::string(sql::reason_name(got.reason)) +
         ") for [" + text + "]; " + line.why;
}

bool agrees(const CorpusLine& line, const sql::Classification& got) {
  return got.placement == line.placement && (!line.checks_effects || got.effects == line.effects);
}

std::string expectation(const CorpusLine& line) {
  if (!line.checks_effects) {
    const auto fact = fact_text(line.placement, sql::Effect::none);
    return fact.substr(0, fact.find('+')) + " with any effects";
  }
  return fact_text(line.placement, line.effects);
}

// What the loader says about a text that it refuses.
std::string error_of(const std::string& content) {
  try {
    parse_sql_corpus(content, "f.sqlt");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("every line of the corpus is classified as it says", "[classifier][corpus]") {
  for (const auto& line : corpus()) {
    const auto got = sql::classify(line.text, line.options);
    if (!agrees(line, got)) FAIL_CHECK(report(line, expectation(line), got, line.text));
  }
}

TEST_CASE("case, white space, plain comments and a last semicolon change no verdict",
          "[classifier][corpus]") {
  for (const auto& line : corpus()) {
    const auto original = sql::classify(line.text, line.options);
    for (const auto& mutation : mutations_of(line.text, line.options)) {
      const auto got = sql::classify(mutation.text, line.options);
      if (got.placement == original.placement && got.effects == original.effects) continue;
      FAIL_CHECK(mutation.name << ": "
                               << report(line, fact_text(original.placement, original.effects), got,
                                         mutation.text));
    }
  }
}

TEST_CASE("no beginning of a text is taken for the whole", "[classifier][corpus]") {
  for (const auto& line : corpus()) {
    auto options = line.options;
    options.truncated = true;
    const auto got = sql::classify(line.text, options);
    if (got.placement != sql::Placement::primary)
      FAIL_CHECK(report(line, "primary", got, line.text));
  }
}

TEST_CASE("an unknown sql_mode never makes a text safer", "[classifier][corpus]") {
  for (const auto& line : corpus()) {
    if (line.placement != sql::Placement::primary) continue;
    auto options = line.options;
    options.sql_mode_known = false;
    const auto got = sql::classify(line.text, options);
    if (got.placement == sql::Placement::any) FAIL_CHECK(report(line, "primary", got, line.text));
  }
}

TEST_CASE("the corpus is large and says nothing twice", "[classifier][corpus]") {
  CHECK(corpus().size() >= 750);
  std::set<std::string> seen;
  for (const auto& line : corpus()) {
    const auto& o = line.options;
    const std::string key =
        line.text + '\0' + std::to_string(o.ansi_quotes) + std::to_string(o.no_backslash_escapes) +
        std::to_string(o.sql_mode_known) + std::to_string(o.ascii_safe_charset) +
        std::to_string(o.truncated) + std::to_string(o.hints);
    if (!seen.insert(key).second) FAIL_CHECK(line.where() << ": said before: " << line.text);
  }
}

TEST_CASE("a malformed corpus line is refused with its place", "[classifier][corpus]") {
  const std::vector<std::string> bad = {"any",
                                        "any | SELECT 1",
                                        "any | SELECT 1 | a | b",
                                        "some | SELECT 1 | a",
                                        "any |  | a",
                                        "any | SELECT 1 | ",
                                        "any+nonsense | SELECT 1 | a",
                                        "any+ | SELECT 1 | a",
                                        "any@oracle | SELECT 1 | a",
                                        "any+none+calls_routine | SELECT 1 | a",
                                        "any | SELECT \\q | a",
                                        "any | SELECT \\x4 | a",
                                        "@options",
                                        "@options odd",
                                        "@no_oracle",
                                        "@unrepeatable",
                                        "@oracle now",
                                        "@odd"};
  for (const auto& text : bad) {
    CAPTURE(text);
    CHECK(error_of("# first\n" + text + "\n").substr(0, 10) == "f.sqlt:2: ");
  }
}

TEST_CASE("a corpus line is read with its escapes, options and flavor", "[classifier][corpus]") {
  const auto lines = parse_sql_corpus(
      "@options ansi_quotes mode_unknown\n"
      "@no_oracle nobody has it\n"
      "@unrepeatable the moon\n"
      "last+profiling@mysql | a \\| b\\n\\t\\\\\\x41 | why\n"
      "@options default\n"
      "@oracle\n"
      "any | c | why\n",
      "f.sqlt");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].placement == sql::Placement::last_connection);
  CHECK(lines[0].checks_effects);
  CHECK(lines[0].effects == sql::Effect::profiling);
  CHECK(lines[0].flavor == CorpusFlavor::mysql);
  CHECK(lines[0].options.ansi_quotes);
  CHECK_FALSE(lines[0].options.sql_mode_known);
  CHECK_FALSE(lines[0].oracle);
  CHECK_FALSE(lines[0].repeatable);
  CHECK(lines[0].text == "a | b\n\t\\A");
  CHECK(lines[0].where() == "f.sqlt:4");
  CHECK_FALSE(lines[1].checks_effects);
  CHECK_FALSE(lines[1].options.ansi_quotes);
  CHECK(lines[1].oracle);
  CHECK(lines[1].repeatable);
}

}  // namespace weir::test
