// What the process uses, as the kernel sees it.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace weir::http {

// Nothing where the kernel does not tell.
struct ProcessUsage {
  std::optional<double> cpu_seconds;              // user and system, all threads
  std::optional<std::uint64_t> resident_bytes;    // memory
  std::optional<std::size_t> open_descriptors;    // files and sockets
  std::optional<std::uint64_t> descriptor_limit;  // of them; nothing when there is none
  std::chrono::system_clock::time_point started;
  std::chrono::duration<double> uptime{};  // by a clock that nobody sets
};

// Of this process, as above.
std::optional<std::uint64_t> resident_bytes();

// Asks the kernel. Any thread. `started` and `uptime` are left to the caller.
ProcessUsage read_process_usage();

}  // namespace weir::http
