// Clients that are turned away before they have logged in: each is counted, and now and then one is
// named in the log.

#pragma once

#include <array>
#include <string_view>

#include "proxy/core/log_throttle.h"
#include "proxy/core/refusal.h"
#include "proxy/worker_context.h"

namespace weir {

// `peer` is where it comes from; `user` what it calls itself, if it came that far. Loop thread.
void note_refusal(WorkerContext& context, Refusal why, std::string_view peer,
                  std::string_view user = {});

// Only the line in the log, about `whom`: "client". `logs` belong to the caller's thread.
void log_refusal(std::array<LogThrottle, kRefusals>& logs, TimePoint now, std::string_view whom,
                 Refusal why, std::string_view peer, std::string_view user);

}  // namespace weir
