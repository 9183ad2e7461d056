// Somebody between weir and a server, who lets everything pass but for what the server says first.

#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace weir::test {

class Meddler {
 public:
  // `change` is made to the first bytes of the server on 127.0.0.1, in threads of its own.
  Meddler(std::uint16_t server, std::function<void(std::string& greeting)> change)
      : server_(server), change_(std::move(change)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = local(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("a meddler cannot listen");
    }
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept(); });
  }
  ~Meddler() {
    over_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (std::thread& relay : relays_) relay.join();
    ::close(listener_);
  }
  Meddler(const Meddler&) = delete;
  Meddler& operator=(const Meddler&) = delete;

  std::uint16_t port() const { return port_; }
  // Before that it only passes things on.
  void begin() { begun_ = true; }
  // Connections that were meddled with.
  int meddled() const { return meddled_; }
  // Bytes that were said to the server on these.
  std::size_t answered() const { return answered_; }

 private:
  static sockaddr_in local(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }
  void accept() {
    for (int client = 0; (client = ::accept(listener_, nullptr, nullptr)) >= 0;) {
      relays_.emplace_back([this, client] {
        const int server = ::socket(AF_INET, SOCK_STREAM, 0);
        const sockaddr_in address = local(server_);
        if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
          relay(client, server);
        }
        ::close(server);
        ::close(client);
      });
    }
  }
  void relay(int client, int server) {
    constexpr int kLookMilliseconds = 20;
    std::array<pollfd, 2> ends{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
    std::array<char, 1u << 16> bytes{};
    bool first = true;
    bool meddles = false;
    while (!over_ && ::poll(ends.data(), ends.size(), kLookMilliseconds) >= 0) {
      for (std::size_t i = 0; i < ends.size(); ++i) {
        if (ends[i].revents == 0) continue;
        const ssize_t got = ::recv(ends[i].fd, bytes.data(), bytes.size(), 0);
        if (got <= 0) return;
        std::string chunk(bytes.data(), static_cast<std::size_t>(got));
        if (i == 1 && std::exchange(first, false) && begun_) {
          change_(chunk);
          meddles = true;
          ++meddled_;
        }
        if (i == 0 && meddles) answered_ += chunk.size();
        if (::send(ends[1 - i].fd, chunk.data(), chunk.size(), MSG_NOSIGNAL) < 0) return;
      }
    }
  }

  const std::uint16_t server_;
  const std::function<void(std::string&)> change_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> begun_{false};
  std::atomic<bool> over_{false};
  std::atomic<int> meddled_{0};
  std::atomic<std::size_t> answered_{0};
  std::thread accepting_;
  std::vector<std::thread> relays_;  // of accepting_'s thread, until that has ended
};

}  // namespace weir::test
