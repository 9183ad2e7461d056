#include "proxy/config/node.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <iterator>
#include <sstream>
#include <toml.hpp>
#include <tuple>
#include <utility>

#include "proxy/config/nesting.h"
#include "proxy/config/utf8.h"

namespace weir::config {
namespace {

// The parser's major versions differ only in how they tell where something stands.
#if TOML11_VERSION_MAJOR >= 4
unsigned line_of(const toml::source_location& where) {
  return static_cast<unsigned>(where.first_line_number());
}
#else
unsigned line_of(const toml::source_location& where) {
  return static_cast<unsigned>(where.line());
}
#endif

class Converter {
 public:
  explicit Converter(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] == '\n') line_ends_.push_back(static_cast<std::ptrdiff_t>(at));
    }
  }

  Node convert(const toml::value& value, std::string key) const {
    Node node;
    node.key = std::move(key);
    node.line = line_of_value(value);
    if (value.is_table()) {
      convert_table(value, node);
    } else if (value.is_array()) {
      node.kind = Node::Kind::list;
      for (const auto& item : value.as_array()) node.children.push_back(convert(item, ""));
    } else {
      convert_scalar(value, node);
    }
    return node;
  }

 private:
  static void convert_scalar(const toml::value& value, Node& node) {
    if (value.is_boolean()) {
      node.kind = Node::Kind::boolean;
      node.flag = value.as_boolean();
    } else if (value.is_integer()) {
      node.kind = Node::Kind::integer;
      node.number = value.as_integer();
    } else if (value.is_string()) {
      node.kind = Node::Kind::text;
      node.text = static_cast<const std::string&>(value.as_string());
    }
  }

  void convert_table(const toml::value& value, Node& node) const {
    node.kind = Node::Kind::table;
    for (const auto& [key, child] : value.as_table()) node.children.push_back(convert(child, key));
    // The parser keeps tables in hash order; people read files from the top.
    std::sort(node.children.begin(), node.children.end(), [](const Node& a, const Node& b) {
      return std::tie(a.line, a.key) < std::tie(b.line, b.key);
    });
  }

  unsigned line_of_value(const toml::value& value) const {
#if TOML11_VERSION_MAJOR < 4
    // location() counts the lines from the top each time: half a minute with 15000 accounts.
    const auto* region = dynamic_cast<const toml::detail::region*>(toml::detail::get_region(value));
    if (region != nullptr) {
      const auto offset = std::distance(region->begin(), region->first());
      const auto line = std::lower_bound(line_ends_.begin(), line_ends_.end(), offset);
      return 1 + static_cast<unsigned>(line - line_ends_.begin());
    }
#endif
    return line_of(value.location());
  }

  std::vector<std::ptrdiff_t> line_ends_;
};

// The parser's wording speaks of its own functions and tokens; the common mistakes get better
// words.
struct Wording {
  std::string_view theirs;
  std::string_view ours;
};
constexpr Wording kWordings[] = {
    {"unknown value appeared", "the value is not understood; text needs quotes"},
    {"not a boolean", "the value is not understood; text needs quotes"},
    {"not a valid string", "the string is not closed, or holds an unknown escape"},
    {"not a valid literal string", "the string is not closed"},
    {"is not a valid key", "a key is one word of letters, digits, _ and -"},
    {"value defined twice", "the key is set twice"},
    {"table defined twice", "the section stands twice; merge the two"},
    {"conflicts with the previous", "the section stands as [...] and as [[...]]"},
};

std::string in_words(std::string title, const std::string& comment) {
  const std::string theirs = title + " " + comment;
  for (const Wording& wording : kWordings) {
    if (theirs.find(wording.theirs) != std::string::npos) {
      return "not valid TOML: " + std::string(wording.ours);
    }
  }
  const std::size_t after_function = title.find(": ");
  if (after_function != std::string::npos) title.erase(0, after_function + 2);
  const bool useful = !comment.empty() && comment != "here" && comment != "in this array";
  return "not valid TOML: " + title + (useful ? " (" + comment + ")" : "");
}

#if TOML11_VERSION_MAJOR >= 4
SyntaxError describe(const toml::syntax_error& error) {
  if (error.errors().empty()) return {0, "not valid TOML"};
  const auto& first = error.errors().front();
  if (first.locations().empty()) return {0, in_words(first.title(), "")};
  const auto& [where, comment] = first.locations().back();
  return {line_of(where), in_words(first.title(), comment)};
}
#else
// The message is a title and then the lines at fault, underlined with ^--- and a comment each. The
// lines themselves are left out: one of them could hold a password.
SyntaxError describe(const toml::exception& error) {
  const std::string what = error.what();
  std::string title = what.substr(0, what.find('\n'));
  if (title.rfind("[error] ", 0) == 0) title.erase(0, 8);
  std::size_t mark = what.rfind("^--- ");
  if (mark == std::string::npos) mark = what.rfind("~~~ ");
  std::string comment;
  if (mark != std::string::npos) {
    const std::size_t begin = what.find(' ', mark) + 1;
    comment = what.substr(begin, what.find('\n', begin) - begin);
  }
  return {line_of(error.location()), in_words(std::move(title), comment)};
}
#endif

}  // namespace

const Node* Node::find(std::string_view name) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const Node& child) { return child.key == name; });
  return found == children.end() ? nullptr : &*found;
}

std::variant<Node, SyntaxError> parse_toml(std::string_view text) {
  if (const unsigned line = line_not_utf8(text); line != 0) {
    return SyntaxError{line, "not valid TOML: the text must be UTF-8"};
  }
  if (const unsigned line = line_nested_too_deep(text); line != 0) {
    return SyntaxError{line, "nested too deep; no key needs more than one list in one section"};
  }
  try {
    std::istringstream stream{std::string(text)};
    return Converter(text).convert(toml::parse(stream, "configuration"), "");
  } catch (const toml::syntax_error& error) {
    return describe(error);
  } catch (const std::exception&) {
    // Numbers that fit no type, and what the parser did not foresee.
    return SyntaxError{0, "not valid TOML"};
  }
}

}  // namespace weir::config
