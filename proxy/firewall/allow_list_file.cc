#include "proxy/firewall/allow_list_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "proxy/config/secret_source.h"

namespace weir {
namespace {

// A text may take four times as much in the file.
constexpr std::size_t kLargestFile = 4 * kMostAllowedBytes + (16u << 20);

constexpr time_t kSettled = 3;  // seconds

std::string why_not() {
  return std::generic_category().message(errno);
}

[[noreturn]] void cannot(std::string_view what, const std::string& path, const std::string& why) {
  throw std::runtime_error(fmt::format("cannot {} {}: {}", what, path, why));
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, mode_t mode = 0)
      : number_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  const int number_;
};

std::string read_all(int descriptor, const std::string& path) {
  std::string text;
  std::string room(256u << 10, '\0');
  for (;;) {
    const ssize_t got = ::read(descriptor, room.data(), room.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) cannot("read", path, why_not());
    if (got == 0) return text;
    text.append(room, 0, static_cast<std::size_t>(got));
    if (text.size() > kLargestFile) cannot("read", path, "it is too large for an allow-list");
  }
}

void write_all(int descriptor, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t put = ::write(descriptor, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) cannot("write", path, why_not());
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

}  // namespace

bool AllowListFile::exists() const {
  return ::access(path_.c_str(), F_OK) == 0 || errno != ENOENT;
}

AllowLists AllowListFile::read() {
  // Non-blocking, or opening a fifo would wait for a writer that may never come.
  const Descriptor file(path_, O_RDONLY | O_NONBLOCK);
  if (!file.is_open() && errno == ENOENT) {
    cannot("read", path_, "there is no such file; begin with mode \"learn\", which makes it");
  }
  if (!file.is_open()) cannot("read", path_, why_not());
  const std::string why = why_not_private(file.number());
  if (!why.empty()) cannot("read", path_, why);
  const Mark mark = mark_of(file.number());
  AllowListProblem problem;
  AllowLists lists = parse_allow_lists(read_all(file.number(), path_), problem);
  if (!problem.message.empty()) {
    throw std::runtime_error(fmt::format("{}:{}: {}", path_, problem.line, problem.message));
  }
  mark_ = mark;
  return lists;
}

void AllowListFile::check_writable() const {
  const std::string next = path_ + ".new";
  const Descriptor file(next, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  if (!file.is_open()) cannot("write", next, why_not());
  ::unlink(next.c_str());
}

void AllowListFile::write(const AllowLists& lists) {
  const std::string next = path_ + ".new";
  const auto must = [this](bool done) {
    if (!done) cannot("write", path_, why_not());
  };
  const Descriptor file(next, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  must(file.is_open() && ::fchmod(file.number(), 0600) == 0);
  write_all(file.number(), format_allow_lists(lists), path_);
  must(::fsync(file.number()) == 0);
  const Mark mark = mark_of(file.number());
  must(::rename(next.c_str(), path_.c_str()) == 0);
  mark_ = mark;
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const Descriptor entry(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  must(entry.is_open() && ::fsync(entry.number()) == 0);
}

bool AllowListFile::was_edited() const {
  const Descriptor file(path_, O_RDONLY | O_NONBLOCK);
  return file.is_open() && !(mark_of(file.number()) == mark_);
}

void AllowListFile::check_settled() const {
  struct stat status = {};
  timespec now{};
  if (::stat(path_.c_str(), &status) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) {
    cannot("read", path_, why_not());
  }
  const time_t age = now.tv_sec - status.st_mtim.tv_sec;
  if (age >= 0 && age < kSettled) cannot("write", path_, "somebody has just edited it");
}

AllowListFile::Mark AllowListFile::mark_of(int descriptor) const {
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) cannot("read", path_, why_not());
  return {status.st_ino, status.st_size, status.st_mtim};
}

}  // namespace weir
