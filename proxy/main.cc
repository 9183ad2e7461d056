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
#include "proxy/monitor/monitor.h"
#include "sql_classifier/classifier.h"

namespace {

using weir::cli::Action;

void set_up_log(const weir::LogConfig& config) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("weir"));
  spdlog::set_pattern(config.format == weir::LogFormat::json
                          ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%v"})"
                          : "%Y-%m-%d %H:%M:%S.%e %l: %v");
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
  const auto config = load(path);
  if (config == nullptr) return weir::cli::kFailed;
  set_up_log(config->log);
  return weir::run_proxy(config);
}

int check(const std::string& path) {
  const auto config = load(path);
  if (config == nullptr) return weir::cli::kFailed;
  std::vector<weir::MonitorEvent> events;
  const weir::Topology topology = weir::probe_once(*config, &events);
  fmt::print("{}", weir::print_topology(topology));
  for (const auto& event : events) fmt::print("{}\n", event.text);
  if (topology.primary) return 0;
  fmt::print(stderr, "no primary: {}\n", topology.no_primary_why);
  return weir::cli::kFailed;
}

int explain(const std::string& path, const std::string& sql) {
  weir::RoutingConfig routing;
  if (!path.empty()) {
    const auto config = load(path);
    if (config == nullptr) return weir::cli::kFailed;
    routing = config->routing;
  }
  weir::sql::TextOptions options;
  options.hints = routing.hints;
  const auto facts = weir::sql::classify(sql, options);
  fmt::print("{}\n", weir::explain(weir::decide(facts, {}, routing)));
  return 0;
}

int carry_out(const weir::cli::Command& command) {
  switch (command.action) {
    case Action::run:
      return run(command.config_path);
    case Action::check:
      return check(command.config_path);
    case Action::explain:
      return explain(command.config_path, command.sql);
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
