// Where the statement of a COM_QUERY begins. The layouts are those that MySQL 9.7 was seen to take.

#include "protocol/query_attributes.h"

#include "protocol/byte_writer.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::ExactBytes;
using test::from_hex;

// A COM_QUERY with one attribute called "a".
std::string with_attribute(std::uint8_t type, const std::string& value, bool null = false) {
  std::string out = from_hex("03 01 01") + (null ? '\1' : '\0') + '\1';
  ByteWriter(out).int1(type).int1(0).lenenc_text("a").text(value).text("SELECT 1");
  return out;
}

std::optional<std::string> text_of(const std::string& payload) {
  const ExactBytes exact(payload);
  const auto text = query_text(exact, kQueryAttributes);
  if (!text) return std::nullopt;
  return std::string(as_text(*text));
}

TEST_CASE("query attributes: without the capability all is text") {
  const ExactBytes payload(from_hex("03 00 01") + "SELECT 1");
  CHECK(as_text(*query_text(payload, 0)) == from_hex("00 01") + "SELECT 1");
}

TEST_CASE("query attributes: none") {
  CHECK(text_of(from_hex("03 00 01") + "SELECT 1") == "SELECT 1");
  CHECK(text_of(from_hex("03 00 01")) == "");
}

TEST_CASE("query attributes: values of every type that clients send") {
  const struct {
    std::vector<std::uint8_t> types;
    const char* value;
  } rows[] = {
      {{1}, "01"},
      {{2}, "0100"},
      {{3, 4}, "01000000"},
      {{5, 8}, "0100000000000000"},
      {{7, 10, 12}, "00"},
      {{7, 10, 12}, "04 da07 0a 11"},
      {{7, 10, 12}, "07 da07 0a 11 13 1b 1e"},
      {{7, 10, 12}, "0b da07 0a 11 13 1b 1e 01000000"},
      {{7, 10, 12}, "0d da07 0a 11 13 1b 1e 01000000 3c00"},
      {{11}, "00"},
      {{11}, "08 01 78000000 13 1b 1e"},
      {{11}, "0c 01 78000000 13 1b 1e 01000000"},
      {{0, 15, 16, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255}, "02 6869"},
      {{254}, "00"},
      {{254}, "fc 0300 616263"},
      {{254}, "fd 030000 616263"},
      {{254}, "fe 0300000000000000 616263"},
  };
  for (const auto& row : rows) {
    for (const std::uint8_t type : row.types) {
      INFO("type " << int{type} << ", value " << row.value);
      const std::string payload = with_attribute(type, from_hex(row.value));
      CHECK(text_of(payload) == "SELECT 1");
      // Cut anywhere in front of the text.
      for (std::size_t size = 0; size < payload.size() - 8; ++size)
        CHECK_FALSE(text_of(payload.substr(0, size)));
      CHECK(text_of(with_attribute(type, "", true)) == "SELECT 1");
    }
  }
}

TEST_CASE("query attributes: many of them") {
  for (const int count : {2, 8, 9, 300}) {
    std::string payload = "\3";
    ByteWriter writer(payload);
    writer.lenenc_int(static_cast<std::uint64_t>(count)).int1(1);
    for (int byte = 0; byte < (count + 7) / 8; ++byte) writer.int1(0xaa);  // every other is NULL
    writer.int1(1);
    for (int i = 0; i < count; ++i) writer.int2(254).lenenc_text(std::to_string(i));
    for (int i = 0; i < count; i += 2) writer.lenenc_text("value");
    CHECK(text_of(payload + "DO 1") == "DO 1");
  }
}

TEST_CASE("query attributes: what no text can be found in for certain") {
  const struct {
    const char* why;
    std::string payload;
  } rows[] = {
      {"nothing", from_hex("03")},
      {"no count of sets", from_hex("03 00")},
      {"no set", from_hex("03 00 00") + "SELECT 1"},
      {"two sets", from_hex("03 01 02 00 01 fe00 0161 0168") + "SELECT 1"},
      {"a count that is no number", from_hex("03 ff 01") + "SELECT 1"},
      {"a count that is NULL", from_hex("03 fb 01") + "SELECT 1"},
      {"a huge count", from_hex("03 feffffffffffffffff 01") + std::string(100, '\0')},
      {"a count beyond the packet", from_hex("03 fcffff 01") + std::string(100, '\0')},
      {"no types", from_hex("03 01 01 00 00 0168") + "SELECT 1"},
      {"a name beyond the packet", from_hex("03 01 01 00 01 fe00 fa6162")},
      {"a name that is NULL", from_hex("03 01 01 00 01 fe00 fb") + "SELECT 1"},
      {"a value beyond the packet", with_attribute(254, from_hex("50 6162"))},
      {"a value of no length", with_attribute(254, from_hex("fb"))},
      {"a date of a strange length", with_attribute(12, from_hex("05 0102030405"))},
      {"a time of a strange length", with_attribute(11, from_hex("09 010203040506070809"))},
  };
  for (const auto& row : rows) {
    INFO(row.why);
    CHECK_FALSE(text_of(row.payload));
  }
  for (const int type : {6, 9, 13, 14, 17, 20, 21, 127, 240, 242, 243, 244}) {
    INFO("type " << type);
    CHECK_FALSE(text_of(with_attribute(static_cast<std::uint8_t>(type), from_hex("0100000000"))));
  }
}

TEST_CASE("query attributes: a query of one's own") {
  std::string plain;
  append_query(plain, "SET @a = 1", 0);
  CHECK(plain == from_hex("0b0000 00 03") + "SET @a = 1");
  std::string with;
  append_query(with, "SET @a = 1", kQueryAttributes);
  CHECK(with == from_hex("0d0000 00 03 00 01") + "SET @a = 1");
  CHECK(text_of(with.substr(4)) == "SET @a = 1");
}

}  // namespace
}  // namespace weir::protocol
