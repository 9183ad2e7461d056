// Compressed packets and their numbers, both ways.

#include "protocol/compressed_stream.h"

#include <random>
#include <vector>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using Event = CompressedStream::Event;
using Side = CompressedStream::Side;

CompressedStream make(Side side, Compression method = Compression::zlib) {
  return CompressedStream({side, method, 3});
}

std::string stored(std::string_view body, std::uint8_t sequence) {
  std::string out;
  ByteWriter(out).int3(body.size()).int1(sequence).int3(0).text(body);
  return out;
}

std::string frame(std::string_view payload, std::uint8_t sequence) {
  std::string out;
  ByteWriter(out).int3(payload.size()).int1(sequence).text(payload);
  return out;
}

struct Received {
  std::string bytes;
  Event end = Event::none;
};

// Feeds reads of `size` bytes, each in a block of its own.
Received receive(CompressedStream& stream, Compressor& compressor, std::string_view wire,
                 std::size_t size) {
  Received seen;
  while (!wire.empty()) {
    std::string chunk(wire.substr(0, size));
    wire.remove_prefix(chunk.size());
    std::span<std::uint8_t> in(reinterpret_cast<std::uint8_t*>(chunk.data()), chunk.size());
    while (!in.empty()) {
      const auto step = stream.step(in, compressor);
      REQUIRE(step.consumed > 0);
      seen.bytes += as_text(step.bytes);
      in = in.subspan(step.consumed);
      if (step.event == Event::bytes || step.event == Event::none) continue;
      seen.end = step.event;
      return seen;
    }
  }
  return seen;
}

// Packets as (number, what is inside).
using Packets = std::vector<std::pair<int, std::string>>;

Packets split(std::string wire, Compression method = Compression::zlib) {
  Compressor compressor;
  Packets packets;
  while (!wire.empty()) {
    const CompressedHeader header = read_compressed_header(as_bytes(wire));
    std::string body = wire.substr(kCompressedHeaderSize, header.length);
    wire.erase(0, kCompressedHeaderSize + header.length);
    const auto plain = compressor.unpack(
        header, {reinterpret_cast<std::uint8_t*>(body.data()), body.size()}, method);
    REQUIRE(plain);
    packets.emplace_back(header.sequence, std::string(as_text(*plain)));
  }
  return packets;
}

std::string sent(CompressedStream& stream, std::string_view plain) {
  Compressor compressor;
  std::string wire;
  stream.append(wire, as_bytes(plain), compressor);
  return wire;
}

TEST_CASE("compressed stream: what one side sends the other reads, however it is cut") {
  for (const Compression method : {Compression::zlib, Compression::zstd}) {
    Compressor compressor;
    CompressedStream client = make(Side::client, method);
    std::string plain;
    std::string wire;
    for (const std::size_t size : {1u, 30u, 200u, 5000u, 70000u}) {
      const std::string command = frame("\3" + std::string(size, 'q'), 0);
      plain += command;
      client.append(wire, as_bytes(command), compressor);
    }
    for (const std::size_t cut : {std::size_t{1}, std::size_t{3}, std::size_t{64}, wire.size()}) {
      CompressedStream server = make(Side::server, method);
      const Received seen = receive(server, compressor, wire, cut);
      CHECK(seen.end == Event::none);
      CHECK(seen.bytes == plain);
    }
  }
}

TEST_CASE("compressed stream: numbers go on from a command through its answer") {
  Compressor compressor;
  CompressedStream server = make(Side::server);
  receive(server, compressor, stored("a", 0) + stored("b", 1) + stored("", 2), 100);
  server.next_command();
  CHECK(split(sent(server, "answer")) == Packets{{3, "answer"}});
  CHECK(split(sent(server, "more")) == Packets{{4, "more"}});
  receive(server, compressor, stored("file", 5) + stored("", 6), 100);
  CHECK(split(sent(server, "done")) == Packets{{7, "done"}});
  receive(server, compressor, stored("next", 0), 100);
  server.next_command();
  CHECK(split(sent(server, "answer")) == Packets{{1, "answer"}});
}

TEST_CASE("compressed stream: commands sent ahead do not disturb the answer under way") {
  Compressor compressor;
  CompressedStream server = make(Side::server);
  receive(server, compressor, stored("one", 0), 100);
  server.next_command();
  CHECK(split(sent(server, "1")) == Packets{{1, "1"}});
  receive(server, compressor, stored("two, first half", 0) + stored("second", 1), 100);
  CHECK(split(sent(server, "1")) == Packets{{2, "1"}});
  server.next_command();
  CHECK(split(sent(server, "2")) == Packets{{2, "2"}});
}

