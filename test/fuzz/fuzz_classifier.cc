// The laws of the classifier, on any bytes: it does not crash, it gives one answer, text that is
// cut is never safe, what is safe while the sql_mode or the character set is not known is safe in
// each, and a plain comment between two tokens changes nothing. The first byte chooses the options,
// the second the token.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sql_classifier/classifier.h"
#include "sql_classifier/lexer.h"
#include "sql_classifier/local_files.h"
#include "sql_classifier/prepared_text.h"

namespace {

using namespace weir::sql;

TextOptions options_from(std::uint8_t bits) {
  TextOptions options;
  options.ansi_quotes = (bits & 1) != 0;
  options.no_backslash_escapes = (bits & 2) != 0;
  options.sql_mode_known = (bits & 4) == 0;
  options.ascii_safe_charset = (bits & 8) == 0;
  options.hints = (bits & 16) == 0;
  options.truncated = (bits & 32) != 0;
  return options;
}

void require(bool law, const char* what) {
  if (law) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

bool same_verdict(const Classification& a, const Classification& b) {
  return a.kind == b.kind && a.placement == b.placement && a.reason == b.reason &&
         a.statements == b.statements && a.effects == b.effects && a.hint == b.hint &&
         a.names_collation == b.names_collation;
}

// Where the n-th token of the text ends; the text's size when it has no such token, or when a
// comment there would not be between tokens: next to a dot, an @ or "(", where white space has a
// meaning, or inside an executable comment.
std::size_t boundary(std::string_view text, const TextOptions& options, unsigned n) {
  Lexer lexer(text, {options.ansi_quotes, options.no_backslash_escapes, false});
  while (n-- > 0 && lexer.token().type != TokenType::end) lexer.next();
  const Token token = lexer.token();
  switch (token.type) {
    case TokenType::word:
    case TokenType::number:
    case TokenType::comma:
    case TokenType::close:
      break;
    default:
      return text.size();
  }
  const std::size_t at =
      static_cast<std::size_t>(token.text.data() - text.data()) + token.text.size();
  constexpr std::string_view kFree = " \t\n,);=<>+";
  return at < text.size() && kFree.find(text[at]) != std::string_view::npos ? at : text.size();
}

void check_comment(std::string_view text, const TextOptions& options, unsigned token,
                   const Classification& verdict) {
  if (text.find("/*!") != std::string_view::npos || text.find("/*M!") != std::string_view::npos)
    return;
  const std::size_t at = boundary(text, options, token);
  // With an unknown sql_mode the place may be inside a string in another reading.
  if (at >= text.size() || !options.sql_mode_known) return;
  std::string commented(text);
  commented.insert(at, "/* it's \"plain\" */");
  require(same_verdict(verdict, classify(commented, options)), "a comment changes nothing");
}

// To know less never makes a text safe.
void check_doubt(std::string_view text, TextOptions options) {
  options.truncated = false;
  options.sql_mode_known = false;
  options.ascii_safe_charset = true;
  const bool safe = classify(text, options).placement != Placement::primary;
  options.ascii_safe_charset = false;
  const bool safe_in_any_charset = classify(text, options).placement != Placement::primary;
  require(safe || !safe_in_any_charset, "an unknown character set is not safer");
  if (!safe) return;
  options.ascii_safe_charset = true;
  options.sql_mode_known = true;
  for (unsigned mode = 0; mode < 4; ++mode) {
    options.ansi_quotes = (mode & 1) != 0;
    options.no_backslash_escapes = (mode & 2) != 0;
    require(classify(text, options).placement != Placement::primary,
            "an unknown sql_mode is not safer");
  }
}

// What is taken out of a text is no longer than the text, and what is sure is also there when the
// sql_mode is not.
void check_strings(std::string_view text, TextOptions options) {
  for (const std::string& prepared : prepared_texts(text, options).texts)
    require(prepared.size() <= text.size(), "a prepared text is a part of the text");
  options.sql_mode_known = true;
  const auto files = local_files(text, options);
  options.sql_mode_known = false;
  const auto any = local_files(text, options);
  for (const std::string& file : files) {
    require(file.size() <= text.size(), "the name of a file is a part of the text");
    require(names_file(any, file), "a file is also one when the sql_mode is not known");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  TextOptions options = options_from(data[0]);
  // A copy of exactly this size, so that a read beyond the end is seen.
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Classification verdict = classify(text, options);
  require(same_verdict(verdict, classify(text, options)), "one text, one answer");
  require(verdict.placement == Placement::primary || !options.truncated, "cut text is not safe");
  require((verdict.statements == 0) == (verdict.kind == StatementKind::empty),
          "an empty text has no statement");
  require(reason_name(verdict.reason) != "invalid" && kind_name(verdict.kind) != "invalid",
          "everything has a name");
  check_comment(text, options, data[1], verdict);
  check_doubt(text, options);
  check_strings(text, options);
  options.truncated = true;
  require(classify(text, options).placement == Placement::primary, "cut text is not safe");
  return 0;
}
