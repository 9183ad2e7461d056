// The one way packets are written.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/byte_reader.h"

namespace weir::protocol {

// Appends protocol types to a string that the caller owns. Integers are little-endian.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  ByteWriter& int1(std::uint64_t value) { return fixed(value, 1); }
  ByteWriter& int2(std::uint64_t value) { return fixed(value, 2); }
  ByteWriter& int3(std::uint64_t value) { return fixed(value, 3); }
  ByteWriter& int4(std::uint64_t value) { return fixed(value, 4); }
  ByteWriter& int8(std::uint64_t value) { return fixed(value, 8); }

  ByteWriter& lenenc_int(std::uint64_t value) {
    if (value < 0xfb) return int1(value);
    if (value <= 0xffff) return int1(0xfc).int2(value);
    if (value <= 0xffffff) return int1(0xfd).int3(value);
    return int1(0xfe).int8(value);
  }

  ByteWriter& bytes(Bytes bytes) { return text(as_text(bytes)); }
  ByteWriter& text(std::string_view text) {
    out_.append(text);
    return *this;
  }
  ByteWriter& lenenc_text(std::string_view value) { return lenenc_int(value.size()).text(value); }
  // `value` must hold no NUL byte; what follows one is not written, so that the reader's view
  // agrees.
  ByteWriter& nul_text(std::string_view value) {
    return text(value.substr(0, value.find('\0'))).int1(0);
  }
  ByteWriter& zeros(std::size_t count) {
    out_.append(count, '\0');
    return *this;
  }

 private:
  ByteWriter& fixed(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) out_.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
    return *this;
  }

  std::string& out_;
};

}  // namespace weir::protocol
