// A listening socket on a loop.

#pragma once

#include <sys/types.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proxy/config/config.h"
#include "proxy/net/stream.h"

namespace weir {

// A bound and listening socket, not yet on a loop. Sockets are opened before the workers start, so
// that an address that is taken ends the program with a message and not a thread.
class ListenSocket {
 public:
  // Binds and listens; throws std::runtime_error naming the address and the cause. With `shared`,
  // several sockets may be bound to one TCP address and the kernel spreads the connections over
  // them (SO_REUSEPORT). Port 0 lets the kernel choose: address() then tells which. A stale unix
  // socket file is replaced, a living one is not. `mode` is such a file's; without one, the umask
  // decides.
  static ListenSocket open(const Endpoint& address, bool shared,
                           std::optional<mode_t> mode = std::nullopt);

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();

  // Another descriptor of the same socket, for a further worker (unix sockets).
  ListenSocket duplicate() const;
  // Gives the descriptor away.
  int release();
  const Endpoint& address() const { return address_; }
  // With the port that the kernel has chosen where port 0 was asked for.
  Endpoint bound_address() const;

 private:
  ListenSocket(int fd, Endpoint address) : fd_(fd), address_(std::move(address)) {}
  int fd_;
  Endpoint address_;
};

// Accepts connections and hands them on. Loop thread only.
class Listener {
 public:
  using Accept = std::function<void(std::unique_ptr<Stream>)>;

  Listener(uv_loop_t* loop, ListenSocket socket, ReadBuffer& buffer, Accept accept);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // No more connections are accepted; those in the kernel's queue are refused.
  void close();

 private:
  struct Handle;
  static void on_connection(uv_stream_t* handle, int status);

  uv_loop_t* loop_;
  ReadBuffer& buffer_;
  Accept accept_;
  Handle* handle_;
};

}  // namespace weir
