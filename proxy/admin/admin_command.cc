#include "proxy/admin/admin_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "proxy/config/nearest.h"
#include "sql_classifier/lexer.h"

namespace weir {
namespace {

using Kind = AdminCommand::Kind;
using Item = AdminCommand::Item;
using sql::TokenType;

// How much of a command that was not understood is said again.
constexpr std::size_t kQuoted = 64;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// Reads one command. Each parse_...() expects what its name says and leaves an unknown command
// where it finds something else.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), lexer_(text, {}) {}

  AdminCommand parse() {
    AdminCommand command = parse_any();
    // EXPLAIN ROUTE is about the rest of the text, however that reads.
    if (command.kind == Kind::explain_route) return command;
    if (command.kind == Kind::accept) lexer_.skip_statement();  // SET may say anything
    if (command.kind != Kind::unknown && ends()) return command;
    command = {};
    command.text = text_;
    return command;
  }

 private:
  AdminCommand parse_any() {
    if (lexer_.at_end()) return of(Kind::empty);
    if (accept("show")) return parse_show();
    if (accept("help")) return of(Kind::help);
    if (accept("drain")) return parse_server(Kind::drain_server);
    if (accept("enable")) return parse_server(Kind::enable_server);
    if (accept("kill")) return parse_kill();
    if (accept("explain")) return parse_explain();
    if (accept("select")) return parse_select();
    for (const char* harmless : {"set", "use", "begin", "start", "commit", "rollback"}) {
      if (accept(harmless)) return of(Kind::accept);
    }
    return {};
  }

  AdminCommand parse_show() {
    constexpr std::array<std::pair<std::string_view, Kind>, 10> kTables{{
        {"servers", Kind::show_servers},
        {"pools", Kind::show_pools},
        {"sessions", Kind::show_sessions},
        {"pins", Kind::show_pins},
        {"counters", Kind::show_counters},
        {"rules", Kind::show_rules},
        {"firewall", Kind::show_firewall},
        {"config", Kind::show_config},
        {"warnings", Kind::show_warnings},
        {"help", Kind::help},
    }};
    for (const auto& [word, kind] : kTables) {
      if (accept(word)) return of(kind);
    }
    return {};
  }

  // Names may hold what the lexer takes apart ("db-1.a"), so they are cut out of the text; they may
  // be quoted.
  AdminCommand parse_server(Kind kind) {
    if (!accept("server") || lexer_.at_end()) return {};
    AdminCommand command = of(kind);
    const sql::Token first = lexer_.token();
    if (first.type == TokenType::quoted_name || first.type == TokenType::string) {
      command.name = first.text;
      lexer_.next();
      return command;
    }
    const char* const begin = first.text.data();
    const char* end = begin;
    while (!lexer_.at_end()) {
      if (lexer_.token().text.data() != end) return {};  // a second word
      end = lexer_.token().text.data() + lexer_.token().text.size();
      lexer_.next();
    }
    command.name.assign(begin, end);
    return command;
  }

  AdminCommand parse_kill() {
    if (!accept("session") || lexer_.token().type != TokenType::number) return {};
    AdminCommand command = of(Kind::kill_session);
    const std::string_view digits = lexer_.token().text;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, command.session);
    if (error != std::errc() || stop != end) return {};
    lexer_.next();
    return command;
  }

  AdminCommand parse_explain() {
    if (!is("route")) return {};
    AdminCommand command = of(Kind::explain_route);
    const std::string_view word = lexer_.token().text;
    command.text = text_.substr(static_cast<std::size_t>(word.data() + word.size() - text_.data()));
    command.text.erase(0, std::min(command.text.find_first_not_of(" \t\r\n"), command.text.size()));
    return command.text.empty() ? AdminCommand() : command;
  }

  AdminCommand parse_select() {
    AdminCommand command = of(Kind::constants);
    do {
      auto item = parse_item();
      if (!item || command.items.size() == kMaxAdminItems) return {};
      command.items.push_back(std::move(*item));
    } while (accept(TokenType::comma));
    if (accept("limit") && !accept(TokenType::number)) return {};
    return command;
  }

  std::optional<Item> parse_item() {
    const char* const begin = lexer_.token().text.data();
    auto item = parse_expression();
    if (!item) return std::nullopt;
    if (item->label.empty()) {
      const auto& last = lexer_.passed(1).text;
      item->label.assign(begin, last.data() + last.size());
    }
    const bool named = accept("as");
    if (named && !lexer_.token().is_name() && lexer_.token().type != TokenType::string) {
      return std::nullopt;
    }
    if (named || (lexer_.token().is_name() && !is("limit"))) {
      item->label = lexer_.token().text;
      lexer_.next();
    }
    return item;
  }

