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

// Feeds the bytes, cut at one place, and answers how many of them were the file's.
std::size_t feed(InfileReader& reader, std::string_view bytes, std::size_t cut) {
  const ExactBytes first(bytes.substr(0, cut));
  const ExactBytes second(bytes.substr(cut));
  const std::size_t taken = reader.step(first);
  return reader.done() ? taken : taken + reader.step(second);
}

TEST_CASE("infile reader: the empty packet ends the file, wherever it is cut") {
  for (const std::string& file :
       {packet("", 2), packet("one,two\n", 2) + packet("", 3),
        packet("USE elsewhere", 2) + packet("\xff\xfe", 3) + packet("", 4)}) {
    for (std::size_t cut = 0; cut <= file.size(); ++cut) {
      InfileReader reader;
      CHECK(feed(reader, file + "next", cut) == file.size());
      CHECK(reader.done());
      CHECK(reader.last_sequence() == static_cast<std::uint8_t>(file.back()));
      CHECK(reader.step(as_bytes("next")) == 0);
    }
    InfileReader reader;
    for (std::size_t i = 0; i < file.size(); ++i) {
      CHECK_FALSE(reader.done());
      CHECK(reader.step(as_bytes(std::string_view(file).substr(i, 1))) == 1);
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
    CHECK(feed(reader, file, cut) == file.size());
    CHECK(reader.done());
    CHECK(reader.last_sequence() == 4);
  }
  InfileReader reader;
  CHECK(reader.step(as_bytes(full)) == full.size());
  CHECK_FALSE(reader.done());
}

}  // namespace
}  // namespace weir::protocol
