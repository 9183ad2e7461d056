// The command line as a value. Parsing does nothing but parse: no file is opened, nothing is
// printed.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

enum class Action { run, check, explain, version };

struct Command {
  Action action = Action::run;
  std::string config_path;  // of run and check always, of explain when it was given
  std::string sql;          // of explain, and in whose session; empty: not given
  std::string user = {};
  std::string schema = {};
  std::string client = {};  // address
};

// Exit codes of the program, beside 0.
inline constexpr int kFailed = 1;  // the command was understood and did not succeed
inline constexpr int kUsage = 2;   // the command line itself is wrong

struct ParseResult {
  std::optional<Command> command;  // nothing: print the texts and exit with exit_code
  int exit_code = 0;
  std::string out;  // for standard output: the help that was asked for
  std::string err;  // for standard error: what is wrong and how to write it
};

// `arguments` without the program's own name.
ParseResult parse_command_line(const std::vector<std::string>& arguments);
ParseResult parse_command_line(int argc, const char* const* argv);

// "weir 0.1.0"
std::string version_text();

}  // namespace weir::cli
