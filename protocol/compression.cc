#include "protocol/compression.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <new>

#include "protocol/byte_writer.h"

namespace weir::protocol {
namespace {

// Shorter ones are stored, as all implementations do.
constexpr std::size_t kMinPacked = 50;

// More room than this is given back as soon as less will do.
constexpr std::size_t kKeptRoom = 256u << 10;

struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

template <class Context>
Context* made(Context* context) {
  if (context == nullptr) throw std::bad_alloc();
  return context;
}

// zlib's streams, made at the first use and then only reset.
struct Deflate {
  z_stream stream{};
  bool made = false;
  ~Deflate() {
    if (made) deflateEnd(&stream);
  }
  z_stream& fresh() {
    const int result = made ? deflateReset(&stream) : deflateInit(&stream, Z_DEFAULT_COMPRESSION);
    if (result != Z_OK) throw std::bad_alloc();
    made = true;
    return stream;
  }
};

struct Inflate {
  z_stream stream{};
  bool made = false;
  ~Inflate() {
    if (made) inflateEnd(&stream);
  }
  z_stream& fresh() {
    if ((made ? inflateReset(&stream) : inflateInit(&stream)) != Z_OK) throw std::bad_alloc();
    made = true;
    return stream;
  }
};

// Feeds `in` to a stream that has `out` for its results.
void connect(z_stream& stream, Bytes in, std::span<std::uint8_t> out) {
  stream.next_in = const_cast<std::uint8_t*>(in.data());
  stream.avail_in = static_cast<unsigned>(in.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<unsigned>(out.size());
}

}  // namespace

struct Compressor::Contexts {
  Deflate deflate;
  Inflate inflate;
  std::unique_ptr<ZSTD_CCtx, FreeZstd> zstd_out;
  std::unique_ptr<ZSTD_DCtx, FreeZstd> zstd_in;

  // These return the size of the result, or 0 when it does not fit or cannot be made.
  std::size_t pack_zlib(Bytes plain, std::span<std::uint8_t> out) {
    z_stream& stream = deflate.fresh();
    connect(stream, plain, out);
    return ::deflate(&stream, Z_FINISH) == Z_STREAM_END ? stream.total_out : 0;
  }
  std::size_t pack_zstd(Bytes plain, std::span<std::uint8_t> out, int level) {
    if (!zstd_out) zstd_out.reset(made(ZSTD_createCCtx()));
    const std::size_t size = ZSTD_compressCCtx(zstd_out.get(), out.data(), out.size(), plain.data(),
                                               plain.size(), std::clamp(level, 1, kMaxLevel));
    return ZSTD_isError(size) != 0 ? 0 : size;
  }
  std::size_t unpack_zlib(Bytes body, std::span<std::uint8_t> out) {
    z_stream& stream = inflate.fresh();
    connect(stream, body, out);
    return ::inflate(&stream, Z_FINISH) == Z_STREAM_END ? stream.total_out : 0;
  }
  std::size_t unpack_zstd(Bytes body, std::span<std::uint8_t> out) {
    if (!zstd_in) zstd_in.reset(made(ZSTD_createDCtx()));
    const std::size_t size =
        ZSTD_decompressDCtx(zstd_in.get(), out.data(), out.size(), body.data(), body.size());
    return ZSTD_isError(size) != 0 ? 0 : size;
  }
};

Compressor::Compressor() = default;
Compressor::~Compressor() = default;

Compression compression_of(Capabilities agreed) {
  if ((agreed & kCompress) != 0) return Compression::zlib;
  return (agreed & kZstdCompression) != 0 ? Compression::zstd : Compression::none;
}

CompressedHeader read_compressed_header(Bytes bytes) {
  ByteReader in(bytes);
  CompressedHeader header;
  header.length = in.int3();
  header.sequence = in.int1();
  header.plain_length = in.int3();
  return header;
}

void Compressor::pack(std::string& out, Bytes plain, Compression method, int level,
                      std::uint8_t sequence) {
  const std::size_t begin = out.size();
  std::size_t packed = 0;
  if (plain.size() >= kMinPacked && method != Compression::none) {
    if (!contexts_) contexts_ = std::make_unique<Contexts>();
    // One byte less than it was: what does not become smaller is stored.
    out.resize(begin + kCompressedHeaderSize + plain.size() - 1);
    const std::span<std::uint8_t> room(
        reinterpret_cast<std::uint8_t*>(out.data()) + begin + kCompressedHeaderSize,
        plain.size() - 1);
    packed = method == Compression::zlib ? contexts_->pack_zlib(plain, room)
                                         : contexts_->pack_zstd(plain, room, level);
  }
  std::string header;
  ByteWriter(header)
      .int3(packed > 0 ? packed : plain.size())
      .int1(sequence)
      .int3(packed > 0 ? plain.size() : 0);
  out.resize(begin + (packed > 0 ? kCompressedHeaderSize + packed : 0));
  if (packed > 0) {
    out.replace(begin, kCompressedHeaderSize, header);
  } else {
    out.append(header).append(as_text(plain));
  }
}

std::optional<std::span<std::uint8_t>> Compressor::unpack(const CompressedHeader& header,
                                                          std::span<std::uint8_t> body,
                                                          Compression method) {
  if (header.plain_length == 0) return body;
  if (!contexts_) contexts_ = std::make_unique<Contexts>();
  const std::span<std::uint8_t> out = room(header.plain_length);
  const std::size_t size = method == Compression::zlib ? contexts_->unpack_zlib(body, out)
                                                       : contexts_->unpack_zstd(body, out);
  if (size != out.size()) return std::nullopt;
  return out;
}

std::span<std::uint8_t> Compressor::room(std::size_t size) {
  const bool too_much = plain_size_ > kKeptRoom && size <= kKeptRoom;
  if (size > plain_size_ || too_much) {
    plain_.reset();
    plain_size_ = std::max<std::size_t>(size, 64u << 10);
    plain_.reset(new std::uint8_t[plain_size_]);
  }
  return {plain_.get(), size};
}

}  // namespace weir::protocol
