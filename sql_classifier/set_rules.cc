// SET in all its forms. It is always executed on the primary; what matters is what it changes.

#include "sql_classifier/query_scan.h"
#include "sql_classifier/rules.h"
#include "sql_classifier/system_variables.h"
#include "sql_classifier/tracked_variables.h"

namespace weir::sql {
namespace {

bool is_one_of(std::string_view text, std::string_view a, std::string_view b) noexcept {
  return equals_lower(text, a) || equals_lower(text, b);
}

// The characteristics of transactions: with @@ and without a scope they are set for the next one
// only.
bool is_transaction_characteristic(std::string_view name) noexcept {
  return is_one_of(name, "transaction_isolation", "tx_isolation") ||
         is_one_of(name, "transaction_read_only", "tx_read_only");
}

Effect session_effect(std::string_view name, bool next_transaction) noexcept {
  if (equals_lower(name, "autocommit")) return Effect::sets_autocommit;
  if (equals_lower(name.substr(0, 14), "session_track_")) return Effect::sets_session_tracking;
  if (next_transaction && is_transaction_characteristic(name)) return Effect::sets_next_transaction;
  if (is_last_insert_id(name)) return Effect::sets_untracked_variable | Effect::sets_last_insert_id;
  return find_tracked_variable(name) ? Effect::sets_tracked_variable
                                     : Effect::sets_untracked_variable;
}

class SetReader {
 public:
  SetReader(Lexer& lexer, Facts& facts) : lexer_(lexer), facts_(facts) {}

  void run() noexcept {
    if (read_special()) return lexer_.skip_statement();
    for (;;) {
      if (!read_assignment()) {
        facts_.effects |= Effect::sets_untracked_variable;  // not understood
        return lexer_.skip_statement();
      }
      if (lexer_.token().type != TokenType::comma) return lexer_.skip_statement();
      lexer_.next();
    }
  }

 private:
  // Forms that take the whole statement.
  bool read_special() noexcept {
    if (lexer_.is(Keyword::PASSWORD)) {
      facts_.is(StatementKind::set, Reason::admin_statement, Effect::ends_transaction);
    } else if (lexer_.is(Keyword::ROLE)) {
      facts_.effects |= Effect::changes_role;
    } else if (lexer_.is(Keyword::RESOURCE)) {
      facts_.effects |= Effect::sets_untracked_variable;
    } else if (lexer_.is(Keyword::DEFAULT)) {
      // SET DEFAULT ROLE: of sessions to come, as a global variable.
      facts_.is(StatementKind::set, Reason::admin_statement,
                Effect::ends_transaction | Effect::sets_global_variable);
    } else if (lexer_.accept(Keyword::TRANSACTION)) {
      if (is_assigned()) return false;
      facts_.effects |= Effect::sets_next_transaction;
    } else {
      return false;
    }
    return true;
  }

  bool read_assignment() noexcept {
    const Token token = lexer_.token();
    if (token.type == TokenType::user_variable) {
      facts_.effects |= Effect::sets_user_variable;
      lexer_.next();
      return read_value();
    }
    if (token.type == TokenType::system_variable) {
      const SystemVariable variable = read_system_variable(lexer_);
      note(variable, variable.scope == VariableScope::none);
      return read_value();
    }
    if (!token.is_name()) return false;
    if (token.is(Keyword::NAMES) || token.is(Keyword::CHARACTER) || token.is(Keyword::CHARSET)) {
      return read_names();
    }
    return read_named();
  }

