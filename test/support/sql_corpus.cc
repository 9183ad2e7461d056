#include "test/support/sql_corpus.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <utility>

namespace weir::test {
namespace {

using sql::Effect;
using sql::Placement;

constexpr std::array kEffectNames = {
    std::pair{std::string_view("begins_transaction"), Effect::begins_transaction},
    std::pair{std::string_view("begins_read_only_transaction"),
              Effect::begins_read_only_transaction},
    std::pair{std::string_view("ends_transaction"), Effect::ends_transaction},
    std::pair{std::string_view("sets_tracked_variable"), Effect::sets_tracked_variable},
    std::pair{std::string_view("sets_untracked_variable"), Effect::sets_untracked_variable},
    std::pair{std::string_view("sets_global_variable"), Effect::sets_global_variable},
    std::pair{std::string_view("sets_user_variable"), Effect::sets_user_variable},
    std::pair{std::string_view("sets_autocommit"), Effect::sets_autocommit},
    std::pair{std::string_view("sets_next_transaction"), Effect::sets_next_transaction},
    std::pair{std::string_view("sets_session_tracking"), Effect::sets_session_tracking},
    std::pair{std::string_view("sets_names"), Effect::sets_names},
    std::pair{std::string_view("changes_schema"), Effect::changes_schema},
    std::pair{std::string_view("creates_temporary_table"), Effect::creates_temporary_table},
    std::pair{std::string_view("drops_temporary_table"), Effect::drops_temporary_table},
    std::pair{std::string_view("locks_tables"), Effect::locks_tables},
    std::pair{std::string_view("unlocks_tables"), Effect::unlocks_tables},
    std::pair{std::string_view("takes_user_lock"), Effect::takes_user_lock},
    std::pair{std::string_view("releases_user_lock"), Effect::releases_user_lock},
    std::pair{std::string_view("prepares_text"), Effect::prepares_text},
    std::pair{std::string_view("deallocates_text"), Effect::deallocates_text},
    std::pair{std::string_view("opens_handler"), Effect::opens_handler},
    std::pair{std::string_view("closes_handler"), Effect::closes_handler},
    std::pair{std::string_view("calc_found_rows"), Effect::calc_found_rows},
    std::pair{std::string_view("local_infile"), Effect::local_infile},
    std::pair{std::string_view("changes_role"), Effect::changes_role},
    std::pair{std::string_view("uses_user_variable"), Effect::uses_user_variable},
    std::pair{std::string_view("xa_statement"), Effect::xa_statement},
    std::pair{std::string_view("calls_routine"), Effect::calls_routine},
    std::pair{std::string_view("profiling"), Effect::profiling},
    std::pair{std::string_view("ends_session"), Effect::ends_session},
    std::pair{std::string_view("asks_connection_id"), Effect::asks_connection_id},
    std::pair{std::string_view("uses_last_insert_id"), Effect::uses_last_insert_id},
    std::pair{std::string_view("sets_last_insert_id"), Effect::sets_last_insert_id},
    std::pair{std::string_view("asks_row_count"), Effect::asks_row_count},
    std::pair{std::string_view("asks_found_rows"), Effect::asks_found_rows},
    std::pair{std::string_view("asks_diagnostics"), Effect::asks_diagnostics},
    std::pair{std::string_view("kills"), Effect::kills},
    std::pair{std::string_view("shows_processlist"), Effect::shows_processlist},
    std::pair{std::string_view("drops_table"), Effect::drops_table},
    std::pair{std::string_view("renames_table"), Effect::renames_table},
    std::pair{std::string_view("changes_routines"), Effect::changes_routines},
    std::pair{std::string_view("asks_sequence"), Effect::asks_sequence},
};

// What a line's parser knows of its surroundings.
struct Section {
  sql::TextOptions options;
  bool oracle = true;
  bool repeatable = true;
};

// A malformed line; the caller adds file and line.
std::runtime_error malformed(std::string_view what, std::string_view detail = {}) {
  return std::runtime_error(std::string(what) + std::string(detail));
}

std::string_view trim(std::string_view s) {
  const auto first = s.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(" \t\r") - first + 1);
}

// Cuts the next item off the front of `rest`, which keeps what follows the separator.
std::string_view take(std::string_view& rest, std::size_t end, std::size_t separator_length) {
  const auto item = rest.substr(0, end);
  rest = end < rest.size() ? rest.substr(end + separator_length) : std::string_view{};
  return item;
}

// The position of the next '|' that no backslash precedes.
std::size_t find_bar(std::string_view s) {
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\') {
      ++i;
    } else if (s[i] == '|') {
      return i;
    }
  }
  return std::string_view::npos;
}

unsigned hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  throw malformed("\\x needs two hexadecimal digits");
}

std::string unescape(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '\\') {
      out += s[i];
      continue;
    }
    if (++i == s.size()) throw malformed("a backslash at the end of the statement");
    switch (s[i]) {
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case '|':
        out += '|';
        break;
      case '\\':
        out += '\\';
        break;
      case 'x':
        if (i + 2 >= s.size()) throw malformed("\\x needs two hexadecimal digits");
        out += static_cast<char>(hex_digit(s[i + 1]) * 16 + hex_digit(s[i + 2]));
        i += 2;
        break;
      default:
        throw malformed("unknown escape \\", s.substr(i, 1));
    }
  }
  return out;
}

Placement parse_placement(std::string_view word) {
  if (word == "any") return Placement::any;
  if (word == "primary") return Placement::primary;
  if (word == "last") return Placement::last_connection;
  throw malformed("unknown fact: ", word);
}

