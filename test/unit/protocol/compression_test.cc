// Packing and unpacking of single compressed packets.

#include "protocol/compression.h"

#include <random>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::from_hex;
using test::to_hex;

constexpr Compression kMethods[] = {Compression::zlib, Compression::zstd};

std::span<std::uint8_t> writable(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

std::optional<std::string> unpack(Compressor& compressor, std::string packet, Compression method) {
  const CompressedHeader header = read_compressed_header(as_bytes(packet));
  std::string body = packet.substr(kCompressedHeaderSize);
  const auto plain = compressor.unpack(header, writable(body), method);
  if (!plain) return std::nullopt;
  return std::string(as_text(*plain));
}

std::string noise(std::size_t size) {
  std::mt19937 random(11);
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(random()));
  return out;
}

// As Python's zlib packs it; MySQL 9.7 and MariaDB 10.11 take it.
TEST_CASE("compression: a packet made by another program") {
  const std::string packet = from_hex(
      "31000000320000789cd3636060600e76f571750e51284a2d484d2cd1504a8403251d0553"
      "4d1d05432363135333730b4b03200b0040ba0c62");
  Compressor compressor;
  CHECK(unpack(compressor, packet, Compression::zlib) ==
        from_hex("2e00000003") + "SELECT repeat(\"aaaaaaaaaa\", 5), 1234567890123");
}

TEST_CASE("compression: what is packed is unpacked") {
  Compressor compressor;
  for (const Compression method : kMethods) {
    for (const std::size_t size : {0u, 1u, 49u, 50u, 51u, 4096u, 70000u, 1u << 20, 0xffffffu}) {
      for (const std::string& plain : {std::string(size, 'a'), noise(size)}) {
        std::string packet = "before";
        compressor.pack(packet, as_bytes(plain), method, 3, 7);
        packet.erase(0, 6);
        const CompressedHeader header = read_compressed_header(as_bytes(packet));
        INFO(size << " bytes, packed " << header.length);
        CHECK(header.sequence == 7);
        CHECK(packet.size() == kCompressedHeaderSize + header.length);
        if (size < 50) CHECK(header.plain_length == 0);
        if (header.plain_length != 0) CHECK(header.length < header.plain_length);
        CHECK(unpack(compressor, packet, method) == plain);
      }
    }
  }
}

TEST_CASE("compression: noise is stored") {
  Compressor compressor;
  for (const Compression method : kMethods) {
    std::string packet;
    compressor.pack(packet, as_bytes(noise(5000)), method, 3, 0);
    CHECK(to_hex(packet.substr(0, 7)) == "88130000000000");
  }
}

TEST_CASE("compression: any level will do") {
  Compressor compressor;
  for (const int level : {-5, 0, 1, 9, 22, 255}) {
    std::string packet;
    compressor.pack(packet, as_bytes(std::string(5000, 'x')), Compression::zstd, level, 0);
    CHECK(unpack(compressor, packet, Compression::zstd) == std::string(5000, 'x'));
  }
}

TEST_CASE("compression: a body that is not what its header says") {
  Compressor compressor;
  for (const Compression method : kMethods) {
    std::string good;
    compressor.pack(good, as_bytes(std::string(1000, 'x')), method, 3, 0);
    REQUIRE(unpack(compressor, good, method));
    const auto with_plain_length = [&](std::size_t length) {
      std::string packet = good;
      packet[4] = static_cast<char>(length & 0xff);
      packet[5] = static_cast<char>(length >> 8);
      return packet;
    };
    CHECK_FALSE(unpack(compressor, with_plain_length(999), method));
    CHECK_FALSE(unpack(compressor, with_plain_length(1001), method));
    CHECK_FALSE(unpack(compressor, with_plain_length(1), method));
    CHECK_FALSE(unpack(compressor, with_plain_length(0xffff), method));
    for (std::size_t size = kCompressedHeaderSize; size < good.size(); ++size)
      CHECK_FALSE(unpack(compressor, good.substr(0, size), method));
    CHECK_FALSE(unpack(compressor, from_hex("14000000 640000") + std::string(20, 'x'), method));
    const Compression other = method == Compression::zlib ? Compression::zstd : Compression::zlib;
    CHECK_FALSE(unpack(compressor, good, other));
    // A failure leaves nothing behind.
    CHECK(unpack(compressor, good, method) == std::string(1000, 'x'));
  }
}

TEST_CASE("compression: a bomb stays within what it declares") {
  Compressor compressor;
  for (const Compression method : kMethods) {
    std::string bomb;
    compressor.pack(bomb, as_bytes(std::string(kMaxPackable, '\0')), method, 3, 0);
    CHECK(bomb.size() < 20000);
    const std::size_t plain = unpack(compressor, bomb, method)->size();
    CHECK(plain == kMaxPackable);
    bomb[6] = 0;  // and now it says 64 KiB
    CHECK_FALSE(unpack(compressor, bomb, method));
  }
}

TEST_CASE("compression: the method that is agreed on") {
  CHECK(compression_of(0) == Compression::none);
  CHECK(compression_of(kProtocol41 | kCompress) == Compression::zlib);
  CHECK(compression_of(kZstdCompression) == Compression::zstd);
  CHECK(compression_of(kZstdCompression | kCompress) == Compression::zlib);
}

}  // namespace
}  // namespace weir::protocol
