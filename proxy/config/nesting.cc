#include "proxy/config/nesting.h"

#include <algorithm>
#include <cstddef>

namespace weir::config {
namespace {

// Knows just enough of TOML to tell brackets from text in strings and comments. On malformed input
// it may lose its way only after the place where the parser stops with an error.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  unsigned run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      count(c);
      if (depth_ > kDeepestNesting || dots_ > kDeepestNesting) return line_;
      ++at_;
    }
    return 0;
  }

 private:
  void count(char c) {
    if (c == '[' || c == '{') ++depth_;
    if ((c == ']' || c == '}') && depth_ > 0) --depth_;
    if (c == '.') ++dots_;
    if (c == '=' || c == ',' || c == '\n') dots_ = 0;
    if (c == '\n') ++line_;
  }

  void skip_string(char quote) {
    const bool triple = text_.substr(at_, 3) == std::string_view(quote == '"' ? "\"\"\"" : "'''");
    at_ += triple ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n' && !triple) return;
      if (c == '\n') ++line_;
      if (c == '\\' && quote == '"') {
        if (at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++line_;
        at_ += 2;
        continue;
      }
      if (c == quote && close(quote, triple)) return;
      ++at_;
    }
  }

  // A triple string may end in up to two quotes of its own text: '''it's'''''.
  bool close(char quote, bool triple) {
    if (!triple) {
      ++at_;
      return true;
    }
    std::size_t run = 0;
    while (at_ + run < text_.size() && text_[at_ + run] == quote) ++run;
    if (run < 3) return false;
    at_ += std::min<std::size_t>(run, 5);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
  unsigned depth_ = 0;
  unsigned dots_ = 0;
};

}  // namespace

unsigned line_nested_too_deep(std::string_view text) {
  return Scanner(text).run();
}

}  // namespace weir::config
