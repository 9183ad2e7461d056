#include "proxy/cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "proxy/config/nearest.h"
#include "proxy/config/network.h"

namespace weir::cli {
namespace {

constexpr std::string_view kUsageText =
    "weir: one MySQL address for a primary and its replicas\n"
    "\n"
    "  weir --config FILE                      serve clients\n"
    "  weir check FILE                         check the configuration and the servers, then exit\n"
    "  weir explain [--config FILE] \"SQL\"      say where a statement would go, and why\n"
    "       [--user U] [--schema S] [--client A]   whose statement it is, for rules\n"
    "  weir --version                          print the version\n"
    "  weir --help                             print this text\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 the command line was not understood.\n";

constexpr std::string_view kCommands[] = {"check", "explain"};

ParseResult wrong_usage(const std::string& what) {
  return {std::nullopt, kUsage, "", "weir: " + what + "\nTry: weir --help\n"};
}

// Owns the parser and the places it writes to; one parse each.
class Parser {
 public:
  Parser() {
    app_.set_help_flag();  // ours knows the whole program; the library's would know one subcommand
    app_.add_flag("-h,--help", help_);
    app_.add_flag("-V,--version", version_);
    app_.add_option("-c,--config", config_);
    app_.require_subcommand(0, 1);

    check_->set_help_flag();
    check_->add_flag("-h,--help", help_);
    check_->add_option("FILE", check_file_);

    explain_->set_help_flag();
    explain_->add_flag("-h,--help", help_);
    explain_->add_option("-c,--config", config_);
    explain_->add_option("--user", user_);
    explain_->add_option("--schema", schema_);
    explain_->add_option("--client", client_);
    explain_->add_option("SQL", sql_);
    app_.allow_extras();
    check_->allow_extras();
    explain_->allow_extras();
  }

  ParseResult parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // the order that the library asks for
    try {
      app_.parse(arguments);
    } catch (const CLI::ArgumentMismatch& error) {
      // An option that takes a value, without it or given twice.
      for (const char* option : {"--user", "--schema", "--client"}) {
        if (std::string_view(error.what()).find(option) != std::string_view::npos) {
          return wrong_usage(std::string(option) + " takes one value");
        }
      }
      return wrong_usage("--config takes one file; write: weir --config FILE");
    } catch (const CLI::ParseError& error) {
      return wrong_usage(error.what());
    }
    if (help_) return {std::nullopt, 0, std::string(kUsageText), ""};
    if (version_) return {Command{Action::version, "", ""}, 0, "", ""};
    if (check_->parsed()) return check();
    if (explain_->parsed()) return explain();
    return run();
  }

 private:
  ParseResult run() const {
    const std::vector<std::string> extras = app_.remaining();
    if (!extras.empty()) return unknown(extras.front());
    if (config_.empty()) return wrong_usage("nothing to do; serve with: weir --config FILE");
    return {Command{Action::run, config_, ""}, 0, "", ""};
  }

  ParseResult check() const {
    const std::vector<std::string> extras = app_.remaining(true);
    if (!extras.empty()) return unexpected("check", extras.front());
    if (!config_.empty() && !check_file_.empty()) {
      return wrong_usage("check takes one file; write: weir check FILE");
    }
    const std::string& file = check_file_.empty() ? config_ : check_file_;
    if (file.empty()) return wrong_usage("check needs a file; write: weir check FILE");
    return {Command{Action::check, file, ""}, 0, "", ""};
  }

  ParseResult explain() const {
    const std::vector<std::string> extras = app_.remaining(true);
    const bool is_option = !extras.empty() && extras.front().rfind("--", 0) == 0;
    if (is_option) return unexpected("explain", extras.front());
    if (!extras.empty()) {
      return wrong_usage("explain takes one statement; put it in quotes: weir explain \"" + sql_ +
                         " " + extras.front() + " ...\"");
    }
    if (sql_.empty()) {
      return wrong_usage("explain needs a statement; write: weir explain \"SELECT 1\"");
    }
    if (!client_.empty() && !parse_ip_address(client_)) {
      return wrong_usage("--client takes an address, such as 10.0.0.1");
    }
    return {Command{Action::explain, config_, sql_, user_, schema_, client_}, 0, "", ""};
  }

  static ParseResult unexpected(const std::string& command, const std::string& argument) {
    return wrong_usage(command + " does not know " + config::in_quotes(argument));
  }

  static ParseResult unknown(const std::string& argument) {
    if (!argument.empty() && argument[0] == '-') {
      return wrong_usage("unknown option " + config::in_quotes(argument));
    }
    // A first guess of many: the file without its option.
    const bool looks_like_file = argument.find_first_of("./") != std::string::npos;
    if (looks_like_file) {
      return wrong_usage("unknown command " + config::in_quotes(argument) +
                         "; to serve with this file: weir --config " + argument);
    }
    return wrong_usage("unknown command " + config::in_quotes(argument) +
                       config::did_you_mean(argument, kCommands));
  }

  CLI::App app_;
  CLI::App* const check_ = app_.add_subcommand("check");
  CLI::App* const explain_ = app_.add_subcommand("explain");
  bool help_ = false;
  bool version_ = false;
  std::string config_;
  std::string check_file_;
  std::string sql_;
  std::string user_;
  std::string schema_;
  std::string client_;
};

}  // namespace

ParseResult parse_command_line(const std::vector<std::string>& arguments) {
  return Parser().parse(arguments);
}

ParseResult parse_command_line(int argc, const char* const* argv) {
  return parse_command_line(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}

std::string version_text() {
  return "weir " WEIR_VERSION;
}

}  // namespace weir::cli
