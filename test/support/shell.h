// Programs that a test runs.

#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace weir::test {

// What a shell command prints; with "failed: " in front when its exit code is not 0.
inline std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), count);
  return ::pclose(pipe) == 0 ? output : "failed: " + output;
}

}  // namespace weir::test
