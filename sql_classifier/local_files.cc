#include "sql_classifier/local_files.h"

#include <algorithm>

#include "sql_classifier/string_value.h"

namespace weir::sql {
namespace {

void add_files(std::string_view text, LexMode mode, std::vector<std::string>& files) {
  Lexer lexer(text, mode);
  for (; lexer.token().type != TokenType::end; lexer.advance()) {
    if (lexer.token().type == TokenType::string && is_word(lexer.passed(1), "infile") &&
        is_word(lexer.passed(2), "local")) {
      files.push_back(string_value(lexer.token(), mode.no_backslash_escapes));
    }
  }
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::vector<std::string> local_files(std::string_view text, const TextOptions& options) {
  std::vector<std::string> files;
  add_files(text, {options.ansi_quotes, options.no_backslash_escapes}, files);
  if (options.sql_mode_known) return files;
  for (const bool ansi : {false, true}) {
    for (const bool raw : {false, true}) add_files(text, {ansi, raw}, files);
  }
  return files;
}

bool names_file(const std::vector<std::string>& named, std::string_view file) {
  return std::any_of(named.begin(), named.end(), [file](const std::string& name) {
    return name == file || (!is_ascii(name) && !is_ascii(file));
  });
}

}  // namespace weir::sql
