#include "proxy/core/route_answer.h"

#include "proxy/core/replica_selector.h"
#include "sql_classifier/lexer.h"

namespace weir {
namespace {

bool is_word(const sql::Lexer& lexer, std::string_view word) {
  return lexer.token().type == sql::TokenType::word && sql::equals_lower(lexer.token().text, word);
}

protocol::ResultSet::Value unless_empty(std::string_view text) {
  return text.empty() ? protocol::ResultSet::Value() : protocol::ResultSet::Value(text);
}

}  // namespace

std::string_view asked_statement(std::string_view text, const sql::TextOptions& options) {
  sql::Lexer lexer(text, {options.ansi_quotes, options.no_backslash_escapes, false});
  if (!is_word(lexer, "explain")) return {};
  lexer.next();
  if (!is_word(lexer, "route")) return {};
  const std::string_view word = lexer.token().text;
  text.remove_prefix(static_cast<std::size_t>(word.data() + word.size() - text.data()));
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

protocol::ResultSet route_table(const Route& route, std::string_view server,
                                std::string_view digest) {
  const RouteText text = describe(route);
  protocol::ResultSet set;
  for (const char* name : {"destination", "reason", "detail", "rule", "server", "digest"}) {
    set.columns.push_back({name, protocol::ColumnType::text});
  }
  set.rows.push_back({std::string(text.destination), std::string(text.reason), text.detail,
                      unless_empty(route.rule != nullptr ? route.rule->name : ""),
                      unless_empty(server), unless_empty(digest)});
  return set;
}

std::string_view server_for_stranger(const Route& route, const Topology& topology,
                                     const RoutingConfig& config) {
  std::optional<std::size_t> server = topology.primary;
  if (route.destination == Destination::reject) return {};
  if (route.destination == Destination::replica) {
    ReadNeeds needs;
    if (route.cause == RouteCause::rule) needs.only = route.rule->server;
    if (route.rule != nullptr) needs.max_lag = route.rule->max_lag;
    const bool primary_is_meant = needs.only && needs.only == topology.primary;
    const auto replica = select_replica(topology, needs, {config.balance, config.zone}, {}, 0);
    const bool instead = config.primary_reads != PrimaryReads::never || primary_is_meant;
    if (replica || !instead) server = replica;
  }
  return server ? std::string_view(topology.servers[*server].name) : std::string_view();
}

}  // namespace weir
