// The part of Stream that packs and unpacks, for connections that agreed on compression.

#pragma once

#include <uv.h>

#include <string>

#include "protocol/compressed_stream.h"
#include "proxy/net/stream.h"

namespace weir {

// What the compressed streams of a worker share, so that an idle one owns nothing but counters.
struct CompressionShared {
  protocol::Compressor compressor;
  std::string plain;   // what is to be packed, put together
  std::string packed;  // the same, packed
};

struct Stream::Packing {
  Packing(const protocol::CompressedStream::Options& options, CompressionShared& worker)
      : packets(options), shared(worker) {}

  bool idle() const { return waiting.empty() && plain.empty(); }

  protocol::CompressedStream packets;
  CompressionShared& shared;
  // While there is anything here the socket is not read.
  std::string waiting;       // received, and not unpacked yet
  std::string plain;         // unpacked, and not wanted yet
  std::size_t plain_at = 0;  // how much of it was handed on
  bool unpacking = false;    // input is being handed on right now
  Resume* resume = nullptr;  // made when first needed
};

// Unpacks the rest when the loop comes round again. On the heap, because libuv may touch it until
// its close callback.
struct Stream::Resume {
  uv_timer_t timer;
  Stream* owner;
};

}  // namespace weir
