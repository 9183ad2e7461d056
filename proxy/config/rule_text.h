// The values of a [[rule]] that are written as text. Each has a reader, and a check that says in
// words why the reader does not take a text; empty: it does.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

struct RuleTarget {
  enum class Kind : std::uint8_t { as_ever, primary, replica, server, reject };
  Kind kind = Kind::as_ever;
  std::string server;  // its name, when that is the kind
};

// "primary", "replica", "reject", "server:NAME"; empty: as ever.
std::optional<RuleTarget> parse_rule_target(std::string_view text);
std::string what_is_wrong_with_target(std::string_view text);

// The 16 hexadecimal digits by which weir names a digest.
std::string digest_text(std::uint64_t digest);
std::optional<std::uint64_t> parse_digest(std::string_view text);
std::string what_is_wrong_with_digest(std::string_view text);

std::string what_is_wrong_with_pattern(std::string_view text);

}  // namespace weir
