// The one way bytes from outside are read.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace weir::protocol {

using Bytes = std::span<const std::uint8_t>;

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A cursor over borrowed bytes that never reads past their end. Failure is sticky: after the first
// read that does not fit, every read returns zero or an empty view and ok() is false, so a decoder
// reads all its fields in the order of the specification and checks once. Views returned point into
// the bytes given and live as long as those.
//
// Integers are little-endian; see "Integer Types" and "String Types" of the protocol documentation.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  // True when every read fitted and nothing is left.
  bool complete() const { return ok_ && bytes_.empty(); }
  std::size_t remaining() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  std::uint8_t int1() { return static_cast<std::uint8_t>(fixed(1)); }
  std::uint16_t int2() { return static_cast<std::uint16_t>(fixed(2)); }
  std::uint32_t int3() { return static_cast<std::uint32_t>(fixed(3)); }
  std::uint32_t int4() { return static_cast<std::uint32_t>(fixed(4)); }
  std::uint64_t int6() { return fixed(6); }
  std::uint64_t int8() { return fixed(8); }

  // A length-encoded integer. 0xfb (NULL in rows) and 0xff (the head of an error) are no integers.
  std::uint64_t lenenc_int() {
    const std::uint8_t first = int1();
    if (first < 0xfb) return first;
    if (first == 0xfc) return int2();
    if (first == 0xfd) return int3();
    if (first == 0xfe) return int8();
    return fail();
  }

  // Exactly `count` bytes.
  Bytes bytes(std::uint64_t count) {
    if (!ok_ || count > bytes_.size()) {
      fail();
      return {};
    }
    const Bytes taken = bytes_.first(static_cast<std::size_t>(count));
    bytes_ = bytes_.subspan(static_cast<std::size_t>(count));
    return taken;
  }
  std::string_view text(std::uint64_t count) { return as_text(bytes(count)); }
  Bytes lenenc_bytes() { return bytes(lenenc_int()); }
  std::string_view lenenc_text() { return as_text(lenenc_bytes()); }

  // Text up to a NUL byte, which is consumed and not returned. No NUL before the end is a failure.
  std::string_view nul_text() {
    if (!ok_ || bytes_.empty()) {
      fail();
      return {};
    }
    const void* nul = std::memchr(bytes_.data(), 0, bytes_.size());
    if (nul == nullptr) {
      fail();
      return {};
    }
    const auto length =
        static_cast<std::size_t>(static_cast<const std::uint8_t*>(nul) - bytes_.data());
    const std::string_view taken = text(length);
    skip(1);
    return taken;
  }

  // All that is left.
  Bytes rest() { return bytes(ok_ ? bytes_.size() : 0); }
  void skip(std::uint64_t count) { bytes(count); }

  // Marks the input as malformed, for checks that the decoder makes itself. Returns 0.
  std::uint64_t fail() {
    ok_ = false;
    bytes_ = {};
    return 0;
  }

 private:
  std::uint64_t fixed(std::size_t count) {
    const Bytes taken = bytes(count);
    std::uint64_t value = 0;
    for (std::size_t i = taken.size(); i-- > 0;) value = (value << 8) | taken[i];
    return value;
  }

  Bytes bytes_;
  bool ok_ = true;
};

}  // namespace weir::protocol
