// The laws of the digest, on any bytes: one text has one digest, what is cut is a beginning of the
// whole, equal normalised texts have equal digests, and a plain comment and white space at the end
// change neither. The first byte chooses the options, the second the room for the normalised text.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sql_classifier/digest.h"
#include "sql_classifier/lexer.h"
#include "sql_classifier/objects.h"

namespace {

using namespace weir::sql;

void require(bool law, const char* what) {
  if (law) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

std::string normalised(std::string_view text, const TextOptions& options, std::size_t room) {
  std::string out(room, '\0');
  out.resize(normalise(text, options, out.data(), room));
  return out;
}

bool ends_between_tokens(std::string_view text, const TextOptions& options) {
  Lexer lexer(text, {options.ansi_quotes, options.no_backslash_escapes, false, true});
  lexer.skip_text();
  // Two bytes that are only the beginning of a comment.
  const bool begun = !text.empty() && (text.back() == '-' || text.back() == '/');
  return !lexer.unterminated() && !lexer.doubtful() && !begun;
}

// Every event lies in the text, and its names in its piece's neighbourhood: in the text.
void check_objects(std::string_view text, const TextOptions& options) {
  visit_objects(text, options, [&](const Object& object) {
    require(object.offset + object.length <= text.size(), "a piece is inside the text");
    const auto inside = [&](std::string_view view) {
      return view.empty() ||
             (view.data() >= text.data() && view.data() + view.size() <= text.data() + text.size());
    };
    require(inside(object.schema) && inside(object.name), "a name is inside the text");
    require(object.event == ObjectEvent::unclear || object.event == object.family,
            "what is clear is its own family");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  TextOptions options;
  options.ansi_quotes = (data[0] & 1) != 0;
  options.no_backslash_escapes = (data[0] & 2) != 0;
  // A copy of exactly this size, so that a read beyond the end is seen.
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string whole = normalised(text, options, 4 * text.size() + 16);
  require(whole.size() <= 3 * text.size() + 8, "a normalised text is not much longer");
  require(normalised(text, options, data[1]) == whole.substr(0, data[1]), "cut at any byte");
  const std::uint64_t name = digest(text, options);
  require(name == digest(text, options), "one text, one digest");
  if (ends_between_tokens(text, options)) {
    require(digest(text + " /* it's */ ", options) == name, "a comment changes nothing");
    require(digest(text + "\n;", options) == name, "a last semicolon changes nothing");
  }
  check_objects(text, options);
  return 0;
}
