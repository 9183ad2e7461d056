#include "sql_classifier/query_scan.h"

#include <cstdint>

#include "sql_classifier/system_variables.h"

namespace weir::sql {
namespace {

// What is remembered of a token that has been passed.
struct Passed {
  TokenType type = TokenType::end;
  bool after_dot = false;
  WordMeaning meaning;

  bool is(Keyword k) const { return meaning.keyword == k; }
};

bool is_name(const Passed& p) {
  return p.type == TokenType::word || p.type == TokenType::quoted_name;
}

class QueryScan {
 public:
  QueryScan(Lexer& lexer, Facts& facts, ScanOptions options)
      : lexer_(lexer), facts_(facts), options_(options) {}

  void run() noexcept {
    while (!lexer_.at_end()) {
      const Token& token = lexer_.token();
      switch (token.type) {
        case TokenType::word:
          if (token.meaning.keyword != Keyword::NONE && token.meaning.keyword < Keyword::LAST_SCANNED) {
            if (options_.stop_at_for && depth_ == 0 && token.is(Keyword::FOR)) return;
            on_keyword(token.meaning.keyword);
          } else if (token.after_dot) {
            on_name_behind_dot(token);
          }
          break;
        case TokenType::quoted_name:
          if (token.after_dot) on_name_behind_dot(token);
          break;
        case TokenType::open: on_open(); break;
        case TokenType::close: on_close(); break;
        case TokenType::assign:
          if (previous_.type != TokenType::user_variable) not_understood();
          break;
        case TokenType::comma:
          if (options_.stop_at_comma && depth_ == 0) return;
          break;
        case TokenType::user_variable: on_user_variable(); continue;
        case TokenType::system_variable: on_system_variable(); continue;
        default: break;
      }
      step();
    }
    finish();
  }

 private:
  void step() noexcept {
    const Token& token = lexer_.token();
    if (token.type == TokenType::dot && is_name(previous_)) qualifier_ = name_;
    before_ = previous_;
    previous_ = {token.type, token.after_dot, token.meaning};
    name_ = token.text;
    if (token.type != TokenType::comma) in_into_ = token.is(Keyword::INTO);
    lexer_.next();
  }

  void on_keyword(Keyword keyword) noexcept;
  void on_open() noexcept;
  void on_call(Call call) noexcept;
  bool is_name_list() const noexcept;
  void on_user_variable() noexcept;
  void on_system_variable() noexcept;
  void on_name_behind_dot(const Token& token) noexcept;
  void on_close() noexcept;
  void finish() noexcept;
  void not_understood() noexcept { facts_.against(Reason::unknown_statement); }
  // The bit of the current depth; deeper than 63 nothing is remembered, which only makes reads slower.
  std::uint64_t level() const { return depth_ < 64 ? std::uint64_t{1} << depth_ : 0; }

