#include "proxy/http/process_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <system_error>

namespace weir::http {
namespace {

// The fields of /proc/self/stat, counted from 1 as in proc(5).
constexpr int kFirstAfterName = 3;
constexpr int kStartTicks = 22;

std::optional<double> cpu_seconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return std::nullopt;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::optional<std::uint64_t> resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (!(file >> total >> resident)) return std::nullopt;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<std::size_t> open_descriptors() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  std::size_t count = 0;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  if (error || count == 0) return std::nullopt;
  return count - 1;  // one is this folder itself
}

std::optional<std::uint64_t> descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

// When the machine started, in seconds since 1970.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime") return file >> seconds ? std::optional(seconds) : std::nullopt;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

std::optional<double> start_time() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  // The name is in parentheses and may hold any character; nothing behind it does.
  if (!std::getline(file, line) || line.rfind(')') == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = kFirstAfterName; field < kStartTicks; ++field) fields >> skipped;
  double ticks = 0;
  const std::optional<double> booted = boot_time();
  if (!booted || !(fields >> ticks)) return std::nullopt;
  return *booted + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

ProcessUsage read_process_usage() {
  ProcessUsage usage;
  usage.cpu_seconds = cpu_seconds();
  usage.resident_bytes = resident_bytes();
  usage.open_descriptors = open_descriptors();
  usage.descriptor_limit = descriptor_limit();
  usage.start_time = start_time();
  return usage;
}

}  // namespace weir::http
