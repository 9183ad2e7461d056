#include "proxy/core/refused_write.h"

#include <charconv>

#include "protocol/byte_writer.h"
#include "protocol/frame.h"
#include "proxy/core/client_error.h"

namespace weir {
namespace {

using protocol::ByteReader;
using protocol::Bytes;
using protocol::ByteWriter;

constexpr std::string_view kError = "Error";

// 0 when it is no number.
std::uint16_t number(std::string_view digits) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() ? value : std::uint16_t{0};
}

// The columns are level, code and message. Protocol documentation: "Text Resultset Row".
std::string text_row(Bytes payload) {
  ByteReader in(payload);
  const std::string_view level = in.lenenc_text();
  const std::uint16_t code = number(in.lenenc_text());
  in.lenenc_text();
  if (!in.complete() || level != kError || !is_read_only_server(code)) return {};
  const ClientError error = errors::read_only_transaction();
  std::string row;
  ByteWriter(row)
      .lenenc_text(level)
      .lenenc_text(std::to_string(error.code))
      .lenenc_text(error.message);
  return row;
}

// Protocol documentation: "Binary Protocol Resultset Row". The code is an INT.
std::string binary_row(Bytes payload) {
  constexpr std::size_t kHead = 2;  // 0x00, and the null bitmap of three columns
  ByteReader in(payload);
  const Bytes head = in.bytes(kHead);
  const std::string_view level = in.lenenc_text();
  const std::uint32_t code = in.int4();
  in.lenenc_text();
  if (!in.complete() || level != kError || code > UINT16_MAX ||
      !is_read_only_server(static_cast<std::uint16_t>(code))) {
    return {};
  }
  const ClientError error = errors::read_only_transaction();
  std::string row;
  ByteWriter(row).bytes(head).lenenc_text(level).int4(error.code).lenenc_text(error.message);
  return row;
}

}  // namespace

// Server error reference: ER_OPTION_PREVENTS_STATEMENT, ER_READ_ONLY_MODE.
bool is_read_only_server(std::uint16_t code) {
  return code == 1290 || code == 1836;
}

std::string as_refused_by_transaction(Bytes packet, bool binary) {
  const Bytes payload = packet.subspan(protocol::kFrameHeaderSize);
  const std::string row = binary ? binary_row(payload) : text_row(payload);
  return row.empty() ? row : protocol::with_payload(packet, row);
}

}  // namespace weir
