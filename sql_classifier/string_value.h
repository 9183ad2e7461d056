// What a string in a text stands for.

#pragma once

#include <string>

#include "sql_classifier/lexer.h"

namespace weir::sql {

// Without escapes and doubled quotes. The token is of type `string`, and its quotes are in the text
// around it.
std::string string_value(const Token& string, bool no_backslash_escapes);

}  // namespace weir::sql
