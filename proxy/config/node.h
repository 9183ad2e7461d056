// A configuration file as a tree of plain values with line numbers: all that the rest of the loader
// sees of TOML. The parser's own types stay inside node.cc.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir::config {

struct Node {
  enum class Kind : std::uint8_t { boolean, integer, text, list, table, other };

  Kind kind = Kind::other;  // other: a float or a date, which no key wants
  unsigned line = 0;
  std::string key;             // its name in the table around it; empty for list items and the root
  bool flag = false;           // Kind::boolean
  std::int64_t number = 0;     // Kind::integer
  std::string text;            // Kind::text
  std::vector<Node> children;  // Kind::list and Kind::table, in the order of their lines

  const Node* find(std::string_view name) const;
};

struct SyntaxError {
  unsigned line = 0;
  std::string message;  // never quotes the file: the line at fault could hold a password
};

std::variant<Node, SyntaxError> parse_toml(std::string_view text);

}  // namespace weir::config
