// The one way into the classifier.

#pragma once

#include <string_view>

#include "sql_classifier/classification.h"

namespace weir::sql {

// Reads `text` once, from its first to at most its last byte, and says what it is. Allocates
// nothing, keeps nothing, throws nothing; any bytes are accepted. Safe from any thread.
//
// Doubt always falls to Placement::primary: unknown words, unterminated quotes or comments, bytes
// that the options make ambiguous, and truncated text are never Placement::any.
Classification classify(std::string_view text, const TextOptions& options = {}) noexcept;

}  // namespace weir::sql
