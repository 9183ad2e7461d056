#include "protocol/frame.h"

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::to_hex;

struct Frame {
  std::uint32_t length;
  std::uint8_t sequence;
};

std::vector<Frame> frames_of(std::string_view bytes) {
  std::vector<Frame> frames;
  while (!bytes.empty()) {
    const FrameHeader header = read_frame_header(as_bytes(bytes));
    frames.push_back({header.length, header.sequence});
    REQUIRE(bytes.size() >= kFrameHeaderSize + header.length);
    bytes.remove_prefix(kFrameHeaderSize + header.length);
  }
  return frames;
}

TEST_CASE("frames: a header is read as it lies") {
  const test::ExactBytes bytes(test::from_hex("030201 ff"));
  const FrameHeader header = read_frame_header(bytes);
  CHECK(header.length == 0x010203);
  CHECK(header.sequence == 0xff);
  CHECK_FALSE(header.continues());
  CHECK(read_frame_header(as_bytes("\xff\xff\xff\1")).continues());
}

TEST_CASE("frames: short payloads are one frame") {
  std::string out;
  std::uint8_t sequence = 255;
  append_frames(out, "ab", sequence);
  append_frames(out, "", sequence);
  CHECK(to_hex(out) ==
        "020000ff6162"
        "00000000");
  CHECK(sequence == 1);
}

TEST_CASE("frames: long payloads are split, and a full frame is never the last") {
  struct Case {
    std::size_t size;
    std::vector<std::uint32_t> lengths;
  };
  const Case cases[] = {
      {kMaxFramePayload - 1, {0xfffffe}},
      {kMaxFramePayload, {0xffffff, 0}},
      {kMaxFramePayload + 1, {0xffffff, 1}},
      {2 * kMaxFramePayload, {0xffffff, 0xffffff, 0}},
  };
  for (const Case& c : cases) {
    INFO(c.size);
    std::string out;
    std::uint8_t sequence = 3;
    append_frames(out, std::string(c.size, 'x'), sequence);
    const auto frames = frames_of(out);
    REQUIRE(frames.size() == c.lengths.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
      CHECK(frames[i].length == c.lengths[i]);
      CHECK(frames[i].sequence == 3 + i);
    }
    CHECK(sequence == 3 + frames.size());
  }
}

TEST_CASE("frames: a command counts with its arguments") {
  std::string out;
  append_command(out, 0x0e, "");
  append_command(out, 0x02, "shop");
  CHECK(to_hex(out) ==
        "010000000e"
        "050000000273686f70");
  for (const std::size_t arguments :
       {kMaxFramePayload - 2, kMaxFramePayload - 1, kMaxFramePayload}) {
    std::string bytes;
    append_command(bytes, 0x03, std::string(arguments, 'x'));
    const auto frames = frames_of(bytes);
    CHECK(frames.size() == (arguments + 1 < kMaxFramePayload ? 1 : 2));
    std::size_t total = 0;
    for (const Frame& frame : frames) total += frame.length;
    CHECK(total == arguments + 1);
    CHECK(frames.front().sequence == 0);
    CHECK(bytes[kFrameHeaderSize] == 0x03);
  }
}

TEST_CASE("frames: another payload takes the place and the number of the first") {
  std::string packet;
  std::uint8_t sequence = 250;
  append_frames(packet, "old", sequence);
  CHECK(to_hex(with_payload(as_bytes(packet), "newer")) == "050000fa6e65776572");
  CHECK(to_hex(with_payload(as_bytes(packet), "")) == "000000fa");
  const auto frames =
      frames_of(with_payload(as_bytes(packet), std::string(kMaxFramePayload + 1, 'x')));
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].sequence == 250);
  CHECK(frames[1].sequence == 251);
  CHECK(frames[1].length == 1);
}

}  // namespace
}  // namespace weir::protocol
