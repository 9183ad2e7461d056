#include "proxy/core/substitution.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "protocol/byte_writer.h"
#include "protocol/frame.h"
#include "sql_classifier/lexer.h"
#include "sql_classifier/objects.h"

namespace weir {
namespace {

std::optional<std::string> answer_to(sql::ObjectEvent question, std::string_view words,
                                     const KnownAnswers& answers) {
  switch (question) {
    case sql::ObjectEvent::asks_connection_id:
      if (!answers.connection_id) return std::nullopt;
      if (words.starts_with("@@")) {
        // A variable can be NULL, as far as the description of a column is concerned.
        if (answers.thread_id_is_set) return std::nullopt;
        return fmt::format("NULLIF({}|0, 0)", *answers.connection_id);
      }
      return fmt::format("CAST({} AS UNSIGNED)", *answers.connection_id);
    case sql::ObjectEvent::asks_row_count:
      if (!answers.row_count) return std::nullopt;
      return fmt::format("CAST({}|0 AS SIGNED)", *answers.row_count);
    case sql::ObjectEvent::asks_found_rows:
      if (!answers.found_rows) return std::nullopt;
      return fmt::format("CAST({}|0 AS SIGNED)", *answers.found_rows);
    default:
      return std::nullopt;
  }
}

// So that each is found again in the names of columns: one blank more than the last.
std::string unlike(std::string answer, const std::vector<Substitution>& others) {
  const std::size_t blank = answer.find(' ');
  for (const Substitution& other : others) {
    const bool alike = answer.find(other.written) != std::string::npos ||
                       other.written.find(answer) != std::string::npos;
    if (alike) answer.insert(blank, 1, ' ');
  }
  return answer;
}

std::string replaced(std::string_view text, const Substitution& substitution) {
  std::string out;
  for (;;) {
    const std::size_t at = text.find(substitution.written);
    out.append(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    out.append(substitution.original);
    text.remove_prefix(at + substitution.written.size());
  }
}

// Reads the same everywhere without quotes.
bool is_simple_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_';
  });
}

}  // namespace

SubstitutedText substitute(std::string_view text, const sql::TextOptions& options,
                           const KnownAnswers& answers) {
  SubstitutedText out;
  std::size_t copied = 0;
  sql::visit_objects(text, options, [&](const sql::Object& object) {
    const std::string_view words = text.substr(object.offset, object.length);
    const auto answer = answer_to(object.event, words, answers);
    if (!answer || object.offset < copied) return;
    const std::string written = unlike(*answer, out.substitutions);
    out.text.append(text.substr(copied, object.offset - copied)).append(written);
    copied = object.offset + object.length;
    out.substitutions.push_back({written, std::string(words)});
  });
  out.text.append(text.substr(copied));
  return out;
}

// GET [CURRENT] DIAGNOSTICS @name = NUMBER | ROW_COUNT [, ...]
std::string diagnostics_as_set(std::string_view text, const sql::TextOptions& options,
                               std::int64_t row_count) {
  using sql::TokenType;
  if (!options.sql_mode_known) return {};
  sql::Lexer lexer(text, {options.ansi_quotes, options.no_backslash_escapes, false});
  const auto accept = [&lexer](TokenType type, std::string_view lower_word = {}) {
    const sql::Token& token = lexer.token();
    if (token.type != type) return false;
    if (!lower_word.empty() && !sql::equals_lower(token.text, lower_word)) return false;
    lexer.next();
    return true;
  };
  if (!accept(TokenType::word, "get")) return {};
  accept(TokenType::word, "current");
  if (!accept(TokenType::word, "diagnostics")) return {};
  std::string set = "SET ";
  do {
    const std::string_view name = lexer.token().text;
    if (!accept(TokenType::user_variable) || !is_simple_name(name)) return {};
    if (!accept(TokenType::equals)) return {};
    const bool number = accept(TokenType::word, "number");
    if (!number && !accept(TokenType::word, "row_count")) return {};
    set.append(number ? fmt::format("@{} = CAST(0 AS UNSIGNED), ", name)
                      : fmt::format("@{} = {}, ", name, row_count));
  } while (accept(TokenType::comma));
  accept(TokenType::semicolon);
  if (lexer.token().type != TokenType::end || lexer.doubtful()) return {};
  set.resize(set.size() - 2);
  return set;
}

bool compares_with_server_ids(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  constexpr std::array<std::string_view, 5> kNames = {"processlist", "is_used_lock", "innodb_trx",
                                                      "performance_schema", "metadata_lock"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view name) { return lower.find(name) != std::string::npos; });
}

// Protocol documentation: "Protocol::ColumnDefinition41".
std::string restored_definition(protocol::Bytes packet, const std::vector<Substitution>& undo) {
  const protocol::Bytes payload = packet.subspan(protocol::kFrameHeaderSize);
  protocol::ByteReader in(payload);
  for (int i = 0; i < 4; ++i) in.lenenc_text();  // catalog, schema, table, original table
  const std::size_t name_at = payload.size() - in.remaining();
  const std::string_view name = in.lenenc_text();
  if (!in.ok()) return {};
  std::string restored(name);
  for (const Substitution& substitution : undo) restored = replaced(restored, substitution);
  if (restored == name) return {};
  std::string changed(protocol::as_text(payload.first(name_at)));
  protocol::ByteWriter(changed).lenenc_text(restored).bytes(payload.last(in.remaining()));
  return protocol::with_payload(packet, changed);
}

}  // namespace weir
