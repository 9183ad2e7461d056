#include "proxy/net/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <memory>
#include <utility>

#include "proxy/net/stream_compression.h"
#include "proxy/net/stream_tls.h"

namespace weir {
namespace {

constexpr unsigned kKeepaliveSeconds = 60;

// How long the kernel goes on offering the last words to a peer that does not take them.
constexpr unsigned kFarewellMilliseconds = 10000;

// More slices than this in one write are rare, and the rest is simply queued.
constexpr std::size_t kMaxSlices = 16;

}  // namespace

// Lives on the heap apart from its Stream, because libuv may touch it until its close callback.
struct Stream::Handle {
  union {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  Stream* owner = nullptr;  // null once the Stream is gone or closed
  unsigned writes = 0;      // requests that libuv has not finished
  bool closing_after_write = false;
};

struct Stream::Write {
  uv_write_t request;
  Handle* handle;
  std::string bytes;
};

Stream::Stream(uv_loop_t* loop, Kind kind, ReadBuffer& buffer)
    : loop_(loop), kind_(kind), buffer_(buffer) {
  open_handle();
}

void Stream::reopen() {
  close();
  open_handle();
}

void Stream::open_handle() {
  handle_ = new Handle;
  if (kind_ == Kind::tcp) {
    uv_tcp_init(loop_, &handle_->tcp);
  } else {
    uv_pipe_init(loop_, &handle_->pipe, 0);
  }
  handle_->owner = this;
  handle_->any.data = handle_;
}

Stream::~Stream() {
  close();
}

uv_stream_t* Stream::handle() {
  return handle_ != nullptr ? &handle_->stream : nullptr;
}

void Stream::configure(std::chrono::milliseconds peer_timeout) {
  if (handle_ == nullptr || handle_->any.type != UV_TCP) return;
  uv_tcp_nodelay(&handle_->tcp, 1);
  uv_tcp_keepalive(&handle_->tcp, 1, kKeepaliveSeconds);
  // Without it, what was sent to a peer that is gone is sent again for a quarter of an hour.
  uv_os_fd_t fd;
  if (uv_fileno(&handle_->any, &fd) != 0) return;
  const auto timeout = static_cast<unsigned>(peer_timeout.count());
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

void Stream::start_reading() {
  if (handle_ == nullptr || reading_) return;
  if (packing_ != nullptr) {
    reading_ = true;
    return resume_packed();
  }
  reading_ = uv_read_start(&handle_->stream, on_alloc, on_read) == 0;
}

void Stream::stop_reading() {
  if (handle_ == nullptr || !reading_) return;
  uv_read_stop(&handle_->stream);
  reading_ = false;
}

void Stream::on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  const auto* self = static_cast<Handle*>(handle->data);
  *buffer = self->owner != nullptr ? self->owner->buffer_.whole() : uv_buf_init(nullptr, 0);
}

void Stream::on_read(uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
  Stream* self = static_cast<Handle*>(handle->data)->owner;
  if (self == nullptr || count == 0) return;
  if (count < 0) {
    self->end(static_cast<int>(count));
    return;
  }
  const std::span<std::uint8_t> bytes(reinterpret_cast<std::uint8_t*>(buffer->base),
                                      static_cast<std::size_t>(count));
  if (self->sealing_ != nullptr) return self->on_sealed(bytes);
  self->take_plain(bytes);
}

void Stream::take_plain(std::span<std::uint8_t> bytes) {
  if (packing_ != nullptr) return on_packed(bytes);
  if (handler_ != nullptr) handler_->on_stream_read(bytes);
}

void Stream::write(std::span<const Bytes> slices) {
  if (handle_ == nullptr) return;
  if (packing_ != nullptr) return write_packed(slices);
  write_down(slices);
}

void Stream::write_down(std::span<const Bytes> slices) {
  if (sealing_ != nullptr) return write_sealed(slices);
  write_raw(slices);
}

void Stream::write_raw(std::span<const Bytes> slices) {
  std::size_t written = 0;
  if (queued() == 0) {
    uv_buf_t buffers[kMaxSlices];
    unsigned count = 0;
    for (const Bytes slice : slices.first(std::min(slices.size(), kMaxSlices))) {
      buffers[count++] = uv_buf_init(const_cast<char*>(reinterpret_cast<const char*>(slice.data())),
                                     static_cast<unsigned>(slice.size()));
    }
    const int result = uv_try_write(&handle_->stream, buffers, count);
    // An error shows again when the rest is queued, and is reported from the loop, never from here.
    if (result > 0) written = static_cast<std::size_t>(result);
  }
  for (Bytes slice : slices) {
    const std::size_t skipped = std::min(written, slice.size());
    written -= skipped;
    pending_.append(protocol::as_text(slice.subspan(skipped)));
  }
  if (in_flight_size_ == 0 && !pending_.empty()) begin_write();
}

void Stream::begin_write() {
  auto write = std::make_unique<Write>();
  write->handle = handle_;
  write->bytes = std::exchange(pending_, {});
  write->request.data = write.get();
  uv_buf_t buffer = uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  // uv_write only fails on a handle without a socket, which has no peer to wait for an answer.
  if (uv_write(&write->request, &handle_->stream, &buffer, 1, on_written) != 0) return;
  ++handle_->writes;
  in_flight_size_ = write->bytes.size();
  write.release();  // owned by libuv until on_written
}

void Stream::on_written(uv_write_t* request, int status) {
  const std::unique_ptr<Write> write(static_cast<Write*>(request->data));
  Handle* handle = write->handle;
  Stream* self = handle->owner;
  --handle->writes;
  if (self == nullptr) {
    const bool last = handle->writes == 0 || status != 0;
    if (handle->closing_after_write && last && !uv_is_closing(&handle->any)) {
      uv_close(&handle->any,
               [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
    }
    return;
  }
  self->in_flight_size_ = 0;
  if (status != 0) {
    self->end(status);
  } else if (!self->pending_.empty()) {
    self->begin_write();
  } else if (self->handler_ != nullptr) {
    self->handler_->on_stream_drained();
  }
}

void Stream::end(int error) {
  stop_reading();
  if (handler_ != nullptr) handler_->on_stream_ended(error);
}

void Stream::close() {
  if (handle_ == nullptr) return;
  Handle* handle = std::exchange(handle_, nullptr);
  handle->owner = nullptr;
  reading_ = false;
  stop_unpacking();
  pending_.clear();
  uv_close(&handle->any, [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

void Stream::close_after_writing() {
  if (handle_ == nullptr) return;
  say_farewell();
  if (queued() == 0) return close();
  stop_reading();
  stop_unpacking();
  if (!pending_.empty()) {
    // A second write request behind the one in flight; libuv keeps their order.
    begin_write();
  }
  Handle* handle = std::exchange(handle_, nullptr);
  handle->owner = nullptr;
  handle->closing_after_write = true;
  if (handle->any.type == UV_TCP) {
    uv_os_fd_t fd = -1;
    uv_fileno(&handle->any, &fd);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kFarewellMilliseconds,
               sizeof kFarewellMilliseconds);
  }
}

void Stream::drop_farewells(uv_loop_t* loop) {
  const auto drop = [](uv_handle_t* handle, void*) {
    const bool stream = handle->type == UV_TCP || handle->type == UV_NAMED_PIPE;
    // Listening sockets are of the same type and have no write callback to wait for.
    if (!stream || uv_is_closing(handle) ||
        uv_stream_get_write_queue_size(reinterpret_cast<uv_stream_t*>(handle)) == 0) {
      return;
    }
    auto* farewell = static_cast<Handle*>(handle->data);
    if (!farewell->closing_after_write) return;
    uv_close(handle, [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
  };
  uv_walk(loop, drop, nullptr);
}

std::string Stream::peer() const {
  if (handle_ == nullptr) return {};
  if (handle_->any.type != UV_TCP) return "unix";
  sockaddr_storage address{};
  int size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (uv_tcp_getpeername(&handle_->tcp, raw, &size) != 0) return {};
  char text[INET6_ADDRSTRLEN] = {};
  uv_ip_name(raw, text, sizeof text);
  const auto port =
      ntohs(raw->sa_family == AF_INET ? reinterpret_cast<sockaddr_in*>(raw)->sin_port
                                      : reinterpret_cast<sockaddr_in6*>(raw)->sin6_port);
  return std::string(text) + ":" + std::to_string(port);
}

std::optional<uid_t> Stream::peer_user() const {
  if (handle_ == nullptr || handle_->any.type == UV_TCP) return std::nullopt;
  int fd = -1;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool told = uv_fileno(&handle_->any, &fd) == 0 &&
                    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  return told ? std::optional(peer.uid) : std::nullopt;
}

}  // namespace weir
