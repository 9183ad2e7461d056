#include "protocol/query_attributes.h"

#include <algorithm>

#include "protocol/command.h"
#include "protocol/frame.h"

namespace weir::protocol {
namespace {

// More than this no server allows.
constexpr std::uint64_t kMaxParameters = 0xffff;

// An attribute count and the count of value sets, of which there is always one.
constexpr std::string_view kNoAttributes("\0\1", 2);

bool is_one_of(std::uint64_t value, std::initializer_list<std::uint64_t> values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// A date or time comes with its own length, of which only some are meaningful.
void skip_temporal(ByteReader& in, std::initializer_list<std::uint64_t> lengths) {
  const std::uint8_t length = in.int1();
  if (!is_one_of(length, lengths)) in.fail();
  in.skip(length);
}

// Passes over one value. Types that no client library sends (INT24, YEAR, NULL and the server's
// internal ones) are not read alike by every server, so they fail.
void skip_value(ByteReader& in, std::uint8_t type) {
  switch (type) {
    case 1:  // TINY
      return in.skip(1);
    case 2:  // SHORT
      return in.skip(2);
    case 3:  // LONG
    case 4:  // FLOAT
      return in.skip(4);
    case 5:  // DOUBLE
    case 8:  // LONGLONG
      return in.skip(8);
    case 7:   // TIMESTAMP
    case 10:  // DATE
    case 12:  // DATETIME; 13 with a time zone
      return skip_temporal(in, {0, 4, 7, 11, 13});
    case 11:  // TIME
      return skip_temporal(in, {0, 8, 12});
    case 0:    // DECIMAL
    case 15:   // VARCHAR
    case 16:   // BIT
    case 245:  // JSON
    case 246:  // NEWDECIMAL
    case 247:  // ENUM
    case 248:  // SET
    case 249:  // TINY_BLOB
    case 250:  // MEDIUM_BLOB
    case 251:  // LONG_BLOB
    case 252:  // BLOB
    case 253:  // VAR_STRING
    case 254:  // STRING
    case 255:  // GEOMETRY
      in.lenenc_bytes();
      return;
    default:
      in.fail();
  }
}

}  // namespace

// for each parameter:
// int<2>          type; the upper byte says whether it is unsigned
// string<lenenc>  name, if QUERY_ATTRIBUTES
Bytes read_parameter_types(ByteReader& in, std::uint64_t count, Capabilities capabilities) {
  const std::uint64_t least = count * 2;
  if ((capabilities & kQueryAttributes) == 0) return in.bytes(least);
  if (count > kMaxParameters || least > in.remaining()) in.fail();
  ByteReader ahead = in;
  for (std::uint64_t i = 0; i < count && ahead.ok(); ++i) {
    ahead.skip(2);
    ahead.lenenc_bytes();
  }
  if (!ahead.ok()) in.fail();
  return in.bytes(in.remaining() - ahead.remaining());
}

// int<1>          0x03
// and if QUERY_ATTRIBUTES:
// int<lenenc>     number of attributes
// int<lenenc>     number of value sets, always 1
// and if there are attributes:
// string[(n+7)/8] which of them are NULL
// int<1>          types follow, never 0
// (types and names)
// (values of those that are not NULL)
// string<EOF>     statement
std::optional<Bytes> query_text(Bytes payload, Capabilities capabilities) {
  ByteReader in(payload);
  in.skip(1);
  if ((capabilities & kQueryAttributes) == 0) return in.rest();
  const std::uint64_t count = in.lenenc_int();
  const std::uint64_t sets = in.lenenc_int();
  if (!in.ok() || sets != 1 || count > kMaxParameters) return std::nullopt;
  if (count == 0) return in.rest();
  const Bytes nulls = in.bytes((count + 7) / 8);
  if (in.int1() == 0) in.fail();
  ByteReader types(read_parameter_types(in, count, capabilities));
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const auto type = static_cast<std::uint8_t>(types.int2() & 0xff);
    types.lenenc_bytes();
    const bool null = (nulls[i / 8] & (1u << (i % 8))) != 0;
    if (!null) skip_value(in, type);
  }
  if (!in.ok()) return std::nullopt;
  return in.rest();
}

void append_query(std::string& out, std::string_view sql, Capabilities capabilities) {
  const auto query = static_cast<std::uint8_t>(Command::query);
  if ((capabilities & kQueryAttributes) == 0) return append_command(out, query, sql);
  append_command(out, query, std::string(kNoAttributes).append(sql));
}

}  // namespace weir::protocol
