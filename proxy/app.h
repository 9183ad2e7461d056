// The whole program: configuration in, workers and monitor running, signals obeyed.

#pragma once

#include <memory>
#include <string>

#include "proxy/config/config.h"

namespace weir {

// Runs the proxy until it is told to stop by SIGTERM or SIGINT. `config_file` is where `config` was
// read from. Returns the exit code. Throws std::runtime_error, with a text for people, when it
// cannot begin.
int run_proxy(std::shared_ptr<const Config> config, const std::string& config_file);

}  // namespace weir
