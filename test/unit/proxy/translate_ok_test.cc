#include "proxy/session/translate_ok.h"

#include "protocol/response.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"
#include "test/support/packets.h"

namespace weir {
namespace {

using protocol::kSessionTrack;
using protocol::kStatusAutocommit;
using protocol::kStatusSessionStateChanged;
using protocol::SessionChangeType;
using test::change_entry;
using test::ExactBytes;
using test::gtid_entry;
using test::lenenc;
using test::Packets;
using test::schema_entry;
using test::variable_entry;

constexpr protocol::Capabilities kServer = protocol::kProtocol41 | kSessionTrack;
constexpr std::uint8_t kSequence = 9;

std::string ok_with(std::string_view changes, std::string_view info = "Records: 1") {
  return Packets(kServer, kSequence).ok(kStatusAutocommit, info, changes).bytes();
}

std::string translate(const std::string& packet, protocol::Capabilities client,
                      bool everything = false) {
  return translate_ok(ExactBytes(packet), kServer, client, everything);
}

// What a client with session tracking gets told; the rest of the packet must be as it was.
std::string told(std::string_view changes) {
  const std::string out = translate(ok_with(changes), kSessionTrack);
  const protocol::Bytes bytes = protocol::as_bytes(out);
  REQUIRE(bytes.size() > protocol::kFrameHeaderSize);
  const auto header = protocol::read_frame_header(bytes);
  CHECK(header.sequence == kSequence);
  CHECK(header.length + protocol::kFrameHeaderSize == bytes.size());
  const auto ok = protocol::decode_ok(bytes.subspan(protocol::kFrameHeaderSize), kSessionTrack);
  REQUIRE(ok);
  CHECK(ok->info == "Records: 1");
  CHECK(ok->affected_rows == 3);
  CHECK(((ok->status & kStatusSessionStateChanged) != 0) == !ok->session_changes.empty());
  return std::string(protocol::as_text(ok->session_changes));
}

TEST_CASE("translate_ok: without changes a packet goes as it is") {
  CHECK(translate(ok_with(""), kSessionTrack).empty());
  CHECK(translate(ok_with(""), 0).empty());
  CHECK(translate(ok_with(schema_entry("shop")), kSessionTrack, true).empty());
  CHECK(translate(Packets(kServer).err().bytes(), kSessionTrack).empty());
}

TEST_CASE("translate_ok: a client that reads no changes gets a packet without them") {
  for (const bool everything : {false, true}) {
    const std::string out = translate(ok_with(schema_entry("shop")), 0, everything);
    CHECK(out == Packets(0, kSequence).ok(kStatusAutocommit, "Records: 1").bytes());
  }
}

TEST_CASE("translate_ok: only what servers report by themselves is told") {
  const std::string kept[] = {
      variable_entry("autocommit", "OFF"),
      variable_entry("character_set_client", "utf8mb4"),
      variable_entry("character_set_connection", "utf8mb4"),
      variable_entry("character_set_results", ""),
      variable_entry("time_zone", "UTC"),
      schema_entry("shop"),
      schema_entry(""),
      change_entry(SessionChangeType::state_change, lenenc("1")),
      change_entry(static_cast<SessionChangeType>(99), "a later type"),
  };
  const std::string dropped[] = {
      variable_entry("sql_mode", "ANSI"),
      variable_entry("wait_timeout", "5"),
      variable_entry("autocommit_", "5"),
      gtid_entry("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"),
  };
  for (const std::string& entry : kept) CHECK(told(entry) == entry);
  for (const std::string& entry : dropped) CHECK(told(entry).empty());
  std::string all;
  std::string expected;
  for (const std::string& entry : kept) expected += entry;
  for (const std::string& entry : dropped) all += entry;
  CHECK(told(all + expected + all) == expected);
}

TEST_CASE("translate_ok: of several variables in one entry the known ones are told") {
  const std::string entry =
      change_entry(SessionChangeType::system_variables,
                   lenenc("sql_mode") + lenenc("ANSI") + lenenc("autocommit") + lenenc("ON") +
                       lenenc("wait_timeout") + lenenc("5") + lenenc("time_zone") + lenenc("UTC"));
  CHECK(told(entry) == variable_entry("autocommit", "ON") + variable_entry("time_zone", "UTC"));
}

TEST_CASE("translate_ok: the OK that ends rows keeps its head") {
  const auto capabilities = kServer | protocol::kDeprecateEof;
  const std::string packet = Packets(capabilities, kSequence)
                                 .end_of_rows(kStatusAutocommit, variable_entry("sql_mode", "ANSI"))
                                 .bytes();
  const std::string out = translate(packet, kSessionTrack);
  CHECK(out == Packets(capabilities, kSequence).end_of_rows(kStatusAutocommit).bytes());
}

}  // namespace
}  // namespace weir
