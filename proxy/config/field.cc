#include "proxy/config/field.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "proxy/config/endpoint_text.h"
#include "proxy/config/later.h"
#include "proxy/config/network.h"
#include "proxy/config/units.h"

namespace weir::config {
namespace {

constexpr std::size_t kLongestLabel = 64;
constexpr std::size_t kLongestPassword = 1024;
constexpr std::size_t kLongestPath = 4096;

bool is_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

std::string listed(std::span<const std::string_view> names) {
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += ", ";
    out += in_quotes(name);
  }
  return out;
}

// Relative to the configuration file, not to wherever weir happened to be started.
std::string beside(const std::string& config_file, const std::string& path) {
  return (std::filesystem::path(config_file).parent_path() / path).string();
}

}  // namespace

bool FieldReader::is_text(std::string_view wanted) {
  if (node_.kind == Node::Kind::text) return true;
  complain(fmt::format("{} must be {}", path(), wanted));
  return false;
}

void FieldReader::boolean(bool& out) {
  if (node_.kind != Node::Kind::boolean) {
    return complain(fmt::format("{} must be true or false, without quotes", path()));
  }
  out = node_.flag;
}

void FieldReader::whole_number(std::uint64_t& out, std::uint64_t least, std::uint64_t most) {
  if (node_.kind != Node::Kind::integer) {
    return complain(fmt::format("{} must be a whole number from {} to {}, without quotes", path(),
                                least, most));
  }
  const bool fits = node_.number >= 0 && static_cast<std::uint64_t>(node_.number) >= least &&
                    static_cast<std::uint64_t>(node_.number) <= most;
  if (!fits) {
    return complain(
        fmt::format("{} is {}; it must be from {} to {}", path(), node_.number, least, most));
  }
  out = static_cast<std::uint64_t>(node_.number);
}

void FieldReader::duration(Milliseconds& out, Milliseconds least, Milliseconds most) {
  constexpr std::string_view kWanted = "a duration in quotes, such as \"500ms\", \"2s\" or \"8h\"";
  if (!is_text(kWanted)) return;
  const auto value = parse_duration(node_.text);
  if (!value) {
    return complain(fmt::format("{} is {}; it must be {}", path(), in_quotes(node_.text), kWanted));
  }
  if (*value < least || *value > most) {
    return complain(fmt::format("{} is {}; it must be from {} to {}", path(), in_quotes(node_.text),
                                duration_text(least), duration_text(most)));
  }
  out = *value;
}

void FieldReader::optional_duration(std::optional<Milliseconds>& out, Milliseconds least,
                                    Milliseconds most) {
  constexpr Milliseconds kRefused{-1};
  Milliseconds value = kRefused;
  duration(value, least, most);
  if (value != kRefused) out = value;
}

void FieldReader::size(std::size_t& out, std::uint64_t least, std::uint64_t most) {
  constexpr std::string_view kWanted = "a size in quotes, such as \"256KiB\" or \"64MiB\"";
  if (!is_text(kWanted)) return;
  const auto value = parse_size(node_.text);
  if (!value) {
    return complain(fmt::format("{} is {}; it must be {}", path(), in_quotes(node_.text), kWanted));
  }
  if (*value < least || *value > most) {
    return complain(fmt::format("{} is {}; it must be from {} to {}", path(), in_quotes(node_.text),
                                size_text(least), size_text(most)));
  }
  out = static_cast<std::size_t>(*value);
}

void FieldReader::text(std::string& out, std::size_t longest) {
  if (!is_text("text in quotes")) return;
  if (node_.text.empty()) return complain(fmt::format("{} must not be empty", path()));
  if (node_.text.size() > longest) {
    return complain(fmt::format("{} must not be longer than {} bytes", path(), longest));
  }
  // Names and passwords travel as zero-terminated strings on the wire.
  if (node_.text.find('\0') != std::string::npos) {
    return complain(fmt::format("{} must not hold a zero byte", path()));
  }
  out = node_.text;
}

void FieldReader::checked_text(std::string& out, TextCheck what_is_wrong) {
  if (!is_text("text in quotes")) return;
  const std::string why = what_is_wrong(node_.text);
  if (!why.empty())
    return complain(fmt::format("{} is {}: {}", path(), in_quotes(node_.text), why));
  out = node_.text;
}

void FieldReader::file_path(std::string& out) {
  if (!is_text("text in quotes")) return;
  if (node_.text.size() >= kLongestPath || node_.text.find('\0') != std::string::npos) {
    return complain(
        fmt::format("{} must be shorter than {} bytes, without a zero byte", path(), kLongestPath));
  }
  out = node_.text.empty() ? "" : beside(context_.file(), node_.text);
}

void FieldReader::checked_texts(std::vector<std::string>& out, TextCheck what_is_wrong) {
  const bool all_text = node_.kind == Node::Kind::list &&
                        std::all_of(node_.children.begin(), node_.children.end(),
                                    [](const Node& item) { return item.kind == Node::Kind::text; });
  if (!all_text) return complain(fmt::format("{} must be a list of texts in quotes", path()));
  std::vector<std::string> read;
  for (const Node& item : node_.children) {
    const std::string why = what_is_wrong(item.text);
    if (!why.empty()) {
      context_.problem(item.line, fmt::format("{} has {}: {}", path(), in_quotes(item.text), why));
    }
    read.push_back(item.text);
  }
  out = std::move(read);
}

