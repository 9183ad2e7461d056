// The packing of compressed packets, without the connection that they travel on; that is
// compressed_stream.h. Protocol documentation: "Compression" (page_protocol_basic_compression).
//
//   length of the body | sequence | length before packing, 0: stored as it is | body
//   3                  | 1        | 3                                         |
//
// What is packed is a piece of the stream of ordinary packets, cut without regard to them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "protocol/byte_reader.h"
#include "protocol/capabilities.h"

namespace weir::protocol {

enum class Compression : std::uint8_t { none, zlib, zstd };

// What a connection with these capabilities uses. Asked for both, servers take zlib.
Compression compression_of(Capabilities agreed);

inline constexpr std::uint8_t kZstdLevel = 3;  // what client libraries ask for by default
inline constexpr std::size_t kCompressedHeaderSize = 7;
inline constexpr std::size_t kMaxPackable = 0xffffff;  // bytes in one packet, packed or not

struct CompressedHeader {
  std::uint32_t length = 0;  // of the body
  std::uint8_t sequence = 0;
  std::uint32_t plain_length = 0;  // of what was packed; 0 when it was stored
};

// Reads a header. `bytes` holds at least kCompressedHeaderSize bytes.
CompressedHeader read_compressed_header(Bytes bytes);

// Packs and unpacks for any number of connections, one packet at a time: nothing of one packet is
// needed for the next. Its memory is made on first use.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Appends one packet with `plain`, at most kMaxPackable bytes. `level` is zstd's, 1 to 22, of
  // which more than kMaxLevel is not used: the time is taken from all connections.
  void pack(std::string& out, Bytes plain, Compression method, int level, std::uint8_t sequence);

  // What was packed into `body`: never more than the header says, and valid until the next call and
  // while `body` is. Nothing when the body is not what the header says; servers answer that with
  // 1157, 08S01.
  std::optional<std::span<std::uint8_t>> unpack(const CompressedHeader& header,
                                                std::span<std::uint8_t> body, Compression method);

  static constexpr int kMaxLevel = 9;

 private:
  struct Contexts;

  std::span<std::uint8_t> room(std::size_t size);

  std::unique_ptr<Contexts> contexts_;
  std::unique_ptr<std::uint8_t[]> plain_;  // what the last unpack() shows
  std::size_t plain_size_ = 0;
};

}  // namespace weir::protocol
