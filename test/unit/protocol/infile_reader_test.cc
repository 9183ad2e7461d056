#include "protocol/infile_reader.h"

#include <string>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::ExactBytes;

std::string packet(std::string_view payload, std::uint8_t sequence) {
  std::string out;
  append_frames(out, payload, sequence);
  return out;
}

// Feeds bytes and answers what of them was the file's, as it is to be sent on.
std::string feed(InfileReader& reader, std::string_view bytes) {
  ExactBytes exact(bytes);
  return std::string(as_text(Bytes(exact).first(reader.step(exact.writable()))));
}

TEST_CASE("infile reader: the empty packet ends the file, wherever it is cut") {
  for (const std::string& file :
       {packet("", 2), packet("one,two\n", 2) + packet("", 3),
        packet("USE elsewhere", 2) + packet("\xff\xfe", 3) + packet("", 4)}) {
    const std::string bytes = file + "next";
    for (std::size_t cut = 0; cut <= file.size(); ++cut) {
      InfileReader reader;
      std::string seen = feed(reader, bytes.substr(0, cut));
      seen += feed(reader, bytes.substr(cut));
      CHECK(seen == file);
      CHECK(reader.done());
      CHECK(feed(reader, "next").empty());
    }
    InfileReader reader;
    for (std::size_t i = 0; i < file.size(); ++i) {
      CHECK_FALSE(reader.done());
      CHECK(feed(reader, file.substr(i, 1)) == file.substr(i, 1));
    }
    CHECK(reader.done());
  }
}

TEST_CASE("infile reader: an empty frame behind a full one ends only the packet") {
  const std::string full = packet(std::string(kMaxFramePayload, 'x'), 2);  // with its empty frame
  const std::string file = full + packet("", 4);
  for (const std::size_t cut :
       {full.size() - 5, full.size() - 4, full.size() - 2, full.size(), full.size() + 1}) {
    InfileReader reader;
    std::string seen = feed(reader, file.substr(0, cut));
    seen += feed(reader, file.substr(cut));
    CHECK(seen == file);
    CHECK(reader.done());
  }
  InfileReader reader;
  CHECK(feed(reader, full).size() == full.size());
  CHECK_FALSE(reader.done());
}

TEST_CASE("infile reader: packets get the numbers that the server expects") {
  InfileReader reader(0xfe);
  std::string seen;
  for (const char byte : packet("one", 2) + packet("two", 3) + packet("", 9))
    seen += feed(reader, std::string(1, byte));
  CHECK(seen == packet("one", 0xfe) + packet("two", 0xff) + packet("", 0));
}

}  // namespace
}  // namespace weir::protocol