void FieldReader::label(std::string& out, bool may_be_empty) {
  if (!is_text("text in quotes")) return;
  if (node_.text.empty() && !may_be_empty)
    return complain(fmt::format("{} must not be empty", path()));
  if (node_.text.size() > kLongestLabel ||
      !std::all_of(node_.text.begin(), node_.text.end(), is_label_char)) {
    return complain(fmt::format("{} is {}; use at most {} letters, digits, \"_\", \".\" and \"-\"",
                                path(), in_quotes(node_.text), kLongestLabel));
  }
  out = node_.text;
}

bool FieldReader::read_endpoint(const Node& node, Endpoint& out, std::uint16_t default_port,
                                std::uint16_t least_port) {
  auto [endpoint, why] = parse_endpoint(node.text, default_port, least_port);
  if (!why.empty()) {
    context_.problem(node.line, fmt::format("{} is {}: {}", path(), in_quotes(node.text), why));
    return false;
  }
  out = std::move(endpoint);
  return true;
}

void FieldReader::endpoint(Endpoint& out, std::uint16_t default_port) {
  if (is_text("an address in quotes, such as \"10.0.0.1:3306\"")) {
    read_endpoint(node_, out, default_port);
  }
}

void FieldReader::optional_endpoint(std::optional<Endpoint>& out, std::uint16_t default_port) {
  if (!is_text(fmt::format("an address in quotes, such as \"127.0.0.1:{}\", or \"\" for none",
                           default_port))) {
    return;
  }
  Endpoint read;
  if (node_.text.empty()) {
    out.reset();
  } else if (read_endpoint(node_, read, default_port, 0)) {
    out = std::move(read);
  }
}

void FieldReader::endpoints(std::vector<Endpoint>& out, std::uint16_t default_port) {
  const bool all_text = node_.kind == Node::Kind::list &&
                        std::all_of(node_.children.begin(), node_.children.end(),
                                    [](const Node& item) { return item.kind == Node::Kind::text; });
  if (!all_text || node_.children.empty()) {
    return complain(
        fmt::format("{} must be a list of addresses in quotes, such as [\"127.0.0.1:{}\"]", path(),
                    default_port));
  }
  std::vector<Endpoint> read;
  for (const Node& item : node_.children) {
    Endpoint endpoint;
    if (!read_endpoint(item, endpoint, default_port)) continue;
    if (std::find(read.begin(), read.end(), endpoint) != read.end()) {
      context_.problem(item.line,
                       fmt::format("{} lists {} twice; remove one", path(), in_quotes(item.text)));
    }
    read.push_back(std::move(endpoint));
  }
  out = std::move(read);
}

void FieldReader::password(std::string& out, TextCheck what_is_wrong) {
  if (!is_text("text in quotes")) return;
  if (node_.text.size() > kLongestPassword || node_.text.find('\0') != std::string::npos) {
    return complain(
        fmt::format("{} must have at most {} bytes, none of them zero", path(), kLongestPassword));
  }
  const std::string why = what_is_wrong != nullptr ? what_is_wrong(node_.text) : "";
  if (!why.empty()) return complain(fmt::format("{}: {}", path(), why));
  if (node_.text.empty()) {
    context_.warning(node_.line, fmt::format("{} is empty: this account has no password", path()));
  } else if (context_.literal_password_line == 0) {
    context_.literal_password_line = node_.line;
  }
  out = node_.text;
}

void FieldReader::password_file(std::string& out, TextCheck what_is_wrong) {
  std::string name;
  text(name, kLongestPath);
  if (name.empty()) return;
  take_secret(context_.secrets().from_file(beside(context_.file(), name)), in_quotes(name),
              what_is_wrong, out);
}

void FieldReader::password_environment(std::string& out, TextCheck what_is_wrong) {
  std::string variable;
  label(variable, false);
  if (variable.empty()) return;
  take_secret(context_.secrets().from_environment(variable),
              "the environment variable " + in_quotes(variable), what_is_wrong, out);
}

void FieldReader::secret_file(std::string& out, TextCheck what_is_wrong) {
  if (node_.kind == Node::Kind::text && node_.text.empty()) return out.clear();
  std::string name;
  text(name, kLongestPath);
  if (name.empty()) return;
  take_secret(context_.secrets().whole_file(beside(context_.file(), name)), in_quotes(name),
              what_is_wrong, out);
}

void FieldReader::take_secret(Secret secret, const std::string& source, TextCheck what_is_wrong,
                              std::string& out) {
  if (secret.ok() && what_is_wrong != nullptr) secret.why = what_is_wrong(secret.text);
  if (!secret.ok())
    return complain(fmt::format("{}: cannot use {}: {}", path(), source, secret.why));
  out = std::move(secret.text);
}

void FieldReader::table(std::span<const SubField> keys) {
  std::vector<std::string_view> names;
  for (const SubField& key : keys) names.push_back(key.name);
  if (node_.kind != Node::Kind::table) {
    return complain(fmt::format("{} must be a table: {{ {} = ... }}", path(), names.front()));
  }
  const std::string own_path = path();
  for (const Node& child : node_.children) {
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&](const SubField& each) { return each.name == child.key; });
    if (key == keys.end()) {
      const std::string near = did_you_mean(child.key, names);
      context_.problem(child.line, fmt::format("unknown key {} in {}{}", in_quotes(child.key),
                                               own_path, near.empty() ? "; remove it" : near));
      continue;
    }
    FieldReader field(child, own_path, context_);
    key->read(field);
  }
}

std::size_t FieldReader::choose(std::span<const std::string_view> names, std::size_t current) {
  if (!is_text(fmt::format("one of {}", listed(names)))) return current;
  const auto found = std::find(names.begin(), names.end(), node_.text);
  if (found == names.end()) {
    complain(fmt::format("{} is {}; it must be one of {}{}", path(), in_quotes(node_.text),
                         listed(names), did_you_mean(node_.text, names)));
    return current;
  }
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace weir::config
