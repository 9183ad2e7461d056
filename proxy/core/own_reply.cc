#include "proxy/core/own_reply.h"

#include <charconv>

#include "protocol/byte_reader.h"

namespace weir {

std::optional<std::uint64_t> single_number(std::string_view frames) {
  // Column count, definition, perhaps an EOF, the row, the end: the row is the last but one.
  protocol::ByteReader in(protocol::as_bytes(frames));
  std::string_view row;
  std::string_view last;
  while (in.ok() && !in.empty()) {
    const std::uint32_t length = in.int3();
    in.skip(1);
    row = last;
    last = in.text(length);
  }
  if (!in.ok() || row.empty()) return std::nullopt;
  protocol::ByteReader value(protocol::as_bytes(row));
  const std::string_view digits = value.lenenc_text();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (!value.complete() || error != std::errc() || end != digits.data() + digits.size() ||
      digits.empty()) {
    return std::nullopt;
  }
  return number;
}

}  // namespace weir
