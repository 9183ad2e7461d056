// What weir's HTTP pages show, at one instant.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "proxy/config/config.h"
#include "proxy/core/topology.h"
#include "proxy/http/process_usage.h"
#include "proxy/session/status_survey.h"

namespace weir::http {

struct Snapshot {
  std::shared_ptr<const Config> config;      // never null
  std::shared_ptr<const Topology> topology;  // never null
  bool draining = false;                     // SIGTERM was received
  std::size_t client_connections = 0;
  ProcessUsage process;
  // The sum over all workers; nothing when not all of them have answered.
  std::optional<WorkerStatus> workers;
};

}  // namespace weir::http
