// Whether a read uses tables. Not for every statement: MariaDB makes a difference for the warnings
// that the statement before has left.

#pragma once

#include <string_view>

#include "sql_classifier/classification.h"

namespace weir::sql {

// True for a SELECT that certainly names no table, such as SELECT @@version. Where that is not
// certain it is false: FROM inside of a function, DUAL.
bool uses_no_table(std::string_view text, const TextOptions& options) noexcept;

}  // namespace weir::sql