  Lexer& lexer_;
  Facts& facts_;
  const ScanOptions options_;
  Passed previous_;
  Passed before_;                 // the one before previous_
  std::string_view name_;         // the text of previous_
  std::string_view qualifier_;    // the name left of the last dot
  std::uint32_t depth_ = 0;
  std::uint64_t query_seen_ = 0;  // per depth: the query's own keyword has been passed
  std::uint64_t with_list_ = 0;   // per depth: in the list of a WITH, where NAME( begins column names
  bool in_into_ = false;          // in the list of variables behind INTO
};

void QueryScan::on_keyword(Keyword keyword) noexcept {
  switch (keyword) {
    case Keyword::WITH:
      if ((query_seen_ & level()) == 0) with_list_ |= level();
      break;
    case Keyword::SELECT:
    case Keyword::TABLE:
    case Keyword::VALUES:
      query_seen_ |= level();
      with_list_ &= ~level();
      break;
    case Keyword::FOR:
      if (previous_.is(Keyword::VALUE) && (before_.is(Keyword::NEXT) || before_.is(Keyword::PREVIOUS))) {
        facts_.against(Reason::sequence);
      }
      break;
    case Keyword::UPDATE:
      // No query holds this word otherwise: it is WITH ... UPDATE.
      if (previous_.is(Keyword::FOR)) {
        facts_.against(Reason::locking_read);
      } else if (facts_.replica_safe) {
        facts_.is(StatementKind::write, Reason::write_statement);
      }
      break;
    case Keyword::DELETE:
      if (facts_.replica_safe) facts_.is(StatementKind::write, Reason::write_statement);
      break;
    case Keyword::SHARE:
      if (previous_.is(Keyword::FOR)) facts_.against(Reason::locking_read);
      break;
    case Keyword::LOCK: facts_.against(Reason::locking_read); break;
    case Keyword::INTO: facts_.against(Reason::select_into); break;
    case Keyword::PROCEDURE: facts_.against(Reason::unsafe_function); break;
    case Keyword::SQL_CALC_FOUND_ROWS: facts_.effects |= Effect::calc_found_rows; break;
    default: break;
  }
}

void QueryScan::on_close() noexcept {
  if (depth_ == 0) return not_understood();
  query_seen_ &= ~level();
  with_list_ &= ~level();
  --depth_;
}

// A text that stops in the middle is an error whoever reads it; the primary shall say so.
void QueryScan::finish() noexcept {
  if (depth_ != 0 || with_list_ != 0) not_understood();
  switch (previous_.meaning.keyword) {
    case Keyword::SELECT:
    case Keyword::TABLE:
    case Keyword::VALUES: return not_understood();
    default: return;
  }
}

// Names that stand before "(" without being called.
bool QueryScan::is_name_list() const noexcept {
  if (previous_.after_dot) return false;
  // CAST(x AS type(n)); (SELECT ...) AS t (a, b); and the same without AS
  if (before_.is(Keyword::AS) || before_.type == TokenType::close) return true;
  // WITH t (a, b) AS (...), u (c) AS (...)
  if (before_.is(Keyword::WITH) || before_.is(Keyword::RECURSIVE)) return true;
  return before_.type == TokenType::comma && (with_list_ & level()) != 0;
}

void QueryScan::on_open() noexcept {
  if (is_name(previous_) && previous_.meaning.call != Call::plain) on_call(previous_.meaning.call);
  if (previous_.type == TokenType::close) with_list_ &= ~level();   // WITH a AS (...) (SELECT ...)
  ++depth_;
}

void QueryScan::on_call(Call call) noexcept {
  switch (call) {
    case Call::plain: return;
    case Call::plain_if_adjacent:
      if (name_.data() + name_.size() == lexer_.token().text.data()) return;
      if (!options_.calls) return;
      break;
    case Call::takes_lock:
      return facts_.against(Reason::locking_function, Effect::takes_user_lock);
    case Call::releases_lock:
      return facts_.against(Reason::locking_function, Effect::releases_user_lock);
    case Call::asks_lock: return facts_.against(Reason::locking_function);
    case Call::unsafe: return facts_.against(Reason::unsafe_function);
    case Call::sequence: return facts_.against(Reason::sequence);
    case Call::last_insert_id: return facts_.against(Reason::last_insert_id);
    case Call::previous_statement: return facts_.against(Reason::previous_statement);
    case Call::after_comparison:
      if (before_.type == TokenType::equals || before_.type == TokenType::compare) return;
      break;
    case Call::after_literal:
      if (before_.type == TokenType::string || before_.type == TokenType::close) return;
      break;
    case Call::unknown:
      if (!options_.calls || is_name_list()) return;
      break;
  }
  facts_.against(Reason::stored_function, Effect::calls_routine);
}

void QueryScan::on_user_variable() noexcept {
  const bool into = in_into_;
  step();
  in_into_ = into;
  const bool assigned = lexer_.token().type == TokenType::assign;
  if (assigned || into || options_.assigns) {
    facts_.against(Reason::user_variable, Effect::sets_user_variable);
  }
  if (!assigned && !into) facts_.against(Reason::user_variable, Effect::uses_user_variable);
}

void QueryScan::on_system_variable() noexcept {
  const SystemVariable variable = read_system_variable(lexer_);
  before_ = {};
  previous_ = {TokenType::number, false, {}};
  in_into_ = false;
  if (const auto reason = reason_against(variable)) facts_.against(*reason);
}

void QueryScan::on_name_behind_dot(const Token& token) noexcept {
  // sequence.nextval, as the Oracle mode writes it
  if (equals_lower(token.text, "nextval") || equals_lower(token.text, "currval")) {
    return facts_.against(Reason::sequence);
  }
  if (is_server_table(qualifier_, token.text)) facts_.against(Reason::server_variable);
}

}  // namespace

void scan_query(Lexer& lexer, Facts& facts, ScanOptions options) noexcept {
  QueryScan(lexer, facts, options).run();
}

}  // namespace weir::sql
