// The files of a client that a text makes the server ask for: LOAD DATA LOCAL, LOAD XML LOCAL. For
// texts that do, so it allocates.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql_classifier/classification.h"

namespace weir::sql {

// As the server asks for them. Where the session's sql_mode is not known, as it may ask under any.
// Any bytes are accepted.
std::vector<std::string> local_files(std::string_view text, const TextOptions& options);

// A server that asks for `file` keeps to a text that names these. Servers may turn a name into
// another character set, so of one with bytes above 127 only that is asked of the other.
bool names_file(const std::vector<std::string>& named, std::string_view file);

}  // namespace weir::sql
