#include "proxy/config/secret_source.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace weir {
namespace {

// Far above any password; keeps a wrong path (a log, a device) from being read to its end.
constexpr std::size_t kLongestSecret = 4096;
constexpr std::size_t kLargestFile = 64u << 10;  // a private key of 8192 bits has about 6.5 KiB

Secret refused(std::string why) {
  return {"", std::move(why)};
}

// At most one byte more than `most`.
Secret read_text(int descriptor, std::size_t most) {
  std::string text(most + 1, '\0');
  std::size_t used = 0;
  while (used < text.size()) {
    const ssize_t got = ::read(descriptor, text.data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused(std::generic_category().message(errno));
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  text.resize(used);
  return {std::move(text), ""};
}

Secret first_line(int descriptor) {
  Secret read = read_text(descriptor, kLongestSecret);
  if (!read.ok()) return read;
  std::string& text = read.text;
  text.resize(std::min(text.find('\n'), text.size()));
  if (!text.empty() && text.back() == '\r') text.pop_back();
  if (text.size() > kLongestSecret - 1) return refused("its first line is too long for a password");
  if (text.empty()) return refused("its first line is empty");
  return read;
}

Secret all_of_it(int descriptor) {
  Secret read = read_text(descriptor, kLargestFile);
  if (read.ok() && read.text.size() > kLargestFile) return refused("it is larger than 64 KiB");
  return read;
}

// Non-blocking, or opening a fifo would wait for a writer that may never come.
Secret from_private_file(const std::string& path, Secret (*read)(int)) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return refused(std::generic_category().message(errno));
  std::string why = why_not_private(descriptor);
  Secret secret = why.empty() ? read(descriptor) : refused(std::move(why));
  ::close(descriptor);
  return secret;
}

}  // namespace

std::string why_not_private(int descriptor) {
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) return std::generic_category().message(errno);
  if (!S_ISREG(status.st_mode)) return "it is not a regular file";
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return "";
  return fmt::format("others than its owner may use it (mode {:04o}); run chmod 600 on it",
                     static_cast<unsigned>(status.st_mode) & 07777u);
}

Secret SystemSecrets::from_file(const std::string& path) const {
  return from_private_file(path, first_line);
}

Secret SystemSecrets::whole_file(const std::string& path) const {
  return from_private_file(path, all_of_it);
}

Secret SystemSecrets::from_environment(const std::string& variable) const {
  const char* const value = std::getenv(variable.c_str());
  if (value == nullptr) return refused("it is not set");
  if (*value == '\0') return refused("it is empty");
  return {value, ""};
}

}  // namespace weir
