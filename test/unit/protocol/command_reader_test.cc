#include "protocol/command_reader.h"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using Event = CommandReader::Event;

constexpr std::size_t kLimit = 64u << 20;

// What a client's bytes turn into.
struct Read {
  std::string shown;
  std::vector<std::string> commands;  // those that came whole, or were put together from parts
  Event ended = Event::none;          // out_of_order or too_large
  std::uint8_t next_sequence = 0;
  bool between_commands = false;
  bool operator==(const Read&) const = default;
};

class Feeder {
 public:
  explicit Feeder(std::size_t limit) : reader_(limit) {}

  void feed(std::string_view chunk) {
    std::string copy(chunk);
    std::span<std::uint8_t> in(reinterpret_cast<std::uint8_t*>(copy.data()), copy.size());
    while (!in.empty() && read_.ended == Event::none) {
      const auto step = reader_.step(in);
      if (step.consumed > in.size()) FAIL("more was consumed than there was");
      if (step.consumed == 0 && step.event == Event::none) FAIL("a step that leads nowhere");
      take(step);
      in = in.subspan(step.consumed);
    }
  }
  Read read() {
    read_.next_sequence = reader_.next_sequence();
    read_.between_commands = reader_.between_commands();
    return read_;
  }
  CommandReader& reader() { return reader_; }

 private:
  void take(const CommandReader::Step& step) {
    const std::string_view bytes = as_text(step.bytes);
    read_.shown += bytes;
    switch (step.event) {
      case Event::none:
        CHECK(bytes.empty());
        return;
      case Event::command:
        if (!partial_.empty()) FAIL("a command inside another");
        read_.commands.emplace_back(bytes);
        return;
      case Event::begin:
        if (!partial_.empty()) FAIL("a command inside another");
        partial_ = bytes;
        return;
      case Event::part:
        if (partial_.empty()) FAIL("a part of nothing");
        partial_ += bytes;
        if (step.last) read_.commands.push_back(std::exchange(partial_, {}));
        return;
      case Event::out_of_order:
      case Event::too_large:
        read_.ended = step.event;
        return;
    }
  }

  CommandReader reader_;
  Read read_;
  std::string partial_;
};

Read read_cut_at(std::string_view bytes, const std::vector<std::size_t>& cuts,
                 std::size_t limit = kLimit) {
  Feeder feeder(limit);
  std::size_t at = 0;
  for (const std::size_t cut : cuts) {
    feeder.feed(bytes.substr(at, cut - at));
    at = cut;
  }
  feeder.feed(bytes.substr(at));
  return feeder.read();
}

std::string command(std::string_view arguments) {
  std::string out;
  append_command(out, 0x03, arguments);
  return out;
}

std::string header(std::uint32_t length, unsigned sequence) {
  std::string out;
  ByteWriter(out).int3(length).int1(sequence);
  return out;
}

