#include "protocol/response.h"

#include <vector>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"
#include "test/support/packets.h"

namespace weir::protocol {
namespace {

using test::change_entry;
using test::ExactBytes;
using test::from_hex;
using test::lenenc;
using test::to_hex;
using Type = SessionChangeType;
using namespace std::string_literals;

std::string encoded(const OkPacket& ok, Capabilities capabilities) {
  std::string out;
  append_ok(out, ok, capabilities);
  return out;
}

TEST_CASE("OK: the fields of a plain packet") {
  const ExactBytes bytes(from_hex("00 fcfb00 07 0300 0200"));
  const auto ok = decode_ok(bytes, kProtocol41);
  REQUIRE(ok);
  CHECK(ok->head == kOkHead);
  CHECK(ok->affected_rows == 251);
  CHECK(ok->last_insert_id == 7);
  CHECK(ok->status == 3);
  CHECK(ok->warnings == 2);
  CHECK(ok->info.empty());
  CHECK(encoded(*ok, kProtocol41) == as_text(bytes));
}

TEST_CASE("OK: what is encoded is decoded again, and no part of it is") {
  const std::string changes = test::schema_entry("shop") + test::variable_entry("autocommit", "ON");
  for (const std::string& info : {""s, "Records: 3"s}) {
    for (const std::string& inside : {""s, changes}) {
      OkPacket ok;
      ok.affected_rows = 70000;
      ok.last_insert_id = UINT64_MAX;
      ok.status = kStatusAutocommit;
      ok.warnings = 65535;
      ok.info = info;
      ok.session_changes = as_bytes(inside);
      const std::string bytes = encoded(ok, kSessionTrack);
      const ExactBytes exact(bytes);
      const auto again = decode_ok(exact, kSessionTrack);
      REQUIRE(again);
      CHECK(again->affected_rows == ok.affected_rows);
      CHECK(again->last_insert_id == ok.last_insert_id);
      CHECK(again->warnings == ok.warnings);
      CHECK(again->info == info);
      CHECK(as_text(again->session_changes) == inside);
      CHECK(((again->status & kStatusSessionStateChanged) != 0) == !inside.empty());

      const std::size_t fixed = 1 + 4 + 9 + 4;
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        INFO(size);
        const ExactBytes cut(bytes.substr(0, size));
        const auto half = decode_ok(cut, kSessionTrack);
        // A packet may end behind its numbers, or behind its text.
        const bool may_end = size == fixed || size == fixed + 1 + info.size();
        CHECK(half.has_value() == may_end);
      }
    }
  }
}

TEST_CASE("OK: a receiver without session tracking is told of no changes") {
  const std::string changes = test::schema_entry("shop");
  OkPacket ok;
  ok.status = kStatusAutocommit | kStatusSessionStateChanged;
  ok.session_changes = as_bytes(changes);
  CHECK(to_hex(encoded(ok, kProtocol41)) == "00000002000000");
  // Nor is one with it, when there are none.
  ok.session_changes = {};
  CHECK(to_hex(encoded(ok, kSessionTrack)) == "00000002000000");
}

TEST_CASE("OK: other packets are none") {
  for (const char* hex :
       {"", "ff 00 00 0200 0000", "01 00 00 0200 0000", "00 00 00 0200", "00 fb 00 0200 0000",
        "00 ff 00 0200 0000", "00 00 00 0200 0000 05 61", "00 00 00 0200 0000 ff"}) {
    INFO(hex);
    CHECK_FALSE(decode_ok(ExactBytes(from_hex(hex)), kProtocol41));
    CHECK_FALSE(decode_ok(ExactBytes(from_hex(hex)), kSessionTrack));
  }
  CHECK(decode_ok(ExactBytes(from_hex("fe 00 00 0200 0000")), 0));
}

TEST_CASE("ERR: with and without SQLSTATE") {
  struct Case {
    std::string bytes;
    std::uint16_t code;
    const char* sqlstate;
    const char* message;
  };
  const Case cases[] = {
      {"\xff\x28\x04#42000You have"s, 1064, "42000", "You have"},
      {"\xff\x10\x04Too many connections"s, 1040, "", "Too many connections"},
      {"\xff\x28\x04"s, 1064, "", ""},
      {"\xff\x28\x04#4200"s, 1064, "", "#4200"},
      {"\xff\x28\x04#42000"s, 1064, "42000", ""},
  };
  for (const Case& c : cases) {
    INFO(to_hex(c.bytes));
    const ExactBytes exact(c.bytes);
    const auto err = decode_err(exact);
    REQUIRE(err);
    CHECK(err->code == c.code);
    CHECK(err->sqlstate == c.sqlstate);
    CHECK(err->message == c.message);
    std::string out;
    append_err(out, *err);
    CHECK(out == c.bytes);
  }
  for (const char* hex : {"", "ff", "ff28", "00 28 04"})
    CHECK_FALSE(decode_err(ExactBytes(from_hex(hex))));
}

TEST_CASE("EOF: five bytes, no more and no less") {
  const ExactBytes bytes(from_hex("fe 0100 2200"));
  const auto eof = decode_eof(bytes);
  REQUIRE(eof);
  CHECK(eof->warnings == 1);
  CHECK(eof->status == 0x22);
  std::string out;
  append_eof(out, *eof);
  CHECK(out == as_text(bytes));
  for (const char* hex : {"", "fe", "fe 0100", "fe 0100 22", "fe 0100 2200 00", "00 0100 2200"})
    CHECK_FALSE(decode_eof(ExactBytes(from_hex(hex))));
}

struct Change {
  unsigned type;
  std::string name;
  std::string value;
  bool operator==(const Change&) const = default;
};

struct Walk {
  std::vector<Change> changes;
  bool ok = false;
};

Walk walk(std::string_view bytes) {
  const ExactBytes exact(bytes);
  SessionChangeReader reader(exact);
  Walk seen;
  while (const auto change = reader.next()) {
    seen.changes.push_back({change->type, std::string(change->name), std::string(change->value)});
    CHECK(change->raw.data() >= Bytes(exact).data());
    CHECK(change->raw.data() + change->raw.size() <= Bytes(exact).data() + Bytes(exact).size());
  }
  seen.ok = reader.ok();
  return seen;
}

TEST_CASE("session changes: every type") {
  const std::string bytes = test::variable_entry("autocommit", "OFF") + test::schema_entry("shop") +
                            change_entry(Type::state_change, "\0011") + test::gtid_entry("u:1-5") +
                            change_entry(Type::transaction_state, lenenc("T_______")) +
                            change_entry(static_cast<Type>(77), "later") +
                            change_entry(static_cast<Type>(78), "") + test::schema_entry("");
  const Walk seen = walk(bytes);
  CHECK(seen.ok);
  const std::vector<Change> expected = {
      {0, "autocommit", "OFF"}, {1, "", "shop"},   {2, "", "\0011"}, {3, "", "u:1-5"},
      {5, "", "\010T_______"},  {77, "", "later"}, {78, "", ""},     {1, "", ""}};
  CHECK((seen.changes == expected));
}

TEST_CASE("session changes: several variables in one entry") {
  const std::string entry =
      change_entry(Type::system_variables,
                   lenenc("autocommit") + lenenc("ON") + lenenc("sql_mode") + lenenc(""));
  const Walk seen = walk(entry + test::schema_entry("shop"));
  CHECK(seen.ok);
  const std::vector<Change> expected = {
      {0, "autocommit", "ON"}, {0, "sql_mode", ""}, {1, "", "shop"}};
  CHECK((seen.changes == expected));

  const ExactBytes exact(entry);
  SessionChangeReader reader(exact);
  CHECK(as_text(reader.next()->raw) == entry);
  CHECK(as_text(reader.next()->raw) == entry);
}

TEST_CASE("session changes: the schema that a reader is told is the one that was written") {
  for (const std::string& schema : {"shop"s, std::string(300, 's'), "a\0b"s}) {
    const ExactBytes written(schema_change(schema));
    SessionChangeReader reader(written);
    const auto change = reader.next();
    REQUIRE(change);
    CHECK(change->type == static_cast<std::uint8_t>(Type::schema));
    CHECK(change->value == schema);
    CHECK_FALSE(reader.next());
    CHECK(reader.ok());
  }
  CHECK(schema_change("").empty());
}

TEST_CASE("session changes: nothing is nothing") {
  CHECK(walk("").ok);
  CHECK(walk("").changes.empty());
}

TEST_CASE("session changes: hostile entries end the walk") {
  const std::string good = test::variable_entry("autocommit", "ON");
  struct Bad {
    const char* name;
    std::string entry;
  };
  const Bad cases[] = {
      {"a type alone", "\0"s},
      {"a length past the end",
       "\0\x20"
       "abc"s},
      {"a length of 64 bits", "\1\xfe\xff\xff\xff\xff\xff\xff\xff\xff"s},
      {"a length that is none", "\0\xff"s},
      {"a name without a value", change_entry(Type::system_variables, lenenc("autocommit"))},
      {"no name", change_entry(Type::system_variables, "")},
      {"a name that is too long", change_entry(Type::system_variables,
                                               "\x30"
                                               "abc")},
      {"a value that is too long", change_entry(Type::system_variables, lenenc("a") + "\x30")},
      {"a schema that is too long", change_entry(Type::schema, "\x30shop")},
      {"no schema", change_entry(Type::schema, "")},
      {"no encoding of GTIDs", change_entry(Type::gtids, "")},
      {"GTIDs that are too long", change_entry(Type::gtids, "\0\x30u"s)},
  };
  for (const Bad& bad : cases) {
    INFO(bad.name);
    const Walk seen = walk(good + bad.entry);
    CHECK_FALSE(seen.ok);
    CHECK(seen.changes.size() == 1);
  }
}

}  // namespace
}  // namespace weir::protocol
