// Whether a stored function only reads, told from its text. What is not certain is no reader.

#pragma once

#include <memory>
#include <string_view>
#include <type_traits>

#include "sql_classifier/classification.h"
#include "sql_classifier/objects.h"

namespace weir::sql {

namespace detail {

bool function_reads_only(std::string_view definition, const TextOptions& options,
                         ObjectCallback callback);

}  // namespace detail

// Reads `definition`, a whole CREATE FUNCTION statement, under the sql_mode that the function was
// created with. True when running its body changes nothing and leaves nothing in the session, as
// far as that does not depend on the functions it calls: visitor(const Object&) is called for each
// of those, with ObjectEvent::calls_function or as unclear. What the visitor is told when the
// answer is false means nothing.
//
// Only bodies that begin with BEGIN or RETURN are read, and in them only statements which are known
// to be harmless, with their expressions and queries under the rules for plain reads.
template <typename Visitor>
bool function_reads_only(std::string_view definition, const TextOptions& options,
                         Visitor&& visitor) {
  using Callable = std::remove_reference_t<Visitor>;
  return detail::function_reads_only(
      definition, options,
      {const_cast<void*>(static_cast<const void*>(std::addressof(visitor))),
       [](void* callable, const Object& object) { (*static_cast<Callable*>(callable))(object); }});
}

}  // namespace weir::sql
