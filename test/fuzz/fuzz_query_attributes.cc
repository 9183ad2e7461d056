// COM_QUERY with attributes from a hostile client: the text is inside the command, does not depend
// on what follows its beginning, and is never found in a command that is cut in front of it. And
// back: a statement that weir sends is found again.
//
// Input: the payload of the command, or the statement.

#include <cstdlib>
#include <string>

#include "protocol/frame.h"
#include "protocol/query_attributes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::protocol;
  const Bytes payload(data, size);
  const auto require = [](bool condition) {
    if (!condition) std::abort();
  };
  for (const Capabilities capabilities : {Capabilities{0}, kQueryAttributes}) {
    std::string sent;
    append_query(sent, as_text(payload), capabilities);
    const auto found = query_text(as_bytes(sent).subspan(kFrameHeaderSize), capabilities);
    require(found && as_text(*found) == as_text(payload));
  }
  const auto text = query_text(payload, kQueryAttributes);
  if (!text) return 0;
  require(text->size() < size && text->data() + text->size() == data + size);
  const std::size_t at = size - text->size();
  const auto bare = query_text(payload.first(at), kQueryAttributes);
  require(bare && bare->empty());
  require(!query_text(payload.first(at - 1), kQueryAttributes));
  return 0;
}
