#include "protocol/result_set.h"

#include <algorithm>

#include "protocol/byte_writer.h"
#include "protocol/frame.h"
#include "protocol/response.h"

namespace weir::protocol {
namespace {

constexpr std::uint8_t kNull = 0xfb;
constexpr std::uint16_t kUtf8mb4 = 45;  // utf8mb4_general_ci, which every client knows
constexpr std::uint16_t kBinary = 63;   // what numbers have
constexpr std::uint16_t kBinaryFlag = 1u << 7;

struct TypeTraits {
  std::uint16_t collation;
  std::uint16_t flags;
  std::uint8_t decimals;
  std::uint32_t least_length;  // of the values, in bytes, for clients that set aside room for them
};

TypeTraits traits_of(ColumnType type) {
  constexpr std::uint8_t kAnyDecimals = 31;
  switch (type) {
    case ColumnType::integer:
      return {kBinary, kBinaryFlag, 0, 20};
    case ColumnType::real:
      return {kBinary, kBinaryFlag, kAnyDecimals, 22};
    case ColumnType::text:
      break;
  }
  return {kUtf8mb4, 0, 0, 1};
}

std::uint32_t longest_value(const ResultSet& set, std::size_t column) {
  std::size_t longest = 0;
  for (const auto& row : set.rows) {
    if (row[column]) longest = std::max(longest, row[column]->size());
  }
  return static_cast<std::uint32_t>(std::min<std::size_t>(longest, UINT32_MAX));
}

std::string definition(const ResultSet& set, std::size_t column, Capabilities capabilities) {
  constexpr std::uint8_t kFixedFields = 12;  // how many bytes follow it
  const auto& [name, type] = set.columns[column];
  const TypeTraits traits = traits_of(type);
  std::string out;
  ByteWriter writer(out);
  writer.lenenc_text("def").lenenc_text("").lenenc_text("").lenenc_text("");
  writer.lenenc_text(name).lenenc_text("");
  if ((capabilities & kMariadbExtendedMetadata) != 0) writer.lenenc_text("");
  writer.int1(kFixedFields);
  writer.int2(traits.collation).int4(std::max(traits.least_length, longest_value(set, column)));
  writer.int1(static_cast<std::uint8_t>(type)).int2(traits.flags).int1(traits.decimals).zeros(2);
  return out;
}

std::string row_payload(const ResultSet::Row& row) {
  std::string out;
  ByteWriter writer(out);
  for (const auto& value : row) {
    if (value) {
      writer.lenenc_text(*value);
    } else {
      writer.int1(kNull);
    }
  }
  return out;
}

std::string end_payload(ServerStatus status, Capabilities capabilities) {
  std::string out;
  if ((capabilities & kDeprecateEof) == 0) {
    append_eof(out, {0, status});
  } else {
    OkPacket ok;
    ok.head = kEofHead;
    ok.status = status;
    append_ok(out, ok, capabilities);
  }
  return out;
}

}  // namespace

void append_result_set(std::string& out, const ResultSet& set, ServerStatus status,
                       Capabilities capabilities, std::uint8_t& sequence) {
  std::string count;
  ByteWriter(count).lenenc_int(set.columns.size());
  append_frames(out, count, sequence);
  for (std::size_t i = 0; i < set.columns.size(); ++i) {
    append_frames(out, definition(set, i, capabilities), sequence);
  }
  // With kDeprecateEof nothing stands between the definitions and the rows.
  if ((capabilities & kDeprecateEof) == 0) {
    append_frames(out, end_payload(status, capabilities), sequence);
  }
  for (const auto& row : set.rows) append_frames(out, row_payload(row), sequence);
  append_frames(out, end_payload(status, capabilities), sequence);
}

}  // namespace weir::protocol
