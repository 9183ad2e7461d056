#include "proxy/net/listener.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace weir {
namespace {

// A client that takes nothing of what it is sent, as servers do it with net_write_timeout.
constexpr std::chrono::minutes kClientTimeout{2};

constexpr int kBacklog = 1024;

[[noreturn]] void fail(const Endpoint& address, const char* what, int error) {
  throw std::runtime_error(
      fmt::format("cannot listen on {}: {}: {}", address.to_string(), what, std::strerror(error)));
}

// Of a socket that is not kept; the cause is in errno.
[[noreturn]] void fail_with(int fd, const Endpoint& address, const char* what) {
  const int error = errno;
  close(fd);
  fail(address, what, error);
}

int open_socket(int family, const Endpoint& address) {
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(address, "socket", errno);
  return fd;
}

int bind_and_listen(int fd, const sockaddr* raw, socklen_t size, const Endpoint& address) {
  if (bind(fd, raw, size) != 0 || listen(fd, kBacklog) != 0) fail_with(fd, address, "bind");
  return fd;
}

int open_tcp(const Endpoint& address, bool shared) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  const char* host = address.host == "*" ? nullptr : address.host.c_str();
  if (const int error = getaddrinfo(host, port.c_str(), &hints, &found); error != 0) {
    throw std::runtime_error(
        fmt::format("cannot listen on {}: {}", address.to_string(), gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  const int fd = open_socket(found->ai_family, address);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  return bind_and_listen(fd, found->ai_addr, found->ai_addrlen, address);
}

int open_unix(const Endpoint& address, std::optional<mode_t> mode) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.unix_path.size() >= sizeof name.sun_path) fail(address, "path", ENAMETOOLONG);
  std::memcpy(name.sun_path, address.unix_path.data(), address.unix_path.size());
  const auto* raw = reinterpret_cast<const sockaddr*>(&name);

  const int probe = open_socket(AF_UNIX, address);
  const bool refused = connect(probe, raw, sizeof name) != 0 && errno == ECONNREFUSED;
  close(probe);
  // Nothing but a socket that nobody listens on is removed: bind() refuses whatever else is there.
  struct stat found {};
  if (refused && lstat(address.unix_path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
    unlink(address.unix_path.c_str());
  }
  const int fd = open_socket(AF_UNIX, address);
  // The file gets the socket's mode less the umask, and is never open wider than that; then what
  // the umask has taken away.
  if (mode && fchmod(fd, *mode) != 0) fail_with(fd, address, "fchmod");
  bind_and_listen(fd, raw, sizeof name, address);
  if (mode && chmod(name.sun_path, *mode) != 0) fail_with(fd, address, "chmod");
  return fd;
}

// The port that the kernel has chosen, where the address leaves it to it.
std::uint16_t port_of(int fd, const Endpoint& address) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    fail_with(fd, address, "getsockname");
  }
  // The port is at the same place in both.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  return ntohs(reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
}

}  // namespace

ListenSocket ListenSocket::open(const Endpoint& address, bool shared, std::optional<mode_t> mode) {
  if (address.is_unix()) return {open_unix(address, mode), address};
  Endpoint bound = address;
  const int fd = open_tcp(address, shared);
  if (bound.port == 0) bound.port = port_of(fd, address);
  return {fd, bound};
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(std::move(other.address_)) {}

ListenSocket::~ListenSocket() {
  if (fd_ >= 0) ::close(fd_);
}

ListenSocket ListenSocket::duplicate() const {
  const int fd = dup(fd_);
  if (fd < 0) fail(address_, "dup", errno);
  return {fd, address_};
}

Endpoint ListenSocket::bound_address() const {
  Endpoint bound = address_;
  sockaddr_storage raw{};
  socklen_t size = sizeof raw;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&raw), &size) != 0) return bound;
  if (raw.ss_family == AF_INET) bound.port = ntohs(reinterpret_cast<sockaddr_in&>(raw).sin_port);
  if (raw.ss_family == AF_INET6) bound.port = ntohs(reinterpret_cast<sockaddr_in6&>(raw).sin6_port);
  return bound;
}

int ListenSocket::release() {
  return std::exchange(fd_, -1);
}

struct Listener::Handle {
  union {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  Listener* owner = nullptr;
  bool is_unix = false;
};

Listener::Listener(uv_loop_t* loop, ListenSocket socket, ReadBuffer& buffer, Accept accept)
    : loop_(loop), buffer_(buffer), accept_(std::move(accept)), handle_(new Handle) {
  handle_->owner = this;
  handle_->is_unix = socket.address().is_unix();
  if (handle_->is_unix) {
    uv_pipe_init(loop, &handle_->pipe, 0);
    uv_pipe_open(&handle_->pipe, socket.release());
  } else {
    uv_tcp_init(loop, &handle_->tcp);
    uv_tcp_open(&handle_->tcp, socket.release());
  }
  handle_->any.data = handle_;
  uv_listen(&handle_->stream, kBacklog, on_connection);
}

Listener::~Listener() {
  close();
}

void Listener::close() {
  if (handle_ == nullptr) return;
  Handle* handle = std::exchange(handle_, nullptr);
  handle->owner = nullptr;
  uv_close(&handle->any, [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

void Listener::on_connection(uv_stream_t* handle, int status) {
  Listener* self = static_cast<Handle*>(handle->data)->owner;
  // Out of descriptors: libuv has already turned the connection away; the next one may find a free
  // one.
  if (self == nullptr || status != 0) return;
  const auto kind = self->handle_->is_unix ? Stream::Kind::unix_socket : Stream::Kind::tcp;
  auto stream = std::make_unique<Stream>(self->loop_, kind, self->buffer_);
  if (uv_accept(handle, stream->handle()) != 0) return;
  stream->configure(kClientTimeout);
  self->accept_(std::move(stream));
}

}  // namespace weir
