// The corpus of SQL texts and what is true of them, see test/corpus/sql/README.md.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql_classifier/classification.h"

namespace weir::test {

// Which servers understand a statement.
enum class CorpusFlavor { both, mysql, mariadb };

// One line of the corpus.
struct CorpusLine {
  sql::Placement placement = sql::Placement::primary;
  bool checks_effects = false;              // false: the line says nothing about effects
  sql::Effect effects = sql::Effect::none;  // exactly these, when checks_effects
  CorpusFlavor flavor = CorpusFlavor::both;
  sql::TextOptions options;
  bool oracle = true;      // false: no server can be asked
  bool repeatable = true;  // false: two servers, or two calls, answer unlike
  std::string text;        // escapes resolved
  std::string why;
  std::string file;  // name without folders
  unsigned line = 0;

  // "file:line", as failure messages name it.
  std::string where() const { return file + ":" + std::to_string(line); }
};

// A verdict as the first column of a line writes it: "primary+ends_transaction", "any+none".
std::string fact_text(sql::Placement placement, sql::Effect effects);

// The lines of one file's content. Throws std::runtime_error("file:line: what is wrong").
std::vector<CorpusLine> parse_sql_corpus(std::string_view content, const std::string& file);

// The lines of every *.sqlt file in `dir`, files in alphabetical order. Throws std::runtime_error,
// also when there is no such file.
std::vector<CorpusLine> load_sql_corpus(const std::string& dir);

}  // namespace weir::test
