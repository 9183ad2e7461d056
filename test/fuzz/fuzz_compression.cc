// Compressed packets from a hostile peer: what is unpacked does not depend on how the stream is cut
// into reads, and is never more than the headers declare. And back: what is packed is unpacked.
//
// Input: a byte of options, then the stream.

#include <algorithm>
#include <cstdlib>
#include <string>

#include "protocol/compressed_stream.h"

namespace weir::protocol {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Seen {
  std::string bytes;
  CompressedStream::Event end = CompressedStream::Event::none;
  bool operator==(const Seen&) const = default;
};

Seen replay(const CompressedStream::Options& options, Bytes wire, std::size_t size) {
  static Compressor compressor;
  CompressedStream stream(options);
  Seen seen;
  while (!wire.empty()) {
    std::string chunk(as_text(wire.first(std::min(size, wire.size()))));
    wire = wire.subspan(chunk.size());
    std::span<std::uint8_t> in(reinterpret_cast<std::uint8_t*>(chunk.data()), chunk.size());
    while (!in.empty()) {
      const auto step = stream.step(in, compressor);
      require(step.consumed > 0 && step.consumed <= in.size());
      require(step.bytes.size() <= kMaxPackable);
      seen.bytes += as_text(step.bytes);
      in = in.subspan(step.consumed);
      if (step.event == CompressedStream::Event::bytes) continue;
      if (step.event == CompressedStream::Event::none) continue;
      seen.end = step.event;
      return seen;
    }
  }
  return seen;
}

// The most that the headers of a stream promise. A packet that is cut has nothing to give yet.
std::size_t declared(Bytes wire) {
  std::size_t sum = 0;
  while (wire.size() >= kCompressedHeaderSize) {
    const CompressedHeader header = read_compressed_header(wire);
    wire = wire.subspan(kCompressedHeaderSize);
    if (header.length > wire.size()) break;
    wire = wire.subspan(header.length);
    sum += header.plain_length > 0 ? header.plain_length : header.length;
  }
  return sum;
}

}  // namespace
}  // namespace weir::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::protocol;
  if (size < 1) return 0;
  CompressedStream::Options options;
  options.method = (data[0] & 1) != 0 ? Compression::zstd : Compression::zlib;
  options.side =
      (data[0] & 2) != 0 ? CompressedStream::Side::client : CompressedStream::Side::server;
  const Bytes wire(data + 1, size - 1);
  const Seen whole = replay(options, wire, std::max<std::size_t>(wire.size(), 1));
  require(whole.bytes.size() <= declared(wire));
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{64}})
    require(replay(options, wire, step) == whole);

  static Compressor compressor;
  CompressedStream out(options);
  std::string packed;
  out.append(packed, wire, compressor);
  options.side = CompressedStream::Side::client;  // which takes any number
  const Seen back = replay(options, as_bytes(packed), std::max<std::size_t>(packed.size(), 1));
  require(back.end == CompressedStream::Event::none);
  require(as_text(wire).starts_with(back.bytes) && wire.size() - back.bytes.size() < 4);
  return 0;
}
