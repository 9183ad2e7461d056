// The part of BackendConnection that compresses.

#include <fmt/format.h>

#include "proxy/backend/backend_connection.h"
#include "proxy/backend/compression_flag.h"

namespace weir {

// False when the server has not agreed to what the configuration wants.
bool BackendConnection::begin_compression() {
  using protocol::Compression;
  if (options_.compression == Compression::none) return true;
  if ((capabilities_ & compression_flag(options_.compression)) == 0) {
    const bool zstd = options_.compression == Compression::zstd;
    fail(BackendFailure::Kind::refused,
         fmt::format("the server has no compression with {0}; change compression = \"{0}\" in its "
                     "[[server]] section",
                     zstd ? "zstd" : "zlib"));
    return false;
  }
  stream_.enable_compression(
      {protocol::CompressedStream::Side::client, options_.compression, protocol::kZstdLevel},
      *options_.shared);
  return true;
}

void BackendConnection::send(std::span<const Bytes> slices) {
  stream_.write(slices);
  // The answer to a command of several packets, or to a file, has a number that follows theirs.
  const auto first = stream_.continued_answer();
  if (first && !expected_.empty()) expected_.back().tracker.renumber(*first);
}

}  // namespace weir
