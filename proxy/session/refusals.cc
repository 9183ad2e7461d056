#include "proxy/session/refusals.h"

#include <spdlog/spdlog.h>

#include <string>

#include "proxy/config/nearest.h"

namespace weir {
namespace {

// In the order of Refusal.
constexpr std::string_view kWhy[kRefusals] = {
    "listen.max_connections are taken",
    "memory is short (limits.memory)",
    "its address has limits.half_open_per_address connections that have not logged in",
    "its address has limits.connections_per_address",
    "its address connects faster than limits.connection_rate",
    "it begins with no PROXY header (see listen.proxy_protocol)",
    "it has not logged in within limits.handshake_timeout",
    "wrong password",
    "limits.login_failures wrong passwords in a row, see limits.login_backoff",
};

}  // namespace

void note_refusal(WorkerContext& context, Refusal why, std::string_view peer,
                  std::string_view user) {
  ++context.counters.refused[static_cast<std::size_t>(why)];
  log_refusal(context.refusal_logs, context.loop_time(), "client", why, peer, user);
}

void log_refusal(std::array<LogThrottle, kRefusals>& logs, TimePoint now, std::string_view whom,
                 Refusal why, std::string_view peer, std::string_view user) {
  const auto index = static_cast<std::size_t>(why);
  const auto left_out = logs[index].pass(now);
  if (!left_out) return;
  const std::string as = user.empty() ? "" : " as " + config::in_quotes(user);
  spdlog::warn("{} {}{} turned away: {}{}", whom, peer, as, kWhy[index], left_out_text(*left_out));
}

}  // namespace weir
