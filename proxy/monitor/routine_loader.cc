#include "proxy/monitor/routine_loader.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "proxy/monitor/probe_query.h"
#include "proxy/monitor/routine_query.h"

namespace weir {
namespace {

// The list is no probe: a server with many routines may take its time.
constexpr Milliseconds kPatience{10000};
constexpr std::size_t kAtOnce = 50;
constexpr std::size_t kLongestDefinition = 64u << 10;
// Of all definitions together; those beyond it count as not visible.
constexpr std::size_t kMostText = 64u << 20;

}  // namespace

RoutineLoader::RoutineLoader(const Config& config, int wake_fd)
    : config_(config), connection_(config.tls.server, wake_fd) {}

RoutineLoader::Outcome RoutineLoader::load(const ServerConfig& server) {
  Outcome outcome = load_from(server);
  connection_.close();
  return outcome;
}

RoutineLoader::Outcome RoutineLoader::load_from(const ServerConfig& server) {
  const MonitorConfig& monitor = config_.monitor;
  const auto failed = [&](const std::string& why) {
    return Outcome{nullptr,
                   fmt::format("the stored functions of {} cannot be read: {}", server.name, why),
                   true};
  };
  if (const auto failure = connection_.connect(
          {server.address, monitor.user, monitor.password, server.proxy_protocol},
          Clock::now() + monitor.timeout)) {
    return failed(failure.message);
  }
  const bool mariadb =
      ServerKind::from_version(connection_.greeting_version()).flavor == Flavor::mariadb;
  const ServerReply reply = connection_.query(routine_list_query(), Clock::now() + kPatience);
  if (reply.error != 0) return failed(reply.message);
  RoutineList list = decode_routine_list(reply);
  if (list.functions.size() + list.packages.size() > kMostRoutines) {
    return {nullptr,
            fmt::format("{} has more than {} stored functions: none counts as reading only",
                        server.name, kMostRoutines),
            false};
  }
  if (!read_definitions(list)) return failed(why_);
  auto routines = std::make_shared<Routines>(list);
  std::string text = describe_routines(*routines, list, server.name, mariadb);
  return {std::move(routines), std::move(text), false};
}

bool RoutineLoader::read_definitions(RoutineList& list) {
  std::vector<StoredFunction*> wanted;
  for (StoredFunction& function : list.functions) {
    if (function.declared_reader) wanted.push_back(&function);
  }
  std::size_t text = 0;
  for (std::size_t done = 0; done < wanted.size();) {
    const std::vector<const StoredFunction*> some(
        wanted.begin() + static_cast<std::ptrdiff_t>(done),
        wanted.begin() + static_cast<std::ptrdiff_t>(std::min(done + kAtOnce, wanted.size())));
    const ServerReply reply = connection_.query(definition_query(some), Clock::now() + kPatience);
    if (reply.lost()) {
      why_ = reply.message;
      return false;
    }
    for (const ResultSet& result : reply.results) {
      StoredFunction& function = *wanted[done++];
      decode_definition(result, function);
      text += function.definition.size();
      if (function.definition.size() > kLongestDefinition || text > kMostText) {
        std::string().swap(function.definition);
      }
    }
    // One that was dropped meanwhile ends the rest of its text with an error.
    if (reply.error != 0) ++done;
  }
  return true;
}

}  // namespace weir
