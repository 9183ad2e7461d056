#include "proxy/core/refused_write.h"

#include <initializer_list>
#include <string>

#include "test/support/catch.h"
#include "test/support/packets.h"

namespace weir {
namespace {

using test::Packets;

constexpr const char* kByTransaction = "Cannot execute statement in a READ ONLY transaction.";

std::string text_row(std::initializer_list<std::string_view> values) {
  return Packets({}, 200).text_row(values).bytes();
}

std::string binary_row(std::string_view level, std::uint32_t code, std::string_view message) {
  std::string out;
  protocol::ByteWriter(out).zeros(2).lenenc_text(level).int4(code).lenenc_text(message);
  return Packets({}, 200).payload(out).bytes();
}

std::string translated(std::string_view packet, bool binary = false) {
  return as_refused_by_transaction(protocol::as_bytes(packet), binary);
}

TEST_CASE("refused write: the transaction is named in place of the server") {
  for (const char* code : {"1290", "1836"}) {
    CHECK(translated(text_row({"Error", code, "read-only"})) ==
          text_row({"Error", "1792", kByTransaction}));
  }
  CHECK(translated(binary_row("Error", 1290, "read-only"), true) ==
        binary_row("Error", 1792, kByTransaction));
}

TEST_CASE("refused write: all other rows stay as they are") {
  CHECK(translated(text_row({"Error", "1146", "no such table"})) == "");
  CHECK(translated(text_row({"Warning", "1290", "read-only"})) == "");
  CHECK(translated(text_row({"Error", "66826", "1290 and 2^16"})) == "");
  CHECK(translated(text_row({"Error", "1290x", "read-only"})) == "");
  CHECK(translated(text_row({"1290"})) == "");
  CHECK(translated(text_row({"Error", "1290", "read-only", "one more"})) == "");
  CHECK(translated(binary_row("Note", 1290, "read-only"), true) == "");
  CHECK(translated(binary_row("Error", 66826, "1290 and 2^16"), true) == "");
}

TEST_CASE("refused write: a cut row stays as it is") {
  for (const bool binary : {false, true}) {
    const std::string whole =
        binary ? binary_row("Error", 1290, "read-only") : text_row({"Error", "1290", "read-only"});
    for (std::size_t size = protocol::kFrameHeaderSize; size < whole.size(); ++size) {
      CHECK(translated(whole.substr(0, size), binary) == "");
    }
  }
}

}  // namespace
}  // namespace weir
