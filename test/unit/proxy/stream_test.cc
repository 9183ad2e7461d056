// Streams over a pair of sockets: what arrives is what was sent, however the handler pauses.

#include "proxy/net/stream.h"

#include <sys/socket.h>
#include <uv.h>

#include <random>

#include "proxy/net/stream_compression.h"
#include "proxy/net/stream_tls.h"
#include "test/support/catch.h"
#include "test/support/certificates.h"

namespace weir {
namespace {

using protocol::CompressedStream;
using protocol::Compression;

// Ends with all handles closed.
class Loop {
 public:
  Loop() { REQUIRE(uv_loop_init(&loop_) == 0); }
  ~Loop() {
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }
  uv_loop_t* get() { return &loop_; }
  void turn() { uv_run(&loop_, UV_RUN_NOWAIT); }  // nothing may come: the handler may have stopped

 private:
  uv_loop_t loop_;
};

struct Pair {
  explicit Pair(Loop& loop)
      : near(loop.get(), Stream::Kind::unix_socket, buffer),
        far(loop.get(), Stream::Kind::unix_socket, buffer) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    REQUIRE(uv_pipe_open(reinterpret_cast<uv_pipe_t*>(near.handle()), ends[0]) == 0);
    REQUIRE(uv_pipe_open(reinterpret_cast<uv_pipe_t*>(far.handle()), ends[1]) == 0);
  }
  ReadBuffer buffer;
  Stream near;
  Stream far;
};

// Collects, and stops reading at random: for a moment only, or until resume().
class Pausing final : public StreamHandler {
 public:
  explicit Pausing(Stream& stream) : stream_(stream) {}
  void on_stream_read(std::span<std::uint8_t> bytes) override {
    CHECK(stream_.reading());
    received.append(protocol::as_text(bytes));
    const auto choice = random_() % 200;
    if (choice < 50) stream_.stop_reading();
    if (choice > 0) stream_.start_reading();
  }
  void on_stream_ended(int why) override {
    ended = true;
    error = why;
  }
  void resume() { stream_.start_reading(); }

  std::string received;
  bool ended = false;
  int error = 0;

 private:
  Stream& stream_;
  std::mt19937 random_{7};
};

// Numbers in a row, so that what is lost, doubled or moved shows; what is between them makes a few
// bytes on the wire megabytes.
std::string numbers(std::size_t size, std::size_t between) {
  std::string text;
  for (unsigned i = 0; text.size() < size; ++i) {
    text.append(std::to_string(i)).append(between, ',');
  }
  return text;
}

std::string packed(std::string_view text, Compression method, std::size_t piece) {
  protocol::Compressor compressor;
  std::string wire;
  std::uint8_t sequence = 0;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    compressor.pack(wire, protocol::as_bytes(text.substr(0, piece)), method, 3, sequence++);
  }
  return wire;
}

TEST_CASE("a compressed stream keeps its order while its handler stops and goes on", "[stream]") {
  const auto method = GENERATE(Compression::zlib, Compression::zstd);
  const auto piece = GENERATE(std::size_t{1000}, std::size_t{16} << 10, std::size_t{3} << 20);
  const std::string text = numbers(8u << 20, GENERATE(std::size_t{1}, std::size_t{10000}));
  Loop loop;
  CompressionShared shared;
  Pair pair(loop);
  Pausing handler(pair.near);
  pair.near.set_handler(&handler);
  pair.near.enable_compression({CompressedStream::Side::server, method, 3}, shared);
  pair.near.start_reading();
  const std::string wire = packed(text, method, piece);

  std::size_t sent = 0;
  for (int turns = 0; handler.received.size() < text.size() && turns < 100000; ++turns) {
    pair.far.write(wire.substr(sent, 20000));
    sent = std::min(wire.size(), sent + 20000);
    handler.resume();
    loop.turn();
  }

  CHECK_FALSE(handler.ended);
  CHECK(handler.received == text);
  pair.near.close();
  pair.far.close();
}

TEST_CASE("an encrypted stream keeps its order, also with compression inside", "[stream][tls]") {
  const auto method = GENERATE(Compression::none, Compression::zlib);
  const std::string text = numbers(8u << 20, GENERATE(std::size_t{1}, std::size_t{10000}));
  Loop loop;
  TlsShared tls;
  CompressionShared packing;
  Pair pair(loop);
  Pausing handler(pair.near);
  Pausing sender(pair.far);
  pair.near.set_handler(&handler);
  pair.far.set_handler(&sender);
  TlsTicket ticket;
  pair.near.begin_tls(TlsSession::accept(TlsContext::for_clients({})), tls);
  pair.far.begin_tls(TlsSession::connect(TlsContext::for_servers({}), "db1", ticket), tls);
  if (method != Compression::none) {
    pair.near.enable_compression({CompressedStream::Side::server, method, 3}, packing);
    pair.far.enable_compression({CompressedStream::Side::client, method, 3}, packing);
  }
  pair.near.start_reading();
  pair.far.start_reading();

  // The first of it is written before the handshake.
  std::size_t sent = 0;
  for (int turns = 0; handler.received.size() < text.size() && turns < 100000; ++turns) {
    const std::string_view piece = std::string_view(text).substr(sent, 100000);
    if (pair.far.queued() == 0 && !piece.empty()) {
      pair.far.write({protocol::as_bytes(piece.substr(0, 5)),
                      protocol::as_bytes(piece.substr(std::min<std::size_t>(5, piece.size())))});
      sent += piece.size();
    }
    handler.resume();
    sender.resume();
    loop.turn();
  }

  CHECK_FALSE(handler.ended);
  CHECK(handler.received == text);
  pair.far.close_after_writing();
  for (int turns = 0; !handler.ended && turns < 1000; ++turns) {
    handler.resume();
    loop.turn();
  }
  CHECK(handler.ended);
  pair.near.close();
}

TEST_CASE("an encrypted stream whose peer speaks in clear ends with the reason", "[stream][tls]") {
  Loop loop;
  TlsShared tls;
  Pair pair(loop);
  Pausing handler(pair.near);
  pair.near.set_handler(&handler);
  pair.near.begin_tls(TlsSession::accept(TlsContext::for_clients({})), tls);
  pair.near.start_reading();
  pair.far.write(std::string_view("SELECT 1 and so on, in clear"));
  for (int turns = 0; !handler.ended && turns < 1000; ++turns) loop.turn();
  CHECK(handler.ended);
  CHECK(handler.error == kTlsFailed);
  CHECK(handler.received.empty());
  CHECK_FALSE(pair.near.tls_failure().empty());
  pair.near.close();
  pair.far.close();
}

}  // namespace
}  // namespace weir
