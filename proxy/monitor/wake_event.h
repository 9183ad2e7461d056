// Lets one thread end the poll() of others, once and for all.

#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace weir {

class WakeEvent {
 public:
  WakeEvent() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "monitor: no eventfd");
  }
  ~WakeEvent() { ::close(fd_); }
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;

  int fd() const { return fd_; }
  // Stays set: everybody who polls from now on is woken.
  void set() {
    const std::uint64_t one = 1;
    // It fails only when the counter is full, and then it is set already.
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
  }

 private:
  const int fd_;
};

}  // namespace weir
