// In a dead server's place: takes connections at its port, ends each at once, and counts them.

#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <thread>

#include "test/support/until.h"

namespace weir::test {

class DeadPort {
 public:
  explicit DeadPort(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // A killed server's threads may hold it a little longer than its process is there.
    const auto bind = [&] {
      return ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    };
    if (!until(bind) || ::listen(fd_, 128) != 0) {
      ::close(fd_);
      throw std::runtime_error("the dead server's port is not free");
    }
    thread_ = std::thread([this] { run(); });
  }
  ~DeadPort() {
    stopping_ = true;
    thread_.join();
    ::close(fd_);
  }
  DeadPort(const DeadPort&) = delete;
  DeadPort& operator=(const DeadPort&) = delete;

  long connections() const { return connections_; }

 private:
  void run() {
    while (!stopping_) {
      pollfd waiting{fd_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int client = ::accept(fd_, nullptr, nullptr);
      if (client < 0) continue;
      ++connections_;
      ::close(client);
    }
  }

  const int fd_;
  std::atomic<bool> stopping_{false};
  std::atomic<long> connections_{0};
  std::thread thread_;
};

}  // namespace weir::test
