#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>
#include <vector>

#include "proxy/app.h"
#include "proxy/cli/cli.h"
#include "proxy/config/loader.h"
#include "proxy/core/router.h"
#include "proxy/core/rules.h"
#include "proxy/firewall/allow_list_file.h"
#include "proxy/log_format.h"
#include "proxy/monitor/monitor.h"
#include "proxy/secrecy.h"
#include "sql_classifier/classifier.h"

namespace {

using weir::cli::Action;

void set_up_log(const weir::LogConfig& config) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("weir"));
  spdlog::set_formatter(weir::log_formatter(config.format));
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  spdlog::set_level(kLevels[static_cast<std::size_t>(config.level)]);
  spdlog::flush_on(spdlog::level::info);
}

// Null, with everything that is wrong printed, when the file is no good.
std::shared_ptr<const weir::Config> load(const std::string& path) {
  const weir::LoadResult result = weir::load_config_file(path);
  for (const auto& warning : result.warnings) {
    fmt::print(stderr, "warning: {}\n", weir::format(warning));
  }
  for (const auto& problem : result.problems) fmt::print(stderr, "{}\n", weir::format(problem));
  return result.config;
}

int run(const std::string& path) {
  const std::string unguarded = weir::guard_secrets();
  const auto config = load(path);
  if (config == nullptr) return weir::cli::kFailed;
  set_up_log(config->log);
  if (!unguarded.empty()) spdlog::warn("{}", unguarded);
  return weir::run_proxy(config, path);
}

int check(const std::string& path) {
  // What could not be had is of no weight here: this is over too soon for memory to be swapped out.
  static_cast<void>(weir::guard_secrets());
  const auto config = load(path);
  if (config == nullptr) return weir::cli::kFailed;
  const bool has_list =
      config->uses_firewall() && (!config->uses_firewall(weir::FirewallMode::learn) ||
                                  weir::AllowListFile(config->firewall.file).exists());
  if (has_list) weir::AllowListFile(config->firewall.file).read();
  std::vector<weir::MonitorEvent> events;
  const weir::Topology topology = weir::probe_once(*config, &events);
  fmt::print("{}", weir::print_topology(topology));
  for (const auto& event : events) fmt::print("{}\n", event.text);
  if (topology.primary) return 0;
  fmt::print(stderr, "no primary: {}\n", topology.no_primary_why);
  return weir::cli::kFailed;
}

// Safe to print: quoted names may hold anything.
std::string on_one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return text;
}

// What the firewall would say; empty: this user has none.
std::string firewall_word(const weir::Config& config, const weir::cli::Command& command,
                          const weir::sql::TextOptions& options, weir::RuleText& text) {
  const weir::FirewallMode mode = config.firewall_mode(config.find_user(command.user));
  if (command.user.empty() || mode == weir::FirewallMode::off) return "";
  const weir::AllowLists lists = weir::AllowListFile(config.firewall.file).read();
  const auto judgement = weir::judge(command.sql, options, text, lists.find(command.user));
  return fmt::format("firewall ({}): {}\n", weir::to_string(mode),
                     weir::in_words(judgement.allowance));
}

int explain(const weir::cli::Command& command) {
  static_cast<void>(weir::guard_secrets());  // as in check()
  auto config = std::make_shared<const weir::Config>();
  if (!command.config_path.empty()) config = load(command.config_path);
  if (config == nullptr) return weir::cli::kFailed;
  weir::sql::TextOptions options;
  options.hints = config->routing.hints;
  std::string room;
  weir::RuleText text(command.sql, options, room);
  const auto client = weir::parse_ip_address(command.client);
  const weir::RuleInput input{command.user, command.schema, client ? &*client : nullptr, &text};
  const auto rules = weir::RuleSet::make(*config);
  const weir::Rule* rule = rules != nullptr ? rules->match(input) : nullptr;
  weir::SessionFacts session;
  const weir::UserConfig* user = config->find_user(command.user);
  if (user != nullptr) session.user_route = user->route;
  const auto facts = weir::sql::classify(command.sql, options);
  fmt::print("{}\n", weir::explain(weir::decide(facts, session, config->routing, rule)));
  if (rule != nullptr) fmt::print("rule: {}\n", rule->name);
  fmt::print("{}", firewall_word(*config, command, options, text));
  fmt::print("digest: {}\n", weir::digest_text(*text.digest()));
  fmt::print("normalised: {}\n", on_one_line(std::string(text.normalised())));
  return 0;
}

int carry_out(const weir::cli::Command& command) {
  switch (command.action) {
    case Action::run:
      return run(command.config_path);
    case Action::check:
      return check(command.config_path);
    case Action::explain:
      return explain(command);
    case Action::version:
      break;
  }
  fmt::print("{}\n", weir::cli::version_text());
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  const auto parsed = weir::cli::parse_command_line(argc, argv);
  fmt::print("{}", parsed.out);
  fmt::print(stderr, "{}", parsed.err);
  return parsed.command ? carry_out(*parsed.command) : parsed.exit_code;
} catch (const std::exception& error) {
  fmt::print(stderr, "weir: {}\n", error.what());
  return weir::cli::kFailed;
}
