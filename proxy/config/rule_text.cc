#include "proxy/config/rule_text.h"

#include <fmt/core.h>

#include <charconv>

#include "proxy/config/pattern.h"

namespace weir {
namespace {

constexpr std::string_view kServer = "server:";
constexpr std::size_t kDigits = 16;
constexpr std::size_t kLongestPattern = 4096;

}  // namespace

std::optional<RuleTarget> parse_rule_target(std::string_view text) {
  using Kind = RuleTarget::Kind;
  if (text.empty()) return RuleTarget{};
  if (text == "primary") return RuleTarget{Kind::primary, {}};
  if (text == "replica") return RuleTarget{Kind::replica, {}};
  if (text == "reject") return RuleTarget{Kind::reject, {}};
  if (!text.starts_with(kServer) || text.size() == kServer.size()) return std::nullopt;
  return RuleTarget{Kind::server, std::string(text.substr(kServer.size()))};
}

std::string what_is_wrong_with_target(std::string_view text) {
  if (!text.empty() && parse_rule_target(text)) return "";
  return "it must be \"primary\", \"replica\", \"server:NAME\" or \"reject\"";
}

std::string digest_text(std::uint64_t digest) {
  return fmt::format("{:016x}", digest);
}

std::optional<std::uint64_t> parse_digest(std::string_view text) {
  if (text.size() != kDigits) return std::nullopt;
  std::uint64_t digest = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), digest, 16);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return digest;
}

std::string what_is_wrong_with_digest(std::string_view text) {
  if (parse_digest(text)) return "";
  return "it must be the 16 hexadecimal digits that SHOW PINS and weir explain show";
}

std::string what_is_wrong_with_pattern(std::string_view text) {
  if (text.empty()) return "it must not be empty";
  if (text.size() > kLongestPattern) {
    return fmt::format("it must not be longer than {} bytes", kLongestPattern);
  }
  const std::string why = Pattern(std::string(text)).why();
  return why.empty() ? "" : "no regular expression as RE2 reads them: " + why;
}

}  // namespace weir
