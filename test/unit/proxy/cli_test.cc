#include "proxy/cli/cli.h"

#include <string>
#include <vector>

#include "test/support/catch.h"

namespace weir::cli {
namespace {

using Arguments = std::vector<std::string>;

Command accepted(const Arguments& arguments) {
  const ParseResult result = parse_command_line(arguments);
  CAPTURE(result.err);
  REQUIRE(result.command.has_value());
  CHECK(result.err.empty());
  CHECK(result.exit_code == 0);
  return result.command.value_or(Command{});
}

}  // namespace

TEST_CASE("each command is understood", "[cli]") {
  for (const Arguments& arguments :
       {Arguments{"--config", "a.toml"}, {"--config=a.toml"}, {"-c", "a.toml"}}) {
    const Command run = accepted(arguments);
    CHECK(run.action == Action::run);
    CHECK(run.config_path == "a.toml");
  }
  for (const Arguments& arguments :
       {Arguments{"check", "a.toml"}, {"--config", "a.toml", "check"}}) {
    const Command check = accepted(arguments);
    CHECK(check.action == Action::check);
    CHECK(check.config_path == "a.toml");
  }
  CHECK(accepted({"--version"}).action == Action::version);
  CHECK(accepted({"-V"}).action == Action::version);
}

TEST_CASE("explain takes its statement as it is", "[cli]") {
  CHECK(accepted({"explain", "SELECT 1"}).action == Action::explain);
  CHECK(accepted({"explain", "SELECT 1"}).config_path.empty());
  const std::string statements[] = {
      "SELECT 1",
      "select 'a b', \"c\" /* x */ # y",
      "-- a comment first\nSELECT 1",
      "-1",
      "[1, 2]",
      "check",
      "explain",
      "{\"a\":1}",
      "SELECT a,b FROM t",
      "a\nb",
  };
  for (const std::string& sql : statements) {
    CAPTURE(sql);
    CHECK(accepted({"explain", sql}).sql == sql);
    const Command given = accepted({"explain", "--config", "a.toml", sql});
    CHECK(given.sql == sql);
    CHECK(given.config_path == "a.toml");
    CHECK(accepted({"--config", "a.toml", "explain", sql}).config_path == "a.toml");
  }
  CHECK(accepted({"explain", "SELECT 1", "--config", "a.toml"}).config_path == "a.toml");
}

TEST_CASE("explain may be told whose statement it is", "[cli]") {
  const Command command = accepted({"explain", "--config", "a.toml", "--user", "app", "--schema",
                                    "shop", "--client", "10.0.0.1", "SELECT 1"});
  CHECK(command.sql == "SELECT 1");
  CHECK(command.user == "app");
  CHECK(command.schema == "shop");
  CHECK(command.client == "10.0.0.1");
  CHECK(accepted({"explain", "SELECT 1", "--user=app"}).user == "app");
}

TEST_CASE("help is printed and is no command", "[cli]") {
  for (const Arguments& arguments :
       {Arguments{"--help"}, {"-h"}, {"check", "--help"}, {"explain", "--help"}}) {
    const ParseResult result = parse_command_line(arguments);
    CHECK_FALSE(result.command);
    CHECK(result.exit_code == 0);
    CHECK(result.err.empty());
    for (const char* part : {"--config FILE", "check FILE", "explain", "--version"}) {
      CHECK(result.out.find(part) != std::string::npos);
    }
  }
}

TEST_CASE("a wrong command line is answered with how to write it", "[cli]") {
  struct Row {
    Arguments arguments;
    std::string message;
  };
  const Row rows[] = {
      {{}, "nothing to do; serve with: weir --config FILE"},
      {{"chekc", "a.toml"}, "unknown command \"chekc\"; did you mean \"check\"?"},
      {{"explian", "SELECT 1"}, "unknown command \"explian\"; did you mean \"explain\"?"},
      {{"frobnicate"}, "unknown command \"frobnicate\""},
      {{"weir.toml"},
       "unknown command \"weir.toml\"; to serve with this file: weir --config weir.toml"},
      {{"--confg", "a.toml"}, "unknown option \"--confg\""},
      {{"--config", "a.toml", "--daemon"}, "unknown option \"--daemon\""},
      {{"check"}, "check needs a file; write: weir check FILE"},
      {{"check", "a.toml", "b.toml"}, "check does not know \"b.toml\""},
      {{"check", "--verbose", "a.toml"}, "check does not know \"--verbose\""},
      {{"--config", "a.toml", "check", "b.toml"}, "check takes one file; write: weir check FILE"},
      {{"explain"}, "explain needs a statement; write: weir explain \"SELECT 1\""},
      {{"explain", ""}, "explain needs a statement; write: weir explain \"SELECT 1\""},
      {{"explain", "SELECT", "1"},
       "explain takes one statement; put it in quotes: weir explain \"SELECT 1 ...\""},
      {{"explain", "--verbose", "SELECT 1"}, "explain does not know \"--verbose\""},
      {{"explain", "SELECT 1", "--user"}, "--user takes one value"},
      {{"explain", "--schema", "a", "--schema", "b", "SELECT 1"}, "--schema takes one value"},
      {{"explain", "--client", "office", "SELECT 1"},
       "--client takes an address, such as 10.0.0.1"},
      {{"--config"}, "--config takes one file; write: weir --config FILE"},
      {{"explain", "--config"}, "--config takes one file; write: weir --config FILE"},
      {{"--config", "a", "--config", "b"}, "--config takes one file; write: weir --config FILE"},
      {{"--config", ""}, "nothing to do; serve with: weir --config FILE"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.message);
    const ParseResult result = parse_command_line(row.arguments);
    CHECK_FALSE(result.command);
    CHECK(result.exit_code == kUsage);
    CHECK(result.out.empty());
    CHECK(result.err == "weir: " + row.message + "\nTry: weir --help\n");
  }
}

TEST_CASE("the program's own name is not an argument", "[cli]") {
  const char* const argv[] = {"weir", "check", "a.toml"};
  const ParseResult result = parse_command_line(3, argv);
  REQUIRE(result.command);
  CHECK(result.command->config_path == "a.toml");
  CHECK_FALSE(parse_command_line(0, nullptr).command);
  CHECK(version_text().rfind("weir ", 0) == 0);
}

}  // namespace weir::cli
