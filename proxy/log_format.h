// How a line of the log looks. Messages quote what clients and servers have sent; none of it
// becomes a line of its own, a command for a terminal, or the end of a JSON string.

#pragma once

#include <spdlog/formatter.h>

#include <memory>

#include "proxy/config/config.h"

namespace weir {

// For spdlog::set_formatter(), before there are threads that log.
std::unique_ptr<spdlog::formatter> log_formatter(LogFormat format);

}  // namespace weir