TEST_CASE("compressed stream: a command in many packets") {
  Compressor compressor;
  CompressedStream server = make(Side::server);
  receive(server, compressor, stored("old", 0), 100);
  server.next_command();
  sent(server, "answer");
  std::string wire;
  for (int i = 0; i < 600; ++i) wire += stored("x", static_cast<std::uint8_t>(i));
  CHECK(receive(server, compressor, wire.substr(0, 80), 80).end == Event::none);
  server.next_command();
  CHECK(receive(server, compressor, wire.substr(80), 100).end == Event::none);
  CHECK(split(sent(server, "answer")) == Packets{{600 & 0xff, "answer"}});
}

TEST_CASE("compressed stream: a wrong number is seen") {
  const struct {
    const char* why;
    std::string wire;
  } rows[] = {
      {"the first", stored("a", 1)},
      {"a gap", stored("a", 0) + stored("b", 2)},
      {"a repetition", stored("a", 0) + stored("b", 1) + stored("c", 1)},
  };
  for (const auto& row : rows) {
    INFO(row.why);
    Compressor compressor;
    CompressedStream server = make(Side::server);
    CHECK(receive(server, compressor, row.wire, 4).end == Event::out_of_order);
  }
}

TEST_CASE("compressed stream: a malformed body is seen") {
  Compressor compressor;
  CompressedStream server = make(Side::server);
  const std::string bad = test::from_hex("14000000 640000") + std::string(20, 'x');
  CHECK(receive(server, compressor, bad, 5).end == Event::malformed);
}

TEST_CASE("compressed stream: each command begins a packet and a count") {
  CompressedStream client = make(Side::client);
  const std::string one = frame("\3SELECT 1", 0);
  const std::string two = frame("\3SELECT 2", 0);
  CHECK(split(sent(client, one + two)) == Packets{{0, one}, {0, two}});
  CHECK_FALSE(client.continued_answer());

  SECTION("a command in parts") {
    CHECK(split(sent(client, one.substr(0, 7))) == Packets{{0, one.substr(0, 7)}});
    CHECK(split(sent(client, one.substr(7) + two)) == Packets{{1, one.substr(7)}, {0, two}});
    CHECK_FALSE(client.continued_answer());
  }
  SECTION("a header that is cut is held back") {
    for (std::size_t cut = 1; cut < 4; ++cut) {
      CHECK(sent(client, two.substr(0, cut)).empty());
      CHECK(split(sent(client, two.substr(cut))) == Packets{{0, two}});
    }
  }
  SECTION("a file goes on where the server's question ended") {
    Compressor compressor;
    receive(client, compressor, stored("the question", 1), 100);
    const std::string file = frame("line\n", 2) + frame("", 3);
    CHECK(split(sent(client, file)) == Packets{{2, file}});
    CHECK(client.continued_answer() == 4);
  }
}

TEST_CASE("compressed stream: numbers that go round are no new command") {
  Compressor compressor;
  CompressedStream client = make(Side::client);
  sent(client, frame("\3LOAD DATA", 0));
  receive(client, compressor, stored("the question", 1), 100);
  std::string file;
  for (int i = 2; i < 300; ++i) file += frame("line", static_cast<std::uint8_t>(i));
  file += frame("", 300 & 0xff);
  CHECK(split(sent(client, file)).size() == 1);
  CHECK(client.continued_answer() == (301 & 0xff));
  // One that ends with the last number of all, and a command behind it.
  CompressedStream other = make(Side::client);
  const std::string end = frame("line", 0xfe) + frame("", 0xff);
  const std::string next = frame("\16", 0);
  const Packets packets = split(sent(other, end + next));
  REQUIRE(packets.size() == 2);
  CHECK(packets[1] == Packets::value_type{0, next});
}

TEST_CASE("compressed stream: more than fits into one packet") {
  Compressor compressor;
  CompressedStream server = make(Side::server);
  receive(server, compressor, stored("command", 0), 100);
  const std::string plain(2 * kMaxPackable + 5, 'x');
  const std::string wire = sent(server, plain);
  const Packets packets = split(wire);
  REQUIRE(packets.size() == 3);
  CHECK(packets[2].first == 3);
  CompressedStream client = make(Side::client);
  CHECK(receive(client, compressor, wire, 65536).bytes == plain);
}

}  // namespace
}  // namespace weir::protocol
