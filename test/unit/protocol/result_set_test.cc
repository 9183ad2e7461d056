#include "protocol/result_set.h"

#include "protocol/frame.h"
#include "protocol/reply_tracker.h"
#include "protocol/response.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::ExactBytes;
using test::from_hex;
using test::to_hex;

ResultSet small() {
  ResultSet set;
  set.columns = {{"n", ColumnType::integer}, {"t", ColumnType::text}, {"r", ColumnType::real}};
  set.rows = {{"12", "abc", "0.5"}, {std::nullopt, "", std::nullopt}};
  return set;
}

std::string written(const ResultSet& set, Capabilities capabilities, std::uint8_t first = 1) {
  std::string out;
  append_result_set(out, set, kStatusAutocommit, capabilities, first);
  return out;
}

// The payloads of a reply, whose numbers must be without a gap.
std::vector<std::string> payloads(const std::string& framed, std::uint8_t sequence = 1) {
  std::vector<std::string> all;
  const ExactBytes exact(framed);
  Bytes in = exact;
  while (!in.empty()) {
    REQUIRE(in.size() >= kFrameHeaderSize);
    const FrameHeader header = read_frame_header(in);
    CHECK(header.sequence == sequence++);
    REQUIRE(in.size() >= kFrameHeaderSize + header.length);
    all.emplace_back(as_text(in.subspan(kFrameHeaderSize, header.length)));
    in = in.subspan(kFrameHeaderSize + header.length);
  }
  return all;
}

TEST_CASE("result set: definitions with room for MariaDB's extended metadata", "[resultset]") {
  const auto packets = payloads(written(small(), kProtocol41 | kMariadbExtendedMetadata));
  REQUIRE(packets.size() == 8);
  const std::string number =
      from_hex("03 646566 00 00 00 01 6e 00 00 0c 3f00 14000000 08 8000 00 0000");
  CHECK(to_hex(packets[1]) == to_hex(number));
}

TEST_CASE("result set: every packet of a small one, with EOF packets", "[resultset]") {
  const auto packets = payloads(written(small(), kProtocol41));
  REQUIRE(packets.size() == 8);
  CHECK(packets[0] == "\x03");
  const std::string number =
      from_hex("03 646566 00 00 00 01 6e 00 0c 3f00 14000000 08 8000 00 0000");
  CHECK(to_hex(packets[1]) == to_hex(number));
  const std::string text = from_hex("03 646566 00 00 00 01 74 00 0c 2d00 03000000 fd 0000 00 0000");
  CHECK(to_hex(packets[2]) == to_hex(text));
  const std::string real = from_hex("03 646566 00 00 00 01 72 00 0c 3f00 16000000 05 8000 1f 0000");
  CHECK(to_hex(packets[3]) == to_hex(real));
  CHECK(decode_eof(as_bytes(packets[4]))->status == kStatusAutocommit);
  CHECK(packets[5] == std::string("\x02") + "12" + "\x03" + "abc" + "\x03" + "0.5");
  CHECK(packets[6] == std::string("\xfb\x00\xfb", 3));
  CHECK(decode_eof(as_bytes(packets[7]))->status == kStatusAutocommit);
}

TEST_CASE("result set: with CLIENT_DEPRECATE_EOF one OK is the end", "[resultset]") {
  constexpr Capabilities kCapabilities = kProtocol41 | kDeprecateEof;
  const auto packets = payloads(written(small(), kCapabilities));
  REQUIRE(packets.size() == 7);
  const auto ok = decode_ok(as_bytes(packets[6]), kCapabilities);
  REQUIRE(ok);
  CHECK(ok->head == kEofHead);
  CHECK(ok->status == kStatusAutocommit);
}

TEST_CASE("result set: a tracker finds its end, whatever is in it", "[resultset]") {
  for (const Capabilities capabilities : {kProtocol41, kProtocol41 | kDeprecateEof}) {
    for (const std::size_t rows : {0u, 1u, 300u}) {
      ResultSet set = small();
      set.rows.assign(rows, {"1", std::string(300, '\xfe'), "2"});
      const std::string reply = written(set, capabilities);
      payloads(reply);  // numbers go round after 255
      ReplyTracker tracker(ReplyShape::result, capabilities);
      ExactBytes exact(reply);
      std::span<std::uint8_t> in = exact.writable();
      bool last = false;
      while (!in.empty() && !last) {
        const auto step = tracker.step(in);
        CHECK(step.event != ReplyTracker::Event::malformed);
        in = in.subspan(step.consumed);
        last = step.last;
      }
      CHECK(last);
      CHECK(in.empty());
      CHECK(tracker.rows() == rows);
    }
  }
}

TEST_CASE("result set: numbers go on where the command ended", "[resultset]") {
  CHECK(payloads(written(small(), kProtocol41, 250), 250).size() == 8);
}

TEST_CASE("result set: a value of more than one frame", "[resultset]") {
  ResultSet set;
  set.columns = {{"t", ColumnType::text}};
  set.rows = {{std::string(kMaxFramePayload, 'x')}};
  const auto packets = payloads(written(set, kProtocol41 | kDeprecateEof));
  // The length takes four bytes, so as many of the value are left for the second frame.
  REQUIRE(packets.size() == 5);
  CHECK(packets[2].size() == kMaxFramePayload);
  CHECK(packets[3] == "xxxx");
}

}  // namespace
}  // namespace weir::protocol
