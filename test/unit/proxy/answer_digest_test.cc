#include "proxy/core/answer_digest.h"

#include <string>
#include <vector>

#include "protocol/frame.h"
#include "protocol/response.h"
#include "test/support/catch.h"

namespace weir {
namespace {

using protocol::as_bytes;

AnswerDigest::Value of(const std::vector<std::string>& parts) {
  AnswerDigest digest;
  digest.begin();
  for (const std::string& part : parts) digest.add(as_bytes(part));
  return digest.finish();
}

AnswerDigest::Value of_ok(const protocol::OkPacket& ok) {
  std::string payload, packet;
  protocol::append_ok(payload, ok, protocol::kProtocol41);
  std::uint8_t sequence = 1;
  protocol::append_frames(packet, payload, sequence);
  AnswerDigest digest;
  digest.begin();
  digest.add_ok(as_bytes(packet), protocol::kProtocol41);
  return digest.finish();
}

AnswerDigest::Value of_eof(std::uint16_t warnings, protocol::ServerStatus status) {
  std::string payload, packet;
  protocol::append_eof(payload, {.warnings = warnings, .status = status});
  std::uint8_t sequence = 1;
  protocol::append_frames(packet, payload, sequence);
  AnswerDigest digest;
  digest.begin();
  digest.add_eof(as_bytes(packet));
  return digest.finish();
}

}  // namespace

TEST_CASE("answer digest: how the bytes were cut does not matter, what they are does") {
  CHECK(of({"abc", "def"}) == of({"a", "", "bcdef"}));
  CHECK(of({"abcdef"}) != of({"abcdeg"}));
  CHECK(of({}) == of({""}));
}

TEST_CASE("answer digest: each answer begins anew") {
  AnswerDigest digest;
  digest.begin();
  digest.add(as_bytes("lost under way"));
  digest.begin();
  digest.add(as_bytes("abc"));
  CHECK(digest.finish() == of({"abc"}));
  digest.begin();
  CHECK(digest.finish() == of({}));
}

TEST_CASE("answer digest: of an OK, what it says to the client") {
  protocol::OkPacket ok;
  ok.affected_rows = 2;
  ok.last_insert_id = 7;
  ok.status = protocol::kStatusInTransaction;
  ok.warnings = 1;
  ok.info = "Rows matched: 2";
  CHECK(of_ok(ok) == of_ok(ok));
  protocol::OkPacket slow = ok;
  slow.status |= protocol::kStatusQueryWasSlow | protocol::kStatusNoIndexUsed |
                 protocol::kStatusNoGoodIndexUsed;
  CHECK(of_ok(slow) == of_ok(ok));
  std::vector<protocol::OkPacket> others(5, ok);
  others[0].affected_rows = 3;
  others[1].last_insert_id = 8;
  others[2].status = 0;
  others[3].warnings = 0;
  others[4].info = "Rows matched: 3";
  for (const protocol::OkPacket& other : others) CHECK(of_ok(other) != of_ok(ok));
}

TEST_CASE("answer digest: of an EOF, the status and the warnings") {
  CHECK(of_eof(0, protocol::kStatusInTransaction | protocol::kStatusNoIndexUsed) ==
        of_eof(0, protocol::kStatusInTransaction));
  CHECK(of_eof(0, protocol::kStatusInTransaction) != of_eof(0, 0));
  CHECK(of_eof(1, 0) != of_eof(0, 0));
}

TEST_CASE("answer digest: packets that cannot be read count as their bytes") {
  AnswerDigest one, other;
  for (AnswerDigest* digest : {&one, &other}) digest->begin();
  one.add_ok(as_bytes(std::string("\1\0\0\1\0", 5)), protocol::kProtocol41);
  other.add_ok(as_bytes(std::string("\1\0\0\1\1", 5)), protocol::kProtocol41);
  CHECK(one.finish() != other.finish());
}

}  // namespace weir
