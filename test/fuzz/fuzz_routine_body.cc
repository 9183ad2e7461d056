// The body of a stored function, on any bytes: it is read within its bounds, and what RETURN may
// give without more than calls of functions is a plain read behind SELECT, too. The first byte
// chooses the sql_mode.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sql_classifier/classifier.h"
#include "sql_classifier/routine_body.h"

namespace {

using namespace weir::sql;

bool reads_only(const std::string& definition, const TextOptions& options) {
  return function_reads_only(definition, options, [&](const Object& object) {
    if (object.offset + object.length > definition.size()) std::abort();
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  TextOptions options;
  options.ansi_quotes = (data[0] & 1) != 0;
  options.no_backslash_escapes = (data[0] & 2) != 0;
  options.hints = false;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  reads_only(text, options);
  reads_only("CREATE FUNCTION f(a INT) RETURNS INT BEGIN DECLARE v INT; " + text, options);
  if (reads_only("CREATE FUNCTION f() RETURNS INT RETURN " + text, options)) {
    const Classification facts = classify("SELECT " + text, options);
    const bool reads = facts.placement == Placement::any || facts.only_stored_functions;
    if (!reads || facts.kind != StatementKind::read) std::abort();
  }
  return 0;
}
