// What is wrong with a configuration, in words for the person who wrote it.

#pragma once

#include <string>
#include <vector>

namespace weir {

struct ConfigProblem {
  std::string file;
  unsigned line = 0;  // 0: about the file as a whole
  std::string message;

  bool operator==(const ConfigProblem&) const = default;
};

// `weir.toml:12: unknown key "intervall" in [monitor]; did you mean "interval"?`
std::string format(const ConfigProblem& problem);

}  // namespace weir
