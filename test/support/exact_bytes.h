// Bytes for decoders under test.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/byte_reader.h"

namespace weir::test {

// A copy in a heap block of exactly its size, so that the address sanitizer sees a read past its
// end by one byte.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view text)
      : data_(new std::uint8_t[text.size()]), size_(text.size()) {
    std::copy(text.begin(), text.end(), data_.get());
  }
  explicit ExactBytes(protocol::Bytes bytes) : ExactBytes(protocol::as_text(bytes)) {}

  std::span<std::uint8_t> writable() { return {data_.get(), size_}; }
  operator protocol::Bytes() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_;
};

// "0a ff" as two bytes. Blanks are skipped.
inline std::string from_hex(std::string_view hex) {
  std::string digits;
  std::copy_if(hex.begin(), hex.end(), std::back_inserter(digits), [](char c) { return c != ' '; });
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

template <typename Range>
std::string to_hex(const Range& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const auto byte : bytes) {
    hex.push_back(kDigits[(static_cast<unsigned>(byte) >> 4) & 0xf]);
    hex.push_back(kDigits[static_cast<unsigned>(byte) & 0xf]);
  }
  return hex;
}

}  // namespace weir::test
