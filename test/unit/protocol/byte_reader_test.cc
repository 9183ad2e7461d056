#include "protocol/byte_reader.h"

#include "protocol/byte_writer.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::ExactBytes;
using test::from_hex;
using test::to_hex;

TEST_CASE("byte reader: integers are little-endian") {
  const ExactBytes bytes(from_hex("01 0203 040506 0708090a 0b0c0d0e0f10 1112131415161718"));
  ByteReader in(bytes);
  CHECK(in.int1() == 0x01);
  CHECK(in.int2() == 0x0302);
  CHECK(in.int3() == 0x060504);
  CHECK(in.int4() == 0x0a090807);
  CHECK(in.int6() == 0x100f0e0d0c0b);
  CHECK(in.int8() == 0x1817161514131211);
  CHECK(in.complete());
}

struct Lenenc {
  const char* hex;
  std::uint64_t value;
};

constexpr Lenenc kLenencs[] = {
    {"00", 0},
    {"fa", 250},
    {"fcfb00", 251},
    {"fcffff", 0xffff},
    {"fd000001", 0x10000},
    {"fdffffff", 0xffffff},
    {"fe0000000100000000", 0x1000000},
    {"feffffffffffffffff", UINT64_MAX},
};

TEST_CASE("byte reader and writer: length-encoded integers") {
  for (const Lenenc& c : kLenencs) {
    INFO(c.hex);
    const std::string bytes = from_hex(c.hex);
    const ExactBytes exact(bytes);
    ByteReader in(exact);
    CHECK(in.lenenc_int() == c.value);
    CHECK(in.complete());
    std::string written;
    ByteWriter(written).lenenc_int(c.value);
    CHECK(to_hex(written) == c.hex);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const ExactBytes cut(bytes.substr(0, size));
      ByteReader half(cut);
      CHECK(half.lenenc_int() == 0);
      CHECK_FALSE(half.ok());
    }
  }
  for (const char* none : {"fb", "ff"}) {
    const ExactBytes exact(from_hex(none) + "12345678");
    ByteReader in(exact);
    CHECK(in.lenenc_int() == 0);
    CHECK_FALSE(in.ok());
  }
}

TEST_CASE("byte reader: texts") {
  const ExactBytes bytes(std::string("ab\0\2cd\0efg", 10));
  ByteReader in(bytes);
  CHECK(in.nul_text() == "ab");
  CHECK(in.lenenc_text() == "cd");
  CHECK(in.nul_text().empty());
  CHECK(in.ok());
  CHECK(in.text(1) == "e");
  CHECK(as_text(in.rest()) == "fg");
  CHECK(in.complete());
  CHECK(in.rest().empty());
  CHECK(in.ok());
}

TEST_CASE("byte reader: failure stays") {
  using Read = void (*)(ByteReader&);
  const Read reads[] = {
      [](ByteReader& in) { in.int4(); },
      [](ByteReader& in) { in.int8(); },
      [](ByteReader& in) { in.int6(); },
      [](ByteReader& in) { in.bytes(4); },
      [](ByteReader& in) { in.bytes(UINT64_MAX); },
      [](ByteReader& in) { in.nul_text(); },
      [](ByteReader& in) { in.skip(4); },
      [](ByteReader& in) { in.lenenc_text(); },
      [](ByteReader& in) { in.fail(); },
  };
  for (const Read read : reads) {
    const ExactBytes bytes("\x09xy");
    ByteReader in(bytes);
    read(in);
    CHECK_FALSE(in.ok());
    CHECK_FALSE(in.complete());
    CHECK(in.empty());
    CHECK(in.int1() == 0);
    CHECK(in.bytes(0).empty());
    CHECK(in.rest().empty());
    CHECK_FALSE(in.ok());
  }
}

TEST_CASE("byte writer: every field") {
  std::string out;
  ByteWriter(out).int1(0x101).int2(0x0302).int3(0x060504).int4(0x0a090807).int8(0x1211100f0e0d0c0b);
  ByteWriter(out).lenenc_text("hi").nul_text("yo").zeros(2).bytes(as_bytes("!"));
  CHECK(to_hex(out) ==
        "010203040506070809"
        "0a0b0c0d0e0f101112"
        "026869"
        "796f00"
        "0000"
        "21");
}

TEST_CASE("byte writer: no text hides another behind a NUL") {
  std::string out;
  ByteWriter(out).nul_text(std::string_view("ad\0min", 6));
  CHECK(to_hex(out) == "616400");
}

}  // namespace
}  // namespace weir::protocol
