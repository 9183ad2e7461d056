// Why sessions stay on the primary, over all workers.

#pragma once

#include <functional>

#include "proxy/core/pin_counts.h"
#include "proxy/session/session_directory.h"

namespace weir {

// From any thread. `done` is called on the thread of one of the workers.
void survey_pins(const SessionDirectory& directory, std::function<void(PinReport)> done);

}  // namespace weir
