#include "proxy/core/process_list.h"

#include <charconv>

#include "protocol/byte_writer.h"
#include "protocol/frame.h"

namespace weir {
namespace {

using protocol::ByteReader;
using protocol::Bytes;
using protocol::ByteWriter;

constexpr std::uint8_t kLongLong = 8;

// Protocol documentation: "Protocol::ColumnDefinition41". Behind the names come 12 bytes: character
// set (2), length (4), type (1), flags (2), decimals (1), filler (2).
std::uint8_t column_type(Bytes payload) {
  constexpr std::size_t kFromEnd = 6;
  return payload.size() < 12 ? std::uint8_t{0} : payload[payload.size() - kFromEnd];
}

}  // namespace

void ProcessList::add(const std::vector<HeldThread>& threads) {
  threads_.insert(threads_.end(), threads.begin(), threads.end());
}

void ProcessList::begin(const HeldThread& own) {
  columns_ = 0;
  sessions_.clear();
  for (const HeldThread& held : threads_) {
    if (held.server == own.server) sessions_[held.thread_id] = held.session;
  }
  sessions_[own.thread_id] = own.session;  // whoever had it before
}

void ProcessList::on_definition(Bytes packet) {
  if (columns_ == 0) id_type_ = column_type(packet.subspan(protocol::kFrameHeaderSize));
  ++columns_;
}

// 0: none's.
std::uint32_t ProcessList::session_of(std::uint64_t thread_id) const {
  if (thread_id > UINT32_MAX) return 0;
  const auto found = sessions_.find(static_cast<std::uint32_t>(thread_id));
  return found != sessions_.end() ? found->second : 0;
}

std::string ProcessList::translated(Bytes packet, bool binary) const {
  const Bytes payload = packet.subspan(protocol::kFrameHeaderSize);
  const std::string row = binary ? translated_binary(payload) : translated_text(payload);
  return row.empty() ? row : protocol::with_payload(packet, row);
}

// Protocol documentation: "Text Resultset Row".
std::string ProcessList::translated_text(Bytes payload) const {
  ByteReader in(payload);
  const std::string_view digits = in.lenenc_text();
  std::uint64_t thread_id = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), thread_id);
  if (!in.ok() || error != std::errc() || end != digits.data() + digits.size()) return {};
  const std::uint32_t session = session_of(thread_id);
  if (session == 0) return {};
  std::string row;
  ByteWriter(row).lenenc_text(std::to_string(session)).bytes(in.rest());
  return row;
}

// Protocol documentation: "Binary Protocol Resultset Row".
//
//   0x00 | null bitmap, of which two bits are not used | values
//   1    | (columns + 9) / 8                           |
std::string ProcessList::translated_binary(Bytes payload) const {
  constexpr std::uint8_t kFirstIsNull = 1u << 2;
  const std::size_t head = 1 + (columns_ + 9) / 8;
  ByteReader in(payload);
  const Bytes front = in.bytes(head);
  const std::uint64_t thread_id = in.int8();
  if (!in.ok() || id_type_ != kLongLong || (front[1] & kFirstIsNull) != 0) return {};
  const std::uint32_t session = session_of(thread_id);
  if (session == 0) return {};
  std::string row;
  ByteWriter(row).bytes(front).int8(session).bytes(in.rest());
  return row;
}

}  // namespace weir
