// Reads the body of a query, an expression or a list of them, and notes what would make its answer
// or its effect depend on the server or the connection.

#pragma once

#include "sql_classifier/facts.h"
#include "sql_classifier/lexer.h"

namespace weir::sql {

struct ScanOptions {
  bool calls = true;           // NAME( may be a stored function; false where it may be a column
  bool stop_at_comma = false;  // at a comma outside parentheses: one assignment of a SET
  bool stop_at_for = false;    // at FOR outside parentheses: SET STATEMENT ... FOR
  bool assigns = false;        // every user variable may be written: CALL p(@out)
};

// Reads from the current token to the end of the statement, or to where the options say.
void scan_query(Lexer& lexer, Facts& facts, ScanOptions options = {}) noexcept;

}  // namespace weir::sql
