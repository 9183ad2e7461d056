// What all workers do, asked when somebody wants to know.

#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/core/counters.h"
#include "proxy/core/pin_counts.h"
#include "proxy/core/server_load.h"
#include "proxy/session/session_directory.h"
#include "proxy/session/session_info.h"

namespace weir {

// Of one worker, or the sum over all.
struct WorkerStatus {
  std::size_t workers = 0;          // that have answered
  std::size_t sessions = 0;         // that there are now
  std::vector<ServerLoad> servers;  // in the order of the configuration
  WorkerCounters counters;
  PinReport pins;

  void merge(const WorkerStatus& other);
};

// From any thread. `done` is called on the thread of one of the workers.
void survey_status(const SessionDirectory& directory, std::function<void(WorkerStatus)> done);

// The same for a thread that may wait: at most `timeout`, then nothing is returned. Not for a
// worker's thread.
std::optional<WorkerStatus> ask_status(const SessionDirectory& directory, Milliseconds timeout);

// The sessions of all workers, by id. From any thread, and `done` likewise.
void survey_sessions(const SessionDirectory& directory,
                     std::function<void(std::vector<SessionInfo>)> done);

// The session that most is kept for.
struct LargestSession {
  std::uint32_t id = 0;  // 0: there is none
  std::size_t memory = 0;
};
// From any thread, and `done` likewise.
void find_largest_session(const SessionDirectory& directory,
                          std::function<void(LargestSession)> done);

}  // namespace weir
