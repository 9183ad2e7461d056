// Rewrites of an SQL text that a server reads as the same statement.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql_classifier/classification.h"

namespace weir::test {

struct Mutation {
  std::string name;  // "upper case"
  std::string text;
};

// Every mutation of `text`, none of which may change what the statement is: letter case outside
// quotes and comments, other white space, plain comments at white space, a last semicolon, a last
// comment. Texts that servers may cut differently (character set, quotes in versioned comments) are
// left alone.
std::vector<Mutation> mutations_of(std::string_view text, const sql::TextOptions& options);

}  // namespace weir::test
