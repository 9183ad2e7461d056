#include "proxy/core/own_reply.h"

#include <charconv>

#include "protocol/byte_reader.h"

namespace weir {

std::vector<std::optional<std::string>> single_row(std::string_view frames) {
  // Column count, definitions, perhaps an EOF, the row, the end: the row is the last but one.
  protocol::ByteReader in(protocol::as_bytes(frames));
  std::string_view row;
  std::string_view last;
  while (in.ok() && !in.empty()) {
    const std::uint32_t length = in.int3();
    in.skip(1);
    row = last;
    last = in.text(length);
  }
  if (!in.ok() || row.empty()) return {};
  constexpr std::uint8_t kNull = 0xfb;
  std::vector<std::optional<std::string>> values;
  protocol::ByteReader cells(protocol::as_bytes(row));
  while (cells.ok() && !cells.empty()) {
    if (static_cast<std::uint8_t>(row[row.size() - cells.remaining()]) == kNull) {
      cells.skip(1);
      values.emplace_back();
    } else {
      values.emplace_back(cells.lenenc_text());
    }
  }
  if (!cells.ok()) values.clear();
  return values;
}

std::optional<std::uint64_t> single_number(std::string_view frames) {
  const auto values = single_row(frames);
  if (values.size() != 1 || !values[0] || values[0]->empty()) return std::nullopt;
  const std::string& digits = *values[0];
  const char* end = digits.data() + digits.size();
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace weir