TEST_CASE("command reader: a command that comes whole is shown where it lies") {
  std::string bytes = command("SELECT 1");
  CommandReader reader(kLimit);
  const auto step = reader.step({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  CHECK(step.event == Event::command);
  CHECK(step.last);
  CHECK(step.consumed == bytes.size());
  CHECK(static_cast<const void*>(step.bytes.data()) == bytes.data());
  CHECK(reader.next_sequence() == 1);
  CHECK(reader.between_commands());
}

TEST_CASE("command reader: short commands, cut anywhere") {
  const std::vector<std::string> commands = {command("SELECT 1"), header(0, 0), command(""),
                                             command("SELECT 'a longer one'")};
  std::string bytes;
  for (const std::string& one : commands) bytes += one;
  const Read whole = read_cut_at(bytes, {});
  CHECK(whole.commands == commands);
  CHECK(whole.between_commands);
  for (std::size_t a = 1; a < bytes.size(); ++a) {
    for (std::size_t b = a; b < bytes.size(); ++b) {
      if (!(read_cut_at(bytes, {a, b}) == whole)) {
        INFO(a << ", " << b);
        FAIL("what is read depends on how it is cut");
      }
    }
  }
  std::vector<std::size_t> every_byte;
  for (std::size_t at = 1; at < bytes.size(); ++at) every_byte.push_back(at);
  CHECK((read_cut_at(bytes, every_byte) == whole));
}

TEST_CASE("command reader: in the middle of a command") {
  const std::string bytes = command("SELECT 1");
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    Feeder feeder(kLimit);
    feeder.feed(std::string_view(bytes).substr(0, size));
    CHECK_FALSE(feeder.reader().between_commands());
    feeder.feed(std::string_view(bytes).substr(size));
    CHECK(feeder.reader().between_commands());
  }
}

// Cuts around every header of the bytes, and random ones.
void check_long(const std::string& bytes, const std::vector<std::string>& commands) {
  const Read whole = read_cut_at(bytes, {});
  REQUIRE(whole.ended == Event::none);
  CHECK((whole.shown == bytes));
  CHECK((whole.commands == commands));
  CHECK(whole.between_commands);

  std::vector<std::size_t> heads;
  for (std::size_t at = 0; at < bytes.size();) {
    heads.push_back(at);
    at += kFrameHeaderSize + read_frame_header(as_bytes(bytes).subspan(at)).length;
  }
  for (std::size_t offset = 0; offset <= 5; ++offset) {
    std::vector<std::size_t> cuts;
    for (const std::size_t head : heads) cuts.push_back(std::min(head + offset, bytes.size()));
    CHECK((read_cut_at(bytes, cuts) == whole));
  }
  std::vector<std::size_t> single;  // each byte of each header by itself
  for (const std::size_t head : heads) {
    for (std::size_t offset = 0; offset <= 5; ++offset) {
      single.push_back(std::min(head + offset, bytes.size()));
    }
  }
  std::sort(single.begin(), single.end());
  CHECK((read_cut_at(bytes, single) == whole));
  std::mt19937 random(11);
  std::vector<std::size_t> cuts;
  for (std::size_t at = random() % 700000; at < bytes.size(); at += random() % 700000) {
    cuts.push_back(at);
  }
  CHECK((read_cut_at(bytes, cuts) == whole));
}

TEST_CASE("command reader: long commands are handed on in parts") {
  const std::string next = command("SELECT 1");
  for (const std::size_t size : {CommandReader::kMaxKept - 5, CommandReader::kMaxKept - 4,
                                 CommandReader::kMaxKept, 3 * CommandReader::kMaxKept}) {
    INFO(size);
    const std::string one = command(std::string(size, 'x'));
    check_long(one + next, {one, next});
  }
}

TEST_CASE("command reader: commands of several frames, the last of which may be empty") {
  const std::string next = command("SELECT 1");
  for (const std::size_t size :
       {kMaxFramePayload - 1, kMaxFramePayload, kMaxFramePayload + 1, 2 * kMaxFramePayload - 1}) {
    INFO(size);
    const std::string one = command(std::string(size, 'x'));
    check_long(one + next, {one, next});
  }
}

TEST_CASE("command reader: a command does not run before its empty last frame") {
  const std::string bytes = command(std::string(kMaxFramePayload - 1, 'x'));
  Feeder feeder(kLimit);
  feeder.feed(std::string_view(bytes).substr(0, bytes.size() - 1));
  CHECK(feeder.read().commands.empty());
  CHECK_FALSE(feeder.read().between_commands);
  feeder.feed(std::string_view(bytes).substr(bytes.size() - 1));
  CHECK(feeder.read().commands.size() == 1);
}

TEST_CASE("command reader: wrong sequence numbers") {
  const std::string full = header(kMaxFramePayload, 0) + std::string(kMaxFramePayload, 'x');
  struct Bad {
    const char* name;
    std::string bytes;
    std::size_t commands;
  };
  const Bad cases[] = {
      {"in the first frame", header(2, 1) + "\3x", 0},
      {"in the second command", command("a") + header(2, 1) + "\3x", 1},
      {"repeated in a continuation", full + header(1, 0) + "x", 0},
      {"skipped in a continuation", full + header(1, 2) + "x", 0},
      {"in an empty continuation", full + header(0, 5), 0},
  };
  for (const Bad& bad : cases) {
    INFO(bad.name);
    const std::size_t last_head =
        bad.bytes.rfind('\3') != std::string::npos && bad.bytes.size() < 100 ? bad.bytes.size() - 6
                                                                             : full.size();
    for (const std::size_t cut : {std::size_t{0}, last_head, last_head + 1, last_head + 3}) {
      const Read read = read_cut_at(bad.bytes, {cut});
      CHECK(read.ended == Event::out_of_order);
      CHECK(read.commands.size() == bad.commands);
    }
  }
}

TEST_CASE("command reader: the limit is known at the header") {
  constexpr std::size_t kSmall = 1000;
  for (const bool cut : {false, true}) {
    Feeder fits(kSmall);
    fits.feed(header(kSmall, 0));
    CHECK(fits.read().ended == Event::none);
    Feeder feeder(kSmall);
    const std::string over = header(kSmall + 1, 0);
    if (cut) feeder.feed(over.substr(0, 2));
    feeder.feed(cut ? over.substr(2) : over);
    CHECK(feeder.read().ended == Event::too_large);
    CHECK(feeder.read().next_sequence == 1);
    CHECK(feeder.read().shown.empty());
  }
  CHECK(read_cut_at(command(std::string(kSmall - 1, 'x')), {}, kSmall).commands.size() == 1);
  CHECK(read_cut_at(command(std::string(kSmall, 'x')), {}, kSmall).ended == Event::too_large);
  // The sum is of one command, not of all.
  const std::string half = command(std::string(kSmall / 2, 'x'));
  CHECK(read_cut_at(half + half + half, {}, kSmall).commands.size() == 3);
}

TEST_CASE("command reader: the limit counts over all frames of a command") {
  const std::string full = header(kMaxFramePayload, 0) + std::string(kMaxFramePayload, 'x');
  constexpr std::size_t kTight = kMaxFramePayload + 10;
  CHECK(read_cut_at(full + header(10, 1) + std::string(10, 'x'), {}, kTight).commands.size() == 1);
  for (const std::size_t cut : {full.size(), full.size() + 2}) {
    const Read read = read_cut_at(full + header(11, 1), {cut}, kTight);
    CHECK(read.ended == Event::too_large);
    CHECK(read.next_sequence == 2);
    CHECK(read.commands.empty());
  }
}

// Feeds full frames of one command, in pieces, until one is refused at its header; how many were
// read.
int full_frames(CommandReader& reader, int most) {
  std::string piece(1u << 20, 'x');
  for (int frame = 0; frame < most; ++frame) {
    std::array<std::uint8_t, kFrameHeaderSize> header = {0xff, 0xff, 0xff,
                                                         static_cast<std::uint8_t>(frame)};
    std::size_t left = kMaxFramePayload;
    for (std::span<std::uint8_t> in(header); !in.empty();) {
      const auto step = reader.step(in);
      if (step.event == Event::too_large || step.event == Event::out_of_order) return frame;
      in = in.subspan(step.consumed);
    }
    while (left > 0) {
      std::span<std::uint8_t> in(reinterpret_cast<std::uint8_t*>(piece.data()),
                                 std::min(piece.size(), left));
      left -= in.size();
      while (!in.empty()) in = in.subspan(reader.step(in).consumed);
    }
  }
  return most;
}

TEST_CASE("command reader: more frames than there are numbers, and bytes than fit into 32 bits") {
  CommandReader open(std::size_t{1} << 40);
  CHECK(full_frames(open, 300) == 300);
  CHECK(open.next_sequence() == 300 - 256);

  // Up to what frames add up to, whatever their sum is in 32 bits.
  CommandReader limited((std::size_t{1} << 32) + 1);
  CHECK(full_frames(limited, 300) == 256);
  CommandReader largest(std::size_t{1} << 30);
  CHECK(full_frames(largest, 300) == 64);
}

TEST_CASE("command reader: clients that compress need not number what a command goes on with") {
  const std::string body(kMaxFramePayload, 'x');
  const std::string wrong = header(kMaxFramePayload, 0) + body + header(kMaxFramePayload, 0) +
                            body + header(3, 0) + "end";
  const std::string right = header(kMaxFramePayload, 0) + body + header(kMaxFramePayload, 1) +
                            body + header(3, 2) + "end";
  const std::size_t second = kFrameHeaderSize + body.size();
  for (const std::size_t cut :
       {std::size_t{0}, second, second + 1, second + 3, second + 4, second + 5}) {
    CAPTURE(cut);
    Feeder feeder(3 * kMaxFramePayload);
    feeder.reader().renumber();
    feeder.feed(wrong.substr(0, cut));
    feeder.feed(wrong.substr(cut));
    REQUIRE(feeder.read().commands.size() == 1);
    CHECK(feeder.read().commands[0] == right);
    CHECK(feeder.read().next_sequence == 3);
    feeder.feed(header(1, 0) + "y");
    CHECK(feeder.read().commands.size() == 2);
    feeder.feed(header(1, 1) + "z");  // a command begins with 0 also there
    CHECK(feeder.read().ended == Event::out_of_order);
  }
}

TEST_CASE("command reader: memory of a long command is given back") {
  Feeder feeder(kLimit);
  const std::string bytes = command(std::string(500000, 'x'));
  feeder.feed(std::string_view(bytes).substr(0, 100));
  feeder.reader().trim();  // what is kept of a command survives
  feeder.feed(std::string_view(bytes).substr(100));
  CHECK(feeder.read().commands.size() == 1);
  feeder.reader().trim();
  feeder.feed(command("SELECT 1"));
  CHECK(feeder.read().commands.size() == 2);
}

}  // namespace
}  // namespace weir::protocol
