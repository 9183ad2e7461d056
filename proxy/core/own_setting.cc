#include "proxy/core/own_setting.h"

#include <algorithm>

#include "sql_classifier/lexer.h"

namespace weir {
namespace {

using sql::TokenType;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

bool is_word(const sql::Lexer& lexer, std::string_view word) {
  return lexer.token().type == TokenType::word && lower_case(lexer.token().text) == word;
}

}  // namespace

std::optional<OwnSetting> read_own_setting(std::string_view text, const sql::TextOptions& options) {
  sql::Lexer lexer(text, {options.ansi_quotes, options.no_backslash_escapes, false});
  if (!is_word(lexer, "set")) return std::nullopt;
  lexer.next();
  if (is_word(lexer, "session") || is_word(lexer, "local")) lexer.next();
  if (!is_word(lexer, "weir")) return std::nullopt;
  lexer.next();
  if (lexer.token().type != TokenType::dot) return std::nullopt;
  lexer.next();
  OwnSetting setting;
  if (!lexer.token().is_name()) return setting;
  setting.name = lower_case(lexer.token().text);
  lexer.next();
  const bool assigned =
      lexer.token().type == TokenType::equals || lexer.token().type == TokenType::assign;
  if (!assigned) return setting;
  lexer.next();
  const TokenType type = lexer.token().type;
  // With ANSI_QUOTES a value in double quotes is a name.
  const bool literal = type == TokenType::string || type == TokenType::word ||
                       type == TokenType::quoted_name || type == TokenType::number;
  if (!literal) return setting;
  setting.value = std::string(lexer.token().text);
  lexer.next();
  if (lexer.token().type == TokenType::semicolon) lexer.next();
  setting.well_formed = lexer.token().type == TokenType::end && !lexer.unterminated();
  return setting;
}

std::optional<Consistency> read_consistency(std::string_view text) {
  const std::string wanted = lower_case(text);
  if (wanted == "eventual") return Consistency::eventual;
  if (wanted == "session") return Consistency::session;
  if (wanted == "global") return Consistency::global;
  return std::nullopt;
}

std::string_view consistency_name(Consistency consistency) {
  switch (consistency) {
    case Consistency::eventual:
      return "eventual";
    case Consistency::session:
      return "session";
    case Consistency::global:
      break;
  }
  return "global";
}

std::optional<Consistency> hinted_consistency(const sql::Classification& facts) {
  switch (facts.hint_consistency) {
    case sql::Freshness::unsaid:
      return std::nullopt;
    case sql::Freshness::eventual:
      return Consistency::eventual;
    case sql::Freshness::session:
      return Consistency::session;
    case sql::Freshness::global:
      return Consistency::global;
  }
  return std::nullopt;
}

}  // namespace weir