  // [GLOBAL | SESSION | ...] name [. name] = value
  bool read_named() noexcept {
    SystemVariable variable;
    variable.name = lexer_.token().text;
    const auto scope =
        lexer_.token().type == TokenType::word ? scope_of(variable.name) : std::nullopt;
    lexer_.next();
    if (scope && lexer_.token().is_name()) {
      variable.scope = *scope;
      keyword_scope_ = *scope;
      if (lexer_.is(Keyword::TRANSACTION)) return read_transaction(*scope);
      variable.name = lexer_.token().text;
      lexer_.next();
    }
    while (lexer_.token().type == TokenType::dot) {
      lexer_.next();
      if (!lexer_.token().is_name()) return false;
      variable.structured = true;
      variable.name = lexer_.token().text;
      lexer_.next();
    }
    // Servers carry GLOBAL on to the names behind the next commas.
    if (variable.scope == VariableScope::none && keyword_scope_ == VariableScope::global) {
      facts_.effects |= Effect::sets_global_variable;
    }
    note(variable, false);
    return read_value();
  }

  void note(const SystemVariable& variable, bool next_transaction) noexcept {
    if (variable.scope == VariableScope::global) {
      facts_.effects |= Effect::sets_global_variable;
    } else if (variable.structured) {
      facts_.effects |= Effect::sets_untracked_variable;
    } else {
      facts_.effects |= session_effect(variable.name, next_transaction);
    }
  }

  bool read_transaction(VariableScope scope) noexcept {
    facts_.effects |= scope == VariableScope::global ? Effect::sets_global_variable
                                                     : Effect::sets_tracked_variable;
    lexer_.skip_statement();
    return true;
  }

  // NAMES charset [COLLATE collation], CHARACTER SET charset; the current token is the first word.
  bool read_names() noexcept {
    if (lexer_.accept(Keyword::CHARACTER) && !lexer_.is(Keyword::SET)) return false;
    lexer_.next();
    if (is_assigned()) return false;
    facts_.names_seen = true;
    facts_.names_collation = {};
    facts_.effects |= Effect::sets_names | Effect::sets_tracked_variable;
    if (lexer_.at_end()) return false;
    lexer_.next();
    if (lexer_.accept(Keyword::COLLATE)) {
      if (lexer_.at_end()) return false;
      if (!lexer_.is(Keyword::DEFAULT)) facts_.names_collation = lexer_.token().text;
      lexer_.next();
    }
    return true;
  }

  bool is_assigned() const noexcept {
    return lexer_.token().type == TokenType::equals || lexer_.token().type == TokenType::assign;
  }

  bool read_value() noexcept {
    if (!is_assigned()) return false;
    lexer_.next();
    scan_query(lexer_, facts_, {.stop_at_comma = true});
    return true;
  }

  Lexer& lexer_;
  Facts& facts_;
  VariableScope keyword_scope_ = VariableScope::none;
};

// MariaDB: SET STATEMENT variable = value, ... FOR statement. The values last as long as the
// statement.
void read_set_statement(Lexer& lexer, Facts& facts) noexcept {
  Facts values;
  values.objects = facts.objects;
  scan_query(lexer, values, {.stop_at_for = true});
  if (!lexer.accept(Keyword::FOR)) {
    facts.effects |= Effect::sets_untracked_variable;
    return lexer.skip_statement();
  }
  Facts inner;
  inner.objects = facts.objects;
  read_statement(lexer, inner);
  const Reason reason =
      inner.placement() == Placement::any ? Reason::session_variable : inner.main_reason();
  const Effect effects = facts.effects | values.effects | Effect::sets_for_statement;
  facts = inner;
  facts.is(inner.kind, reason, effects);
}

}  // namespace

void read_set(Lexer& lexer, Facts& facts) noexcept {
  facts.is(StatementKind::set, Reason::session_variable);
  lexer.next();
  if (lexer.is(Keyword::STATEMENT)) {
    lexer.next();
    const bool assigned =
        lexer.token().type == TokenType::equals || lexer.token().type == TokenType::assign;
    if (!assigned) return read_set_statement(lexer, facts);
    facts.effects |= Effect::sets_untracked_variable;
    return lexer.skip_statement();
  }
  SetReader(lexer, facts).run();
}

}  // namespace weir::sql
