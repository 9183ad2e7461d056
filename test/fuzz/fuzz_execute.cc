// COM_STMT_EXECUTE from a hostile client: understood within its bounds, and types that are put in
// are found again.
//
// Input: the number of parameters in two bytes, then the command.

#include <cstdlib>
#include <string>

#include "proxy/core/prepared_statements.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  protocol::ByteReader in({data, size});
  const std::uint16_t parameters = in.int2();
  const protocol::Bytes payload = in.rest();
  const auto layout = parse_execute(payload, parameters);
  if (!layout) return 0;
  const auto require = [](bool condition) {
    if (!condition) std::abort();
  };
  require(layout->types.size() == (layout->has_types ? parameters * 2u : 0u));
  if (parameters == 0) require(!layout->has_types);
  if (parameters == 0 || layout->has_types) return 0;

  const std::string types(parameters * 2u, '\x08');
  const std::string inserted = insert_types(payload, *layout, types);
  require(inserted.size() == payload.size() + types.size());
  const auto again = parse_execute(protocol::as_bytes(inserted), parameters);
  require(again && again->has_types && again->types == types && again->flags == layout->flags);
  const std::size_t values = layout->types_flag_at + 1;
  require(std::string_view(inserted).substr(values + types.size()) ==
          protocol::as_text(payload).substr(values));
  return 0;
}
