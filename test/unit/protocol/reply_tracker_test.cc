#include "protocol/reply_tracker.h"

#include <functional>

#include "test/support/catch.h"
#include "test/support/packets.h"
#include "test/support/reply_script.h"

namespace weir::protocol {
namespace {

using test::Packets;
using test::Replay;
using test::replay_every_way;
using test::replay_whole;
using test::ReplyScript;
using Event = ReplyTracker::Event;
using Events = std::vector<Event>;
using Shape = ReplyShape;
using namespace std::string_literals;

constexpr ServerStatus kAuto = kStatusAutocommit;
constexpr ServerStatus kMore = kStatusAutocommit | kStatusMoreResults;
constexpr Capabilities kTracks = kSessionTrack | kProtocol41;

// A reply, and the events with and without CLIENT_DEPRECATE_EOF.
struct Case {
  const char* name;
  Shape shape;
  std::function<void(Packets&)> write;
  Events with_eof;
  Events without_eof;
};

void check(const Case& c, bool deprecate) {
  const Capabilities capabilities = kTracks | (deprecate ? kDeprecateEof : 0);
  INFO(c.name << (deprecate ? ", EOF packets deprecated" : ", EOF packets"));
  Packets packets(capabilities);
  c.write(packets);
  const Replay seen = replay_every_way({{c.shape}, capabilities, packets.bytes()});
  CHECK(seen.kinds() == (deprecate ? c.without_eof : c.with_eof));
  CHECK(seen.replies == 1);
  CHECK(seen.boundary);
  REQUIRE(!seen.events.empty());
  CHECK(seen.events.back().last);
  CHECK(seen.events.back().next_sequence == packets.next_sequence());
  for (std::size_t i = 0; i + 1 < seen.events.size(); ++i) CHECK(!seen.events[i].last);
}

void check_both(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    check(c, false);
    check(c, true);
  }
}

void rows(Packets& p, int count, ServerStatus end = kAuto) {
  p.column_count(2).definitions(2, end);
  for (int i = 0; i < count; ++i) p.text_row({"1", "a longer value"});
  p.end_of_rows(end);
}

TEST_CASE("reply tracker: one packet answers") {
  check_both({
      {"OK", Shape::ok, [](Packets& p) { p.ok(); }, {Event::ok}, {Event::ok}},
      {"OK with text",
       Shape::ok,
       [](Packets& p) { p.ok(kAuto, "Rows matched: 1"); },
       {Event::ok},
       {Event::ok}},
      {"ERR", Shape::ok, [](Packets& p) { p.err(); }, {Event::err}, {Event::err}},
      {"EOF for COM_SET_OPTION",
       Shape::ok,
       [](Packets& p) { p.eof(); },
       {Event::eof},
       {Event::eof}},
      {"the end of rows for COM_SET_OPTION",
       Shape::ok,
       [](Packets& p) { p.end_of_rows(); },
       {Event::eof},
       {Event::ok}},
      {"more results mean nothing here",
       Shape::ok,
       [](Packets& p) { p.ok(kMore); },
       {Event::ok},
       {Event::ok}},
      {"OK to a query", Shape::result, [](Packets& p) { p.ok(); }, {Event::ok}, {Event::ok}},
      {"ERR to a query", Shape::result, [](Packets& p) { p.err(); }, {Event::err}, {Event::err}},
      {"ERR to a prepare", Shape::prepare, [](Packets& p) { p.err(); }, {Event::err}, {Event::err}},
      {"ERR to a fetch", Shape::rows, [](Packets& p) { p.err(); }, {Event::err}, {Event::err}},
      {"ERR to a field list",
       Shape::definitions,
       [](Packets& p) { p.err(); },
       {Event::err},
       {Event::err}},
      {"ERR instead of text", Shape::text, [](Packets& p) { p.err(); }, {Event::err}, {Event::err}},
  });
}

TEST_CASE("reply tracker: result sets") {
  check_both({
      {"no rows", Shape::result, [](Packets& p) { rows(p, 0); }, {Event::eof}, {Event::ok}},
      {"one row", Shape::result, [](Packets& p) { rows(p, 1); }, {Event::eof}, {Event::ok}},
      {"many rows", Shape::result, [](Packets& p) { rows(p, 9); }, {Event::eof}, {Event::ok}},
      {"rows of NULL, of nothing, and of empty packets",
       Shape::result,
       [](Packets& p) {
         p.column_count(1).definitions(1).payload("\xfb").text_row({""}).payload("").end_of_rows();
       },
       {Event::eof},
       {Event::ok}},
      {"binary rows",
       Shape::result,
       [](Packets& p) {
         p.column_count(2).definitions(2).binary_row("\0\1\0\0\0\2ab"s).binary_row("\x0c"s);
         p.end_of_rows();
       },
       {Event::eof},
       {Event::ok}},
      {"300 columns",
       Shape::result,
       [](Packets& p) {
         p.column_count(300);
         for (int i = 0; i < 300; ++i) p.payload("d");  // nobody looks inside
         if (!p.deprecate_eof()) p.eof();
         p.payload("x").end_of_rows();
       },
       {Event::eof},
       {Event::ok}},
      {"ERR between rows",
       Shape::result,
       [](Packets& p) { p.column_count(1).definitions(1).text_row({"1"}).err(1317); },
       {Event::err},
       {Event::err}},
      {"ERR instead of rows",
       Shape::result,
       [](Packets& p) { p.column_count(1).definitions(1).err(1317); },
       {Event::err},
       {Event::err}},
      {"ERR behind the last definition",
       Shape::result,
       [](Packets& p) { p.column_count(1).definition("id").err(1317); },
       {Event::err},
       {Event::err}},
      {"definitions that are empty packets",
       Shape::result,
       [](Packets& p) {
         p.column_count(2).payload("").payload("");
         if (!p.deprecate_eof()) p.eof();
         p.end_of_rows();
       },
       {Event::eof},
       {Event::ok}},
      {"ERR instead of a definition",
       Shape::result,
       [](Packets& p) { p.column_count(2).definition("id").err(1317); },
       {Event::err},
       {Event::err}},
  });
}

TEST_CASE("reply tracker: several results") {
  check_both({
      {"two OK",
       Shape::result,
       [](Packets& p) { p.ok(kMore).ok(); },
       {Event::ok, Event::ok},
       {Event::ok, Event::ok}},
      {"rows, rows, OK",
       Shape::result,
       [](Packets& p) {
         rows(p, 1, kMore);
         rows(p, 0, kMore);
         p.ok();
       },
       {Event::eof, Event::eof, Event::ok},
       {Event::ok, Event::ok, Event::ok}},
      {"rows, then ERR",
       Shape::result,
       [](Packets& p) {
         rows(p, 2, kMore);
         p.err();
       },
       {Event::eof, Event::err},
       {Event::ok, Event::err}},
      {"OK, then ERR",
       Shape::result,
       [](Packets& p) { p.ok(kMore).err(); },
       {Event::ok, Event::err},
       {Event::ok, Event::err}},
      {"a file in the middle",
       Shape::result,
       [](Packets& p) { p.ok(kMore).local_infile("/tmp/x").ok(kMore).ok(); },
       {Event::ok, Event::local_infile, Event::ok, Event::ok},
       {Event::ok, Event::local_infile, Event::ok, Event::ok}},
  });
}

TEST_CASE("reply tracker: LOAD DATA LOCAL INFILE") {
  check_both({
      {"the file, then OK",
       Shape::result,
       [](Packets& p) { p.local_infile("/tmp/x").ok(); },
       {Event::local_infile, Event::ok},
       {Event::local_infile, Event::ok}},
      {"the file, then ERR",
       Shape::result,
       [](Packets& p) { p.local_infile("/tmp/x").err(); },
       {Event::local_infile, Event::err},
       {Event::local_infile, Event::err}},
      {"a file without a name",
       Shape::result,
       [](Packets& p) { p.local_infile("").ok(); },
       {Event::local_infile, Event::ok},
       {Event::local_infile, Event::ok}},
  });
}

TEST_CASE("reply tracker: COM_STMT_PREPARE") {
  const auto prepared = [](std::uint16_t columns, std::uint16_t parameters) {
    return [columns, parameters](Packets& p) {
      p.prepared(7, columns, parameters).definitions(parameters).definitions(columns);
    };
  };
  const Events with_eof = {Event::prepared, Event::eof};
  const Events without_eof = {Event::prepared, Event::none};
  check_both({
      {"neither", Shape::prepare, prepared(0, 0), {Event::prepared}, {Event::prepared}},
      {"parameters", Shape::prepare, prepared(0, 3), with_eof, without_eof},
      {"columns", Shape::prepare, prepared(2, 0), with_eof, without_eof},
      {"both", Shape::prepare, prepared(2, 3), with_eof, without_eof},
      {"one of each", Shape::prepare, prepared(1, 1), with_eof, without_eof},
      {"ERR among the parameters",
       Shape::prepare,
       [](Packets& p) { p.prepared(7, 1, 2).definition("?").err(); },
       {Event::prepared, Event::err},
       {Event::prepared, Event::err}},
  });
}

TEST_CASE("reply tracker: cursors, fetches, field lists") {
  constexpr ServerStatus kOpen = kStatusAutocommit | kStatusCursorExists;
  check_both({
      {"a cursor ends the reply behind the definitions",
       Shape::result,
       [](Packets& p) {
         p.column_count(1).definition("id");
         p.end_of_rows(kOpen);
       },
       {Event::eof},
       {Event::ok}},
      {"a fetch",
       Shape::rows,
       [](Packets& p) { p.binary_row("\0\1").binary_row("\0\2").end_of_rows(kOpen); },
       {Event::eof},
       {Event::ok}},
      {"a fetch of nothing",
       Shape::rows,
       [](Packets& p) { p.end_of_rows(kOpen | kStatusLastRowSent); },
       {Event::eof},
       {Event::ok}},
      {"a fetch that fails late",
       Shape::rows,
       [](Packets& p) { p.binary_row("\0\1").err(); },
       {Event::err},
       {Event::err}},
      {"a field list",
       Shape::definitions,
       [](Packets& p) { p.definition("id").definition("name").end_of_rows(); },
       {Event::eof},
       {Event::ok}},
      {"a field list of nothing",
       Shape::definitions,
       [](Packets& p) { p.end_of_rows(); },
       {Event::eof},
       {Event::ok}},
  });
}

TEST_CASE("reply tracker: plain text") {
  for (const std::string& text : {"Uptime: 5  Threads: 1"s, "\0 begins with a zero"s, "\xfe"s,
                                  "\xfb text"s, "\1"s, "\xfe\0\0\2\0"s}) {
    const ReplyScript script{{Shape::text}, 0, Packets().payload(text).bytes()};
    const Replay seen = replay_every_way(script);
    CHECK(seen.kinds() == Events{Event::none});
    CHECK(seen.replies == 1);
  }
}

// A server that compresses goes back to the number of the compressed packet with each result.
TEST_CASE("reply tracker: definitions and rows are shown on demand") {
  for (const bool deprecate : {false, true}) {
    const Capabilities capabilities = kTracks | (deprecate ? kDeprecateEof : 0);
    Packets packets(capabilities);
    rows(packets, 3);
    const Replay seen =
        replay_every_way({{Shape::result}, capabilities, packets.bytes(), {}, true});
    CHECK(seen.kinds() == Events{Event::definition, Event::definition, Event::row, Event::row,
                                 Event::row, deprecate ? Event::ok : Event::eof});
    REQUIRE(seen.events.size() == 6);
    CHECK(seen.events[3].packet ==
          Packets({}, seen.events[3].next_sequence - 1).text_row({"1", "a longer value"}).bytes());
  }
}

TEST_CASE("reply tracker: the last definition that is shown may be the end") {
  for (const bool deprecate : {false, true}) {
    const Capabilities capabilities = kTracks | (deprecate ? kDeprecateEof : 0);
    Packets packets(capabilities);
    packets.prepared(1, 1, 2).definitions(2).definitions(1);
    const Replay seen =
        replay_every_way({{Shape::prepare}, capabilities, packets.bytes(), {}, true});
    Events expected{Event::prepared, Event::definition, Event::definition, Event::definition};
    if (!deprecate) expected.push_back(Event::eof);
    CHECK(seen.kinds() == expected);
    CHECK(seen.replies == 1);
    CHECK(seen.forwarded == packets.bytes());
  }
}

TEST_CASE("reply tracker: a row that is too large to be kept is not shown") {
  Packets packets(kTracks);
  packets.column_count(1).definitions(1).text_row({"small"});
  packets.text_row({std::string(ReplyTracker::kMaxKept, 'x')}).text_row({"small"}).end_of_rows();
  const Replay seen = replay_whole({{Shape::result}, kTracks, packets.bytes(), {}, true});
  CHECK(seen.kinds() == Events{Event::definition, Event::row, Event::row, Event::eof});
  CHECK(seen.forwarded == packets.bytes());
}

TEST_CASE("reply tracker: packets are numbered anew") {
  for (const Capabilities capabilities : {Capabilities{0}, Capabilities{kDeprecateEof}}) {
    const auto result = [](Packets packets, protocol::ServerStatus status) {
      return packets.column_count(2).definitions(2).text_row({"1", "x"}).end_of_rows(status);
    };
    const Packets one = result(Packets(capabilities, 3), kStatusMoreResults);
    const Packets two = result(Packets(capabilities, 4), kStatusAutocommit);
    const Packets first = result(Packets(capabilities, 1), kStatusMoreResults);
    const Packets second = result(Packets(capabilities, first.next_sequence()), kStatusAutocommit);
    const Replay seen = replay_every_way(
        {{Shape::result}, capabilities, one.bytes() + two.bytes(), std::uint8_t{1}});
    CHECK(seen.replies == 1);
    CHECK(test::to_hex(seen.forwarded) == test::to_hex(first.bytes() + second.bytes()));
    CHECK(seen.events.back().next_sequence == second.next_sequence());
  }
}

TEST_CASE("reply tracker: no reply at all") {
  ReplyTracker tracker(Shape::none, 0);
  const std::string bytes = Packets().ok().bytes();
  const auto step = tracker.step(test::ExactBytes(bytes).writable());
  CHECK(step.consumed == 0);
  CHECK(step.event == Event::none);
  CHECK_FALSE(tracker.started());
}

TEST_CASE("reply tracker: replies that lie in one buffer") {
  for (const Capabilities capabilities : {kTracks, kTracks | kDeprecateEof}) {
    Packets p(capabilities);
    rows(p, 2);
    p.next_reply().ok();
    p.next_reply().prepared(1, 1, 1).definitions(1).definitions(1);
    p.next_reply().payload("Uptime: 5");
    p.next_reply().definition("id").end_of_rows();
    p.next_reply().err();
    p.next_reply().binary_row("\0\1").end_of_rows();
    const std::vector<Shape> shapes = {Shape::result, Shape::ok,          Shape::prepare,
                                       Shape::text,   Shape::definitions, Shape::result,
                                       Shape::rows};
    const Replay seen = replay_every_way({shapes, capabilities, p.bytes()});
    CHECK(seen.replies == shapes.size());
    std::size_t ends = 0;
    for (const auto& event : seen.events) ends += event.last ? 1 : 0;
    CHECK(ends == shapes.size());
  }
}

TEST_CASE("reply tracker: the bytes behind a reply are left alone") {
  const std::string reply = Packets().ok().bytes();
  const std::string read = reply + "more";
  ReplyTracker tracker(Shape::ok, 0);
  const auto step = tracker.step(test::ExactBytes(read).writable());
  CHECK(step.last);
  CHECK(step.consumed == reply.size());
  CHECK(tracker.step(test::ExactBytes("more").writable()).consumed == 0);
}

TEST_CASE("reply tracker: the status is that of the newest packet that has one") {
  for (const Capabilities capabilities : {kTracks, kTracks | kDeprecateEof}) {
    Packets p(capabilities);
    rows(p, 1, kMore | kStatusInTransaction);
    p.ok(kStatusInTransaction).next_reply();
    const Replay seen = replay_every_way({{Shape::result}, capabilities, p.bytes()});
    REQUIRE(seen.events.size() == 2);
    CHECK(seen.events[0].status == (kMore | kStatusInTransaction));
    CHECK(seen.events[1].status == kStatusInTransaction);
  }
  Packets failed;
  failed.err();
  CHECK(replay_every_way({{Shape::ok}, 0, failed.bytes()}).events.at(0).status == 0);
}

TEST_CASE("reply tracker: the packet of an event is shown whole, changes of the session included") {
  const std::string changes =
      test::variable_entry("autocommit", "OFF") + test::schema_entry("shop");
  Packets p(kTracks | kDeprecateEof);
  p.column_count(1).definitions(1).end_of_rows(kAuto, changes);
  const Replay seen = replay_every_way({{Shape::result}, kTracks | kDeprecateEof, p.bytes()});
  REQUIRE(seen.events.size() == 1);
  const auto ok = decode_ok(as_bytes(seen.events[0].packet).subspan(kFrameHeaderSize), kTracks);
  REQUIRE(ok);
  CHECK(as_text(ok->session_changes) == changes);
}

TEST_CASE("reply tracker: what no server says") {
  struct Bad {
    const char* name;
    Shape shape;
    Capabilities capabilities;
    std::function<void(Packets&)> write;
  };
  const Bad cases[] = {
      {"an empty head", Shape::result, 0, [](Packets& p) { p.payload(""); }},
      {"an empty head of text", Shape::text, 0, [](Packets& p) { p.payload(""); }},
      {"EOF to a query", Shape::result, 0, [](Packets& p) { p.eof(); }},
      {"EOF to a prepare", Shape::prepare, 0, [](Packets& p) { p.eof(); }},
      {"columns where only OK may be", Shape::ok, 0, [](Packets& p) { p.column_count(1); }},
      {"a file where only OK may be", Shape::ok, 0, [](Packets& p) { p.local_infile("x"); }},
      {"a file to a prepare", Shape::prepare, 0, [](Packets& p) { p.local_infile("x"); }},
      {"a column count with more behind", Shape::result, 0, [](Packets& p) { p.payload("\1\1"); }},
      {"a column count cut short", Shape::result, 0, [](Packets& p) { p.payload("\xfc\1"); }},
      {"no columns, said at length", Shape::result, 0, [](Packets& p) { p.payload("\xfc\0\0"s); }},
      {"2^64-1 columns", Shape::result, 0, [](Packets& p) { p.column_count(~std::uint64_t{0}); }},
      {"65536 columns", Shape::result, 0, [](Packets& p) { p.column_count(65536); }},
      {"an ERR of one byte", Shape::ok, 0, [](Packets& p) { p.payload("\xff"); }},
      {"an ERR without SQLSTATE", Shape::result, 0,
       [](Packets& p) { p.payload("\xff\x28\4no state"); }},
      {"an ERR with half of a SQLSTATE", Shape::rows, 0,
       [](Packets& p) { p.payload("\xff\x28\4#420"); }},
      {"an OK with a change longer than all of them", Shape::ok, kTracks,
       [](Packets& p) { p.payload("\0\0\0\2\x40\0\0\0\4\0\5ab"s); }},
      {"an OK with a variable longer than its change", Shape::ok, kTracks,
       [](Packets& p) { p.payload("\0\0\0\2\x40\0\0\0\5\0\3\5ab"s); }},
      {"an OK cut short", Shape::ok, 0, [](Packets& p) { p.payload("\0\0\0\2"s); }},
      {"an OK whose text is cut", Shape::ok, 0,
       [](Packets& p) { p.payload("\0\0\0\2\0\0\0\5ab"s); }},
      {"an OK whose changes are cut", Shape::ok, kTracks,
       [](Packets& p) { p.payload("\0\0\0\2\x40\0\0\0\5ab"s); }},
      {"a prepare cut short", Shape::prepare, 0, [](Packets& p) { p.payload("\0\1\0\0\0\1"s); }},
      {"an EOF of a wrong size", Shape::result, 0,
       [](Packets& p) { p.column_count(1).definition("id").payload("\xfe\0\0\2"s); }},
      {"no EOF behind definitions", Shape::result, 0,
       [](Packets& p) { p.column_count(1).definition("id").definition("id"); }},
      {"an OK instead of that EOF", Shape::result, 0,
       [](Packets& p) { p.column_count(1).definition("id").payload("\xfe\0\0\2\0\0\0\1x"s); }},
      {"an empty packet instead of that EOF", Shape::result, 0,
       [](Packets& p) { p.column_count(1).definition("id").payload(""); }},
      {"an empty packet there, with an EOF behind it", Shape::result, 0,
       [](Packets& p) { p.column_count(1).definition("id").payload("").bare("\xfe\0\0\2\0"s); }},
      {"an empty packet there, with the head of an ERR behind it", Shape::result, 0,
       [](Packets& p) { p.column_count(1).definition("id").payload("").bare("\xff"); }},
      {"an EOF of a wrong size behind rows", Shape::rows, 0,
       [](Packets& p) { p.payload("\xfe\0\0\2\0\0\0"s); }},
      {"an OK that ends rows, cut short", Shape::rows, kDeprecateEof,
       [](Packets& p) { p.payload("\xfe\0\0\2"s); }},
      {"an ERR above the limit", Shape::ok, 0,
       [](Packets& p) { p.payload('\xff' + std::string(ReplyTracker::kMaxKept, 'x')); }},
  };
  for (const Bad& bad : cases) {
    INFO(bad.name);
    Packets p(bad.capabilities);
    bad.write(p);
    const ReplyScript script{{bad.shape}, bad.capabilities, p.bytes()};
    const Replay seen = p.bytes().size() < 1000 ? replay_every_way(script) : replay_whole(script);
    CHECK(seen.malformed);
    CHECK(seen.boundary);
    CHECK(seen.replies == 0);
    REQUIRE(seen.events.size() == 1);
    CHECK(seen.events[0].last);
    CHECK(p.bytes().starts_with(seen.forwarded));
  }
}

// A value of 16 MiB and more has the same first byte as the packet that ends rows.
TEST_CASE("reply tracker: rows of several frames") {
  std::string huge;
  ByteWriter(huge).lenenc_text(std::string(2 * kMaxFramePayload - 9, '\xff'));
  std::string full;  // ends with its frame too, so an empty one follows
  ByteWriter(full).lenenc_text(std::string(kMaxFramePayload - 4, '\xfe'));
  REQUIRE(full.size() == kMaxFramePayload);
  REQUIRE(static_cast<unsigned char>(huge[0]) == 0xfe);
  std::string short_value;  // 0xfd, and its second frame begins like an ERR
  ByteWriter(short_value).lenenc_text(std::string(kMaxFramePayload - 2, '\xff'));

  for (const Capabilities capabilities : {Capabilities{0}, kDeprecateEof}) {
    Packets p(capabilities);
    p.column_count(1).definitions(1);
    std::vector<std::size_t> cuts;
    const auto around = [&] {
      for (std::size_t d = 6; d > 0; --d) cuts.push_back(p.bytes().size() - d);
      for (std::size_t d = 0; d < 7; ++d) cuts.push_back(p.bytes().size() + d);
    };
    for (const std::string* row : {&huge, &full, &short_value}) {
      const std::size_t begin = p.bytes().size();
      for (std::size_t d = 0; d < 7; ++d) cuts.push_back(begin + d);
      for (std::size_t d = 0; d < 12; ++d) cuts.push_back(begin + kMaxFramePayload - 2 + d);
      p.payload(*row);
      p.text_row({"1"});
    }
    around();
    p.end_of_rows();
    std::erase_if(cuts, [&](std::size_t cut) { return cut >= p.bytes().size(); });
    std::sort(cuts.begin(), cuts.end());

    const ReplyScript script{{Shape::result}, capabilities, p.bytes()};
    const Replay whole = test::replay_whole(script);
    CHECK(whole.kinds() == Events{capabilities == 0 ? Event::eof : Event::ok});
    CHECK(whole.forwarded == script.bytes);
    CHECK(whole.events.at(0).next_sequence == p.next_sequence());
    CHECK((test::replay_cut_at(script, cuts) == whole));
  }
}

TEST_CASE("reply tracker: where a packet ends, for an error that must follow") {
  Packets p;
  p.column_count(1).definitions(1).text_row({"abcdef"});
  const std::size_t after_row = p.bytes().size();
  p.end_of_rows();
  const auto boundary_after = [&](std::size_t size) {
    const ReplyScript script{{Shape::result}, 0, p.bytes()};
    test::Replayer replayer(script);
    replayer.read(std::string_view(p.bytes()).substr(0, size));
    return replayer.seen().boundary;
  };
  CHECK(boundary_after(after_row));
  CHECK_FALSE(boundary_after(after_row - 1));
  CHECK_FALSE(boundary_after(after_row - 6));
  // The beginning of the EOF is kept back, so the client has only whole packets.
  for (std::size_t size = after_row; size < p.bytes().size(); ++size) CHECK(boundary_after(size));
}

TEST_CASE("reply tracker: numbers and beginnings") {
  ReplyTracker tracker(Shape::result, 0);
  CHECK(tracker.next_sequence() == 1);
  CHECK_FALSE(tracker.started());
  Packets p;
  p.column_count(1);
  tracker.step(test::ExactBytes(p.bytes()).writable().first(2));
  CHECK(tracker.started());
  CHECK(tracker.next_sequence() == 1);
  tracker.step(test::ExactBytes(p.bytes()).writable().subspan(2));
  CHECK(tracker.next_sequence() == 2);
}

}  // namespace
}  // namespace weir::protocol
