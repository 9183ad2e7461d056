// One key of a configuration and its value on the way into a Config: each reader checks the type
// and the range, and either stores the value or adds a problem and leaves the default alone.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
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

// Says what is wrong with a text; empty: nothing.
using TextCheck = std::string (*)(std::string_view);

template <class Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

class Field;

// A key of a table that is the value of another key: { user = "...", password = "..." }.
struct SubField {
  std::string_view name;
  std::function<void(Field&)> read;
};

// One key of a section, whatever is done with it: see FieldReader below, and FieldPrinter.
class Field {
 public:
  virtual void boolean(bool& value) = 0;
  virtual void whole_number(std::uint64_t& value, std::uint64_t least, std::uint64_t most) = 0;
  virtual void duration(Milliseconds& value, Milliseconds least, Milliseconds most) = 0;
  // Nothing until it is given.
  virtual void optional_duration(std::optional<Milliseconds>& value, Milliseconds least,
                                 Milliseconds most) = 0;
  virtual void size(std::size_t& value, std::uint64_t least, std::uint64_t most) = 0;
  virtual void text(std::string& value, std::size_t longest) = 0;
  // A text of which somebody else says what is wrong with it, if anything.
  virtual void checked_text(std::string& value, TextCheck what_is_wrong) = 0;
  virtual void checked_texts(std::vector<std::string>& value, TextCheck what_is_wrong) = 0;
  // Of a file that need not exist. Relative ones begin at the folder of the configuration. Also
  // "": none.
  virtual void file_path(std::string& value) = 0;
  // Letters, digits, _ . -: safe in logs, metrics and commands.
  virtual void label(std::string& value, bool may_be_empty = false) = 0;
  virtual void endpoint(Endpoint& value, std::uint16_t default_port) = 0;
  // Also "": nothing. Port 0 lets the kernel choose one.
  virtual void optional_endpoint(std::optional<Endpoint>& value, std::uint16_t default_port) = 0;
  virtual void endpoints(std::vector<Endpoint>& value, std::uint16_t default_port) = 0;

  // Secrets are not repeated in what is said of them. Without a check any text will do.
  virtual void password(std::string& value, TextCheck what_is_wrong = nullptr) = 0;
  virtual void password_file(std::string& value, TextCheck what_is_wrong = nullptr) = 0;
  virtual void password_environment(std::string& value, TextCheck what_is_wrong = nullptr) = 0;
  // All of a file that only its owner may read. Also "": nothing.
  virtual void secret_file(std::string& value, TextCheck what_is_wrong) = 0;

  virtual void table(std::span<const SubField> keys) = 0;

  template <class Integer>
  void number(Integer& value, std::uint64_t least, std::uint64_t most) {
    std::uint64_t wide = value;
    whole_number(wide, least, most);
    value = static_cast<Integer>(wide);
  }

  template <class Enum>
  void choice(Enum& value, std::span<const Choice<Enum>> choices) {
    std::vector<std::string_view> names;
    std::size_t current = 0;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      names.push_back(choices[i].name);
      if (choices[i].value == value) current = i;
    }
    value = choices[choose(names, current)].value;
  }

  // Also "": nothing.
  template <class Enum>
  void optional_choice(std::optional<Enum>& value, std::span<const Choice<Enum>> choices) {
    std::vector<std::string_view> names;
    std::size_t current = choices.size();
    for (std::size_t i = 0; i < choices.size(); ++i) {
      names.push_back(choices[i].name);
      if (choices[i].value == value) current = i;
    }
    names.push_back("");
    const std::size_t chosen = choose(names, current);
    value = chosen < choices.size() ? std::optional(choices[chosen].value) : std::nullopt;
  }

 protected:
  ~Field() = default;

 private:
  // The one that is chosen from now on: `current`, or another.
  virtual std::size_t choose(std::span<const std::string_view> names, std::size_t current) = 0;
};

// Stores what stands in a file.
class FieldReader final : public Field {
 public:
  FieldReader(const Node& node, std::string_view section, Context& context)
      : node_(node), section_(section), context_(context) {}

  void boolean(bool& out) override;
  void whole_number(std::uint64_t& out, std::uint64_t least, std::uint64_t most) override;
  void duration(Milliseconds& out, Milliseconds least, Milliseconds most) override;
  void optional_duration(std::optional<Milliseconds>& out, Milliseconds least,
                         Milliseconds most) override;
  void size(std::size_t& out, std::uint64_t least, std::uint64_t most) override;
  void text(std::string& out, std::size_t longest) override;
  void checked_text(std::string& out, TextCheck what_is_wrong) override;
  void checked_texts(std::vector<std::string>& out, TextCheck what_is_wrong) override;
  void file_path(std::string& out) override;
  void label(std::string& out, bool may_be_empty) override;
  void endpoint(Endpoint& out, std::uint16_t default_port) override;
  void optional_endpoint(std::optional<Endpoint>& out, std::uint16_t default_port) override;
  void endpoints(std::vector<Endpoint>& out, std::uint16_t default_port) override;
  void password(std::string& out, TextCheck what_is_wrong) override;
  void password_file(std::string& out, TextCheck what_is_wrong) override;
  void password_environment(std::string& out, TextCheck what_is_wrong) override;
  void secret_file(std::string& out, TextCheck what_is_wrong) override;
  void table(std::span<const SubField> keys) override;

 private:
  void take_secret(Secret secret, const std::string& source, TextCheck what_is_wrong,
                   std::string& out);
  std::size_t choose(std::span<const std::string_view> names, std::size_t current) override;
  std::string path() const { return std::string(section_) + "." + node_.key; }
  void complain(std::string message) { context_.problem(node_.line, std::move(message)); }
  bool is_text(std::string_view wanted);
  bool read_endpoint(const Node& node, Endpoint& out, std::uint16_t default_port,
                     std::uint16_t least_port = 1);

  const Node& node_;
  std::string_view section_;
  Context& context_;
};

}  // namespace weir::config
