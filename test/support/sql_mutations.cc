#include "test/support/sql_mutations.h"

#include <array>
#include <utility>

namespace weir::test {
namespace {

// A text is cut into pieces, whose concatenation is the text.
enum class PieceKind { code, space, quoted, comment };

struct Piece {
  PieceKind kind;
  std::string_view text;
};

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_line_comment(std::string_view s) {
  if (s.front() == '#') return true;
  return s.substr(0, 2) == "--" && (s.size() == 2 || is_space(s[2]));
}

// The length of the quoted text at the front of `s`; all of `s` when it is not terminated.
std::size_t quoted_length(std::string_view s, const sql::TextOptions& options) {
  const char quote = s.front();
  const bool is_name = quote == '`' || (quote == '"' && options.ansi_quotes);
  const bool escapes = !is_name && !options.no_backslash_escapes;
  for (std::size_t i = 1; i < s.size(); ++i) {
    if (escapes && s[i] == '\\') {
      ++i;
    } else if (s[i] == quote) {
      if (i + 1 == s.size() || s[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return s.size();
}

// The same for a comment. A versioned one counts as a whole, so that nothing inside is touched.
std::size_t comment_length(std::string_view s) {
  if (s.front() == '/') {
    const auto end = s.find("*/", 2);
    return end == std::string_view::npos ? s.size() : end + 2;
  }
  const auto end = s.find('\n');
  return end == std::string_view::npos ? s.size() : end + 1;
}

Piece first_piece(std::string_view s, const sql::TextOptions& options) {
  const char c = s.front();
  if (c == '\'' || c == '"' || c == '`') {
    return {PieceKind::quoted, s.substr(0, quoted_length(s, options))};
  }
  if (starts_line_comment(s) || s.substr(0, 2) == "/*") {
    return {PieceKind::comment, s.substr(0, comment_length(s))};
  }
  std::size_t end = 1;
  if (is_space(c)) {
    while (end < s.size() && is_space(s[end])) ++end;
    return {PieceKind::space, s.substr(0, end)};
  }
  // A word, so that letter case and neighbours can be judged; any other byte stands alone.
  if (is_letter(c)) {
    while (end < s.size() && is_letter(s[end])) ++end;
  }
  return {PieceKind::code, s.substr(0, end)};
}

std::vector<Piece> cut(std::string_view text, const sql::TextOptions& options) {
  std::vector<Piece> pieces;
  while (!text.empty()) {
    pieces.push_back(first_piece(text, options));
    text.remove_prefix(pieces.back().text.size());
  }
  return pieces;
}

enum class LetterCase { upper, lower, mixed };

std::string with_case(const std::vector<Piece>& pieces, LetterCase wanted) {
  std::string out;
  std::size_t letters = 0;
  bool after_backslash = false;
  for (const auto& piece : pieces) {
    for (const char c : piece.text) {
      const bool upper =
          wanted == LetterCase::upper || (wanted == LetterCase::mixed && letters % 2);
      const bool keep = piece.kind != PieceKind::code || after_backslash;
      out += keep ? c : (upper ? to_upper(c) : to_lower(c));
      if (is_letter(c)) ++letters;
    }
    after_backslash = piece.kind == PieceKind::code && piece.text == "\\";
  }
  return out;
}

bool has_code_before(const std::vector<Piece>& pieces, std::size_t index) {
  for (std::size_t i = 0; i < index; ++i) {
    if (pieces[i].kind != PieceKind::space && pieces[i].kind != PieceKind::comment) return true;
  }
  return false;
}

// White space after a routing hint or before the first word, and between a name and its
// parenthesis, is no place for a comment.
bool takes_comment(const std::vector<Piece>& pieces, std::size_t index) {
  if (pieces[index].kind != PieceKind::space || !has_code_before(pieces, index)) return false;
  return index + 1 == pieces.size() || pieces[index + 1].text.front() != '(';
}

std::string with_space(const std::vector<Piece>& pieces, std::string_view space) {
  std::string out;
  for (const auto& piece : pieces) out += piece.kind == PieceKind::space ? space : piece.text;
  return out;
}

std::string with_comments(const std::vector<Piece>& pieces, std::string_view comment) {
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    out += takes_comment(pieces, i) ? comment : pieces[i].text;
  }
  return out;
}

// Whether every server cuts the text into these pieces: no versioned comment holds a quote or the
// beginning of another comment, which a server that skips the comment does not see.
bool is_certain(const std::vector<Piece>& pieces) {
  for (const auto& piece : pieces) {
    const bool versioned = piece.text.starts_with("/*!") || piece.text.starts_with("/*M!");
    if (piece.kind != PieceKind::comment || !versioned) continue;
    const auto content = piece.text.substr(3);
    if (content.find_first_of("'\"`#") != std::string_view::npos) return false;
    if (content.find("--") != std::string_view::npos) return false;
    if (content.find("/*") != std::string_view::npos) return false;
  }
  return true;
}

// Whether the text ends inside a comment that something after it could close.
bool ends_in_open_comment(const std::vector<Piece>& pieces) {
  if (pieces.empty() || !pieces.back().text.starts_with("/*")) return false;
  return pieces.back().text.size() < 4 || !pieces.back().text.ends_with("*/");
}

// Whether a semicolon after the text would end a statement, rather than be one too many.
bool takes_semicolon(const std::vector<Piece>& pieces) {
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    if (piece->kind == PieceKind::space || piece->kind == PieceKind::comment) continue;
    return piece->text != ";";
  }
  return false;
}

}  // namespace

std::vector<Mutation> mutations_of(std::string_view text, const sql::TextOptions& options) {
  std::vector<Mutation> out;
  if (!options.ascii_safe_charset) return out;
  const auto pieces = cut(text, options);
  if (!is_certain(pieces) || ends_in_open_comment(pieces)) return out;
  out.push_back({"upper case", with_case(pieces, LetterCase::upper)});
  out.push_back({"lower case", with_case(pieces, LetterCase::lower)});
  out.push_back({"mixed case", with_case(pieces, LetterCase::mixed)});
  static constexpr std::array kSpaces = {
      std::pair{"one space", " "},
      std::pair{"tabs", "\t\t"},
      std::pair{"new lines", "\n"},
      std::pair{"CR LF", "\r\n"},
      std::pair{"a run of space", " \n\t \r\n "},
  };
  for (const auto& [name, space] : kSpaces) out.push_back({name, with_space(pieces, space)});
  static constexpr std::array kComments = {
      std::pair{"block comments", " /* x */ "},
      std::pair{"tight block comments", "/**/"},
      std::pair{"misleading comments", " /* ' FOR UPDATE; INTO @a */ "},
      std::pair{"hash comments", " # x\n"},
      std::pair{"dash comments", " -- x\n"},
      std::pair{"unbalanced line comments", "-- it's \" ` ( /*\n"},
  };
  for (const auto& [name, comment] : kComments)
    out.push_back({name, with_comments(pieces, comment)});
  if (takes_semicolon(pieces)) {
    out.push_back({"a last semicolon", std::string(text) + ";"});
    out.push_back({"a last semicolon and space", std::string(text) + " ;\n "});
    out.push_back({"a last semicolon and comment", std::string(text) + "\n; -- x"});
  }
  out.push_back({"leading space", "\n\t " + std::string(text)});
  out.push_back({"a last block comment", std::string(text) + " /* x */"});
  out.push_back({"a last hash comment", std::string(text) + " # x"});
  out.push_back({"a last dash comment", std::string(text) + "\n-- x"});
  return out;
}

}  // namespace weir::test