  std::optional<Item> parse_expression() {
    const sql::Token token = lexer_.token();
    Item item;
    item.text = token.text;
    lexer_.next();
    switch (token.type) {
      case TokenType::number:
        return item;
      case TokenType::string:
        item.label = item.text;
        item.quoted = true;
        return item;
      case TokenType::system_variable:
        return parse_variable(std::move(item));
      case TokenType::word:
        item.text = lower(item.text);
        if (item.text == "null") {
          item.kind = Item::Kind::null;
          return item;
        }
        item.kind = Item::Kind::function;
        if (!accept(TokenType::open) || !accept(TokenType::close)) return std::nullopt;
        return item;
      default:
        return std::nullopt;
    }
  }

  // @@x, @@session.x, @@global.x
  std::optional<Item> parse_variable(Item item) {
    if (item.text.empty()) return std::nullopt;
    item.kind = Item::Kind::variable;
    item.text = lower(item.text);
    item.label = "@@" + item.text;
    if (accept(TokenType::dot)) {
      if (!lexer_.token().is_name()) return std::nullopt;
      item.label = fmt::format("@@{}.{}", item.text, lexer_.token().text);
      item.text = lower(lexer_.token().text);
      lexer_.next();
    }
    return item;
  }

  static AdminCommand of(Kind kind) {
    AdminCommand command;
    command.kind = kind;
    return command;
  }
  bool is(std::string_view word) const {
    return lexer_.token().type == TokenType::word && sql::equals_lower(lexer_.token().text, word);
  }
  bool accept(std::string_view word) {
    if (!is(word)) return false;
    lexer_.next();
    return true;
  }
  bool accept(TokenType type) {
    if (lexer_.token().type != type) return false;
    lexer_.next();
    return true;
  }
  // Nothing follows but semicolons.
  bool ends() {
    while (accept(TokenType::semicolon)) {
    }
    return lexer_.token().type == TokenType::end && !lexer_.unterminated();
  }

  std::string_view text_;
  sql::Lexer lexer_;
};

}  // namespace

AdminCommand parse_admin_command(std::string_view text) {
  return Parser(text).parse();
}

// Without a default: who adds a command has to say whose it is.
bool is_order(Kind kind) {
  switch (kind) {
    case Kind::drain_server:
    case Kind::enable_server:
    case Kind::kill_session:
      return true;
    case Kind::show_servers:
    case Kind::show_pools:
    case Kind::show_sessions:
    case Kind::show_pins:
    case Kind::show_counters:
    case Kind::show_rules:
    case Kind::show_firewall:
    case Kind::show_config:
    case Kind::show_warnings:
    case Kind::help:
    case Kind::explain_route:
    case Kind::constants:
    case Kind::accept:
    case Kind::empty:
    case Kind::unknown:
      return false;
  }
  return true;
}

std::string order_text(const AdminCommand& command) {
  switch (command.kind) {
    case Kind::drain_server:
      return "DRAIN SERVER " + config::in_quotes(command.name);
    case Kind::enable_server:
      return "ENABLE SERVER " + config::in_quotes(command.name);
    case Kind::kill_session:
      return fmt::format("KILL SESSION {}", command.session);
    default:
      return "an order";
  }
}

const std::vector<AdminHelp>& admin_help() {
  static const std::vector<AdminHelp> help = {
      {"SHOW SERVERS", "the servers: role, health, lag, position, connections"},
      {"SHOW POOLS", "the connections to each server"},
      {"SHOW SESSIONS", "the clients, and what each does"},
      {"SHOW PINS", "why sessions stay on one connection, and because of which statements"},
      {"SHOW COUNTERS", "what weir has done since it started"},
      {"SHOW RULES", "the rules, and how many statements fell under each"},
      {"SHOW FIREWALL", "the users whose statements are listed, and what came of it"},
      {"SHOW CONFIG", "the configuration, without its passwords"},
      {"EXPLAIN ROUTE <sql>", "where a statement would go, and why"},
      {"DRAIN SERVER <name>", "no new statements for this server"},
      {"ENABLE SERVER <name>", "the end of DRAIN SERVER"},
      {"KILL SESSION <id>", "ends a client's session; the id is that of SHOW SESSIONS"},
      {"HELP", "this list"},
  };
  return help;
}

std::string unknown_command_text(std::string_view text) {
  std::string commands;
  for (const AdminHelp& row : admin_help()) {
    commands += (commands.empty() ? "" : ", ") + std::string(row.command);
  }
  std::string quoted(text.substr(0, kQuoted));
  std::replace_if(
      quoted.begin(), quoted.end(), [](char c) { return c >= 0 && c < ' '; }, ' ');
  return fmt::format("weir: the admin console does not know '{}{}'; it knows {}", quoted,
                     text.size() > kQuoted ? "..." : "", commands);
}

}  // namespace weir
