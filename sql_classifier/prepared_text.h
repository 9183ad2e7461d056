// Texts inside of texts: what PREPARE name FROM '...' and EXECUTE IMMEDIATE '...' make the server
// run. For who must know every statement, so it allocates, and is not for each of them.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql_classifier/classification.h"

namespace weir::sql {

struct PreparedTexts {
  std::vector<std::string> texts;  // those that are literals, without escapes
  // False: something else than one literal or one user variable is prepared, so that a part of the
  // text may be in sight, but not all.
  bool clear = true;
};

// Wherever they stand in the text, also inside of blocks. Any bytes are accepted.
PreparedTexts prepared_texts(std::string_view text, const TextOptions& options);

}  // namespace weir::sql
