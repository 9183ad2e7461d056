// One key of a configuration and its value on the way into a Config: each reader checks the type
// and the range, and either stores the value or adds a problem and leaves the default alone.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/config/nearest.h"
#include "proxy/config/node.h"
#include "proxy/config/problem.h"
#include "proxy/config/secret_source.h"

namespace weir::config {

// What the reading of one file is done with, and where its findings are gathered.
class Context {
 public:
  Context(std::string file, const SecretSource& secrets)
      : file_(std::move(file)), secrets_(secrets) {}

  void problem(unsigned line, std::string message) {
    problems.push_back({file_, line, std::move(message)});
  }
  void warning(unsigned line, std::string message) {
    warnings.push_back({file_, line, std::move(message)});
  }
  const std::string& file() const { return file_; }
  const SecretSource& secrets() const { return secrets_; }

  std::vector<ConfigProblem> problems;
  std::vector<ConfigProblem> warnings;
  unsigned literal_password_line = 0;  // 0: no password is written in the file itself

 private:
  std::string file_;
  const SecretSource& secrets_;
};

template <class Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

class Field {
 public:
  Field(const Node& node, std::string_view section, Context& context)
      : node_(node), section_(section), context_(context) {}

  void boolean(bool& out);
  void whole_number(std::uint64_t& out, std::uint64_t least, std::uint64_t most);
  void duration(Milliseconds& out, Milliseconds least, Milliseconds most);
  void size(std::size_t& out, std::uint64_t least, std::uint64_t most);
  void text(std::string& out, std::size_t longest);
  // Letters, digits, _ . -: safe in logs, metrics and commands.
  void label(std::string& out, bool may_be_empty = false);
  void endpoint(Endpoint& out, std::uint16_t default_port);
  // Where to listen, port 0 included; nothing when the text is empty.
  void optional_endpoint(std::optional<Endpoint>& out, std::uint16_t default_port);
  void endpoints(std::vector<Endpoint>& out, std::uint16_t default_port);

  void password(std::string& out);
  void password_file(std::string& out);
  void password_environment(std::string& out);

  template <class Integer>
  void number(Integer& out, std::uint64_t least, std::uint64_t most) {
    std::uint64_t wide = out;
    whole_number(wide, least, most);
    out = static_cast<Integer>(wide);
  }

  template <class Enum>
  void choice(Enum& out, std::span<const Choice<Enum>> choices) {
    std::vector<std::string_view> names;
    for (const auto& each : choices) names.push_back(each.name);
    const std::size_t chosen = choose(names);
    if (chosen < choices.size()) out = choices[chosen].value;
  }

 private:
  std::string path() const { return std::string(section_) + "." + node_.key; }
  void complain(std::string message) { context_.problem(node_.line, std::move(message)); }
  bool is_text(std::string_view wanted);
  std::size_t choose(std::span<const std::string_view> names);
  bool read_endpoint(const Node& node, Endpoint& out, std::uint16_t default_port,
                     std::uint16_t least_port = 1);

  const Node& node_;
  std::string_view section_;
  Context& context_;
};

}  // namespace weir::config
