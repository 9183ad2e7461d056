// What the monitor has to tell people.

#pragma once

#include <string>

namespace weir {

// A change that people want to read about.
struct MonitorEvent {
  bool warning = false;
  std::string text;
};

}  // namespace weir
