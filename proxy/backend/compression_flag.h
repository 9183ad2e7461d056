// What a server must agree to for a connection to be compressed.

#pragma once

#include "protocol/capabilities.h"
#include "protocol/compression.h"

namespace weir {

// 0 for none.
inline protocol::Capabilities compression_flag(protocol::Compression method) {
  switch (method) {
    case protocol::Compression::zlib:
      return protocol::kCompress;
    case protocol::Compression::zstd:
      return protocol::kZstdCompression;
    case protocol::Compression::none:
      break;
  }
  return 0;
}

}  // namespace weir
