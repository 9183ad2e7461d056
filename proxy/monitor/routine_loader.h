// Reads the stored functions of a server, over a connection that it opens for it.

#pragma once

#include <optional>
#include <string>

#include "proxy/config/config.h"
#include "proxy/core/routines.h"
#include "proxy/monitor/server_connection.h"

namespace weir {

// Used by one thread at a time.
class RoutineLoader {
 public:
  // `wake_fd`: see ServerConnection. The configuration has to outlive this object.
  RoutineLoader(const Config& config, int wake_fd);

  struct Outcome {
    std::shared_ptr<Routines> routines;  // null: it failed, or there are too many
    std::string text;                    // what was found, or what went wrong, for people
    bool failed = false;
  };
  Outcome load(const ServerConfig& server);

 private:
  Outcome load_from(const ServerConfig& server);
  // Of the functions that declare to read; what the account may not see stays empty.
  bool read_definitions(RoutineList& list);

  const Config& config_;
  ServerConnection connection_;
  std::string why_;  // the connection is of no more use
};

}  // namespace weir