Effect parse_effect(std::string_view word) {
  const auto* const found = std::find_if(kEffectNames.begin(), kEffectNames.end(),
                                         [&](const auto& row) { return row.first == word; });
  if (found == kEffectNames.end()) throw malformed("unknown effect: ", word);
  return found->second;
}

// "name@flavor": cuts the flavor off.
CorpusFlavor take_flavor(std::string_view& word) {
  const auto at = word.find('@');
  if (at == std::string_view::npos) return CorpusFlavor::both;
  const auto name = word.substr(at + 1);
  word = word.substr(0, at);
  if (name == "mysql") return CorpusFlavor::mysql;
  if (name == "mariadb") return CorpusFlavor::mariadb;
  throw malformed("unknown flavor: ", name);
}

// The first column: fact, effects and, after any of them, the flavor.
void parse_fact(std::string_view column, CorpusLine& out) {
  if (column.ends_with('+')) throw malformed("an effect is missing: ", column);
  bool none = false;
  bool first = true;
  for (auto rest = column; first || !rest.empty();) {
    auto word = take(rest, std::min(rest.find('+'), rest.size()), 1);
    const auto flavor = take_flavor(word);
    if (flavor != CorpusFlavor::both) {
      if (out.flavor != CorpusFlavor::both) throw malformed("two flavors: ", column);
      out.flavor = flavor;
    }
    if (first) {
      out.placement = parse_placement(word);
    } else if (word == "none") {
      none = true;
    } else {
      out.effects |= parse_effect(word);
    }
    out.checks_effects = !first;
    first = false;
  }
  if (none && any(out.effects)) throw malformed("+none beside another effect: ", column);
}

CorpusLine parse_statement(std::string_view line, const Section& section) {
  CorpusLine out;
  out.options = section.options;
  out.oracle = section.oracle;
  out.repeatable = section.repeatable;
  auto rest = line;
  const auto first = find_bar(rest);
  if (first == std::string_view::npos) throw malformed("expected: fact | statement | why");
  const auto fact = trim(take(rest, first, 1));
  const auto second = find_bar(rest);
  if (second == std::string_view::npos) throw malformed("expected: fact | statement | why");
  const auto statement = trim(take(rest, second, 1));
  if (find_bar(rest) != std::string_view::npos) throw malformed("more than three columns");
  parse_fact(fact, out);
  out.text = unescape(statement);
  out.why = trim(rest);
  if (out.text.empty()) throw malformed("no statement");
  if (out.why.empty()) throw malformed("no reason given");
  return out;
}

sql::TextOptions parse_options(std::string_view words) {
  sql::TextOptions options;
  if (words.empty()) throw malformed("@options needs a word");
  if (words == "default") return options;
  for (auto rest = words; !rest.empty(); rest = trim(rest)) {
    const auto word = take(rest, std::min(rest.find(' '), rest.size()), 1);
    if (word == "ansi_quotes") {
      options.ansi_quotes = true;
    } else if (word == "no_backslash_escapes") {
      options.no_backslash_escapes = true;
    } else if (word == "mode_unknown") {
      options.sql_mode_known = false;
    } else if (word == "ascii_unsafe") {
      options.ascii_safe_charset = false;
    } else if (word == "truncated") {
      options.truncated = true;
    } else if (word == "no_hints") {
      options.hints = false;
    } else {
      throw malformed("unknown option: ", word);
    }
  }
  return options;
}

void parse_directive(std::string_view line, Section& section) {
  auto rest = line;
  const auto name = take(rest, std::min(rest.find(' '), rest.size()), 1);
  const auto argument = trim(rest);
  if (name == "@options") {
    section.options = parse_options(argument);
  } else if (name == "@no_oracle") {
    if (argument.empty()) throw malformed("@no_oracle needs a reason");
    section.oracle = false;
  } else if (name == "@unrepeatable") {
    if (argument.empty()) throw malformed("@unrepeatable needs a reason");
    section.repeatable = false;
  } else if (name == "@oracle") {
    if (!argument.empty()) throw malformed("@oracle takes no argument");
    section.oracle = true;
    section.repeatable = true;
  } else {
    throw malformed("unknown directive: ", name);
  }
}

std::optional<CorpusLine> parse_line(std::string_view line, Section& section) {
  const auto text = trim(line);
  if (text.empty() || text.front() == '#') return std::nullopt;
  if (text.front() == '@') {
    parse_directive(text, section);
    return std::nullopt;
  }
  return parse_statement(text, section);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

std::string fact_text(Placement placement, Effect effects) {
  std::string out = placement == Placement::any       ? "any"
                    : placement == Placement::primary ? "primary"
                                                      : "last";
  if (!any(effects)) out += "+none";
  for (const auto& [name, effect] : kEffectNames) {
    if (any(effects & effect)) out += "+" + std::string(name);
  }
  return out;
}

std::vector<CorpusLine> parse_sql_corpus(std::string_view content, const std::string& file) {
  std::vector<CorpusLine> lines;
  Section section;
  unsigned number = 0;
  for (auto rest = content; !rest.empty();) {
    const auto text = take(rest, std::min(rest.find('\n'), rest.size()), 1);
    ++number;
    try {
      auto line = parse_line(text, section);
      if (!line) continue;
      line->file = file;
      line->line = number;
      lines.push_back(std::move(*line));
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(file + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  return lines;
}

std::vector<CorpusLine> load_sql_corpus(const std::string& dir) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().extension() == ".sqlt") files.push_back(entry.path());
  }
  if (files.empty()) throw std::runtime_error("no *.sqlt file in " + dir);
  std::sort(files.begin(), files.end());
  std::vector<CorpusLine> all;
  for (const auto& path : files) {
    auto lines = parse_sql_corpus(read_file(path), path.filename().string());
    std::move(lines.begin(), lines.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace weir::test
