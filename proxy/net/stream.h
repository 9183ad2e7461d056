// One connected socket on a loop: bytes in, bytes out, back-pressure, and a death that waits for
// the loop. Loop thread only.

#pragma once

#include <sys/types.h>
#include <uv.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "protocol/byte_reader.h"
#include "protocol/compressed_stream.h"

namespace weir {

using protocol::Bytes;

// Where a worker's sockets read to. One read is handed to its stream's handler before the next
// begins, so all the streams of a worker share one buffer and an idle stream owns none.
class ReadBuffer {
 public:
  static constexpr std::size_t kSize = 64u << 10;
  uv_buf_t whole() { return uv_buf_init(bytes_.data(), static_cast<unsigned>(bytes_.size())); }

 private:
  std::array<char, kSize> bytes_;
};

// What a peer that compresses did wrong.
inline constexpr int kCannotUncompress = UV_EPROTO;
inline constexpr int kPacketsOutOfOrder = UV_EILSEQ;
// TLS went wrong, see Stream::tls_failure().
inline constexpr int kTlsFailed = UV_EPROTOTYPE;

struct CompressionShared;
struct TlsShared;
class TlsSession;

// Told what happens to a stream. May close, but not delete, the stream from inside a call.
class StreamHandler {
 public:
  // `bytes` are the handler's to change, and gone after the call.
  virtual void on_stream_read(std::span<std::uint8_t> bytes) = 0;
  // The peer closed, or reading or writing failed: `error` is UV_EOF, another code of libuv or one
  // of those above. Nothing more is read; what is queued is lost.
  virtual void on_stream_ended(int error) = 0;
  // What was queued for writing has been taken by the kernel.
  virtual void on_stream_drained() {}

 protected:
  ~StreamHandler() = default;
};

class Stream {
 public:
  enum class Kind : std::uint8_t { tcp, unix_socket };

  Stream(uv_loop_t* loop, Kind kind, ReadBuffer& buffer);
  ~Stream();  // closes
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // The handler outlives the stream or is replaced before it dies.
  void set_handler(StreamHandler* handler) { handler_ = handler; }

  // The handle, for uv_accept and uv_*_connect.
  uv_stream_t* handle();
  // A new socket in place of one that could not be connected.
  void reopen();
  // Once connected or accepted: no delay for small packets, and keepalive probes (TCP only).
  // Given up when the peer has not acknowledged what was sent for `peer_timeout`.
  void configure(std::chrono::milliseconds peer_timeout);

  // From now on both ways go through TLS: handlers and writers do not notice, and what is written
  // before the handshake is over waits for that. `shared` outlives the stream; `received` is what
  // came in already. May call the handler.
  void begin_tls(std::unique_ptr<TlsSession> session, TlsShared& shared, Bytes received = {});
  bool has_tls() const { return sealing_ != nullptr; }
  // For people: why TLS failed.
  const std::string& tls_failure() const;

  // From now on both ways go in compressed packets: handlers and writers do not notice. `shared`
  // outlives the stream; `received` is what came in already and was not worked off.
  void enable_compression(const protocol::CompressedStream::Options& options,
                          CompressionShared& shared, std::string received = {});
  bool compressed() const { return packing_ != nullptr; }
  // As in protocol::CompressedStream; without compression there is nothing to tell and to learn.
  void next_command();
  std::optional<std::uint8_t> continued_answer() const;

  void start_reading();
  void stop_reading();
  bool reading() const { return reading_; }

  // Writes the slices in order. What the kernel does not take at once is copied and queued, without
  // limit: callers look at queued() and pause their source.
  void write(std::span<const Bytes> slices);
  void write(std::initializer_list<Bytes> slices) {
    write(std::span(slices.begin(), slices.size()));
  }
  void write(std::string_view text) { write({protocol::as_bytes(text)}); }
  // Bytes accepted by write() and not yet taken by the kernel.
  std::size_t queued() const { return pending_.size() + in_flight_size_; }

  // No more calls to the handler. Queued bytes are dropped.
  void close();
  // Like close(), but what is queued is still written first, by the kernel's leave and without
  // limit of time. No more calls to the handler.
  void close_after_writing();
  // Closes what close_after_writing() has left on a loop that is about to end.
  static void drop_farewells(uv_loop_t* loop);
  bool closed() const { return handle_ == nullptr; }

  // "127.0.0.1:4711" or "unix"; empty when it cannot be told.
  std::string peer() const;
  // The user id of the process at the other end of a unix socket, when it connected; nothing for
  // TCP, and when it cannot be told.
  std::optional<uid_t> peer_user() const;

 private:
  struct Handle;
  struct Write;
  struct Packing;  // stream_compression.h
  struct Sealing;  // stream_tls.h
  struct Resume;

  static void on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer);
  static void on_read(uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer);
  static void on_written(uv_write_t* request, int status);
  void open_handle();
  void write_down(std::span<const Bytes> slices);
  void write_raw(std::span<const Bytes> slices);
  void take_plain(std::span<std::uint8_t> bytes);
  void begin_write();
  void end(int error);
  // stream_tls.cc
  void on_sealed(Bytes in);
  void write_sealed(std::span<const Bytes> slices);
  void write_early();
  void flush_sealed();
  void say_farewell();
  // stream_compression.cc
  void write_packed(std::span<const Bytes> slices);
  void on_packed(std::span<std::uint8_t> in);
  void resume_packed();
  std::size_t unpack(std::span<std::uint8_t> in);
  std::size_t unpack_turn(std::span<std::uint8_t> in);
  std::size_t hand_on(std::span<std::uint8_t> bytes, std::size_t& budget);
  void unpack_later();
  void unpack_waiting();
  void stop_unpacking();

  uv_loop_t* loop_;
  Kind kind_;
  Handle* handle_ = nullptr;
  StreamHandler* handler_ = nullptr;
  ReadBuffer& buffer_;
  std::unique_ptr<Sealing> sealing_;  // null without TLS
  std::unique_ptr<Packing> packing_;  // null without compression
  std::string pending_;
  std::size_t in_flight_size_ = 0;
  bool reading_ = false;
};

}  // namespace weir
