#include "proxy/core/process_list.h"

#include <initializer_list>
#include <string>

#include "test/support/catch.h"
#include "test/support/packets.h"

namespace weir {
namespace {

using namespace std::string_literals;
using test::Packets;

constexpr std::uint32_t kOwn = (1u << 30) + 1;
constexpr std::uint32_t kOther = (1u << 30) + 2;

std::string definition(std::uint8_t type) {
  std::string out;
  protocol::ByteWriter writer(out);
  for (const char* name : {"def", "", "", "", "Id", ""}) writer.lenenc_text(name);
  writer.int1(12).int2(63).int4(22).int1(type).int2(0x81).int1(0).zeros(2);
  return Packets({}, 2).payload(out).bytes();
}

// The asking session has thread 12 of server 0 by now, the other one thread 7.
ProcessList list(std::uint8_t id_type = 8, int columns = 8) {
  ProcessList list;
  list.add({{0, 7, kOther}, {1, 8, kOther}});
  list.add({{0, 12, kOther}});
  list.begin({0, 12, kOwn});
  for (int i = 0; i < columns; ++i) {
    list.on_definition(protocol::as_bytes(definition(i == 0 ? id_type : 0xfd)));
  }
  return list;
}

std::string text_row(std::initializer_list<std::string_view> values) {
  return Packets({}, 200).text_row(values).bytes();
}

std::string binary_row(std::string_view bitmap, std::uint64_t id, std::string_view rest) {
  std::string out;
  protocol::ByteWriter(out).int1(0).text(bitmap).int8(id).text(rest);
  return Packets({}, 200).payload(out).bytes();
}

std::string translated(const ProcessList& list, std::string_view packet, bool binary = false) {
  return list.translated(protocol::as_bytes(packet), binary);
}

TEST_CASE("process list: threads of sessions have the sessions' ids") {
  CHECK(translated(list(), text_row({"7", "app", "SELECT 1"})) ==
        text_row({"1073741826", "app", "SELECT 1"}));
  CHECK(translated(list(), text_row({"12", "app"})) == text_row({"1073741825", "app"}));
}

TEST_CASE("process list: all other rows stay as they are") {
  CHECK(translated(list(), text_row({"8", "app"})) == "");  // of another server
  CHECK(translated(list(), text_row({"9", "app"})) == "");
  CHECK(translated(list(), text_row({"4294967303", "app"})) == "");
  for (const char* no_id : {"", "x", "7x", "-7", "99999999999999999999999"}) {
    CHECK(translated(list(), text_row({no_id, "app"})) == "");
  }
  CHECK(translated(list(), Packets().payload("\xfb\3app").bytes()) == "");
  CHECK(translated(list(), Packets().payload("\5").bytes()) == "");
}

TEST_CASE("process list: rows of prepared statements") {
  CHECK(translated(list(), binary_row("\0\2"s, 7, "\3app"), true) ==
        binary_row("\0\2"s, kOther, "\3app"));
  CHECK(translated(list(8, 15), binary_row("\0\0\0"s, 7, "\3app"), true) ==
        binary_row("\0\0\0"s, kOther, "\3app"));
  CHECK(translated(list(), binary_row("\0\2"s, 9, "\3app"), true) == "");
  CHECK(translated(list(), binary_row("\4\2"s, 7, "\3app"), true) == "");  // it is NULL
  CHECK(translated(list(3), binary_row("\0\2"s, 7, "\3app"), true) == "");
  CHECK(translated(list(), Packets().payload("\0\0\0\7"s).bytes(), true) == "");
}

TEST_CASE("process list: it may be asked again elsewhere") {
  ProcessList twice = list();
  twice.begin({1, 5, kOwn});
  CHECK(translated(twice, text_row({"5", "app"})) == text_row({"1073741825", "app"}));
  CHECK(translated(twice, text_row({"8", "app"})) == text_row({"1073741826", "app"}));
  CHECK(translated(twice, text_row({"7", "app"})) == "");
}

}  // namespace
}  // namespace weir
