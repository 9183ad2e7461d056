// COM_STMT_EXECUTE from a hostile client: understood within its bounds, and types that are put in
// are found again.
//
// Input: the number of parameters in two bytes, a byte of options, then the command.

#include <cstdlib>
#include <string>

#include "proxy/core/prepared_statements.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  protocol::ByteReader in({data, size});
  const std::uint16_t parameters = in.int2();
  const protocol::Capabilities capabilities = (in.int1() & 1) != 0 ? protocol::kQueryAttributes : 0;
  const protocol::Bytes payload = in.rest();
  const auto layout = parse_execute(payload, parameters, capabilities);
  if (!layout) return 0;
  const auto require = [](bool condition) {
    if (!condition) std::abort();
  };
  const bool bulk = payload[0] == 0xfa;
  const std::size_t least = layout->has_types ? parameters * 2u : 0u;
  require(layout->types.size() >= least);
  if (capabilities == 0 || bulk) require(layout->types.size() == least);
  if (layout->types_flag_at == 0 || layout->has_types) return 0;

  const bool named = capabilities != 0 && !bulk;
  std::string types;
  for (unsigned i = 0; i < parameters; ++i)
    types.append(named ? "\x08\0\1n" : "\x08\0", named ? 4 : 2);
  const std::string inserted = insert_types(payload, *layout, types);
  require(inserted.size() == payload.size() + types.size());
  const auto again = parse_execute(protocol::as_bytes(inserted), parameters, capabilities);
  require(again && again->has_types && again->types == types && again->cursor == layout->cursor);
  const std::size_t values = layout->types_at;
  require(std::string_view(inserted).substr(values + types.size()) ==
          protocol::as_text(payload).substr(values));
  return 0;
}
