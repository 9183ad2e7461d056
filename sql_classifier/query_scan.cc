#include "sql_classifier/query_scan.h"

#include <cstdint>

#include "sql_classifier/object_reader.h"
#include "sql_classifier/system_variables.h"

namespace weir::sql {
namespace {

class QueryScan {
 public:
  QueryScan(Lexer& lexer, Facts& facts, ScanOptions options)
      : lexer_(lexer), facts_(facts), options_(options), start_(lexer.token().text.data()) {}

  void run() noexcept {
    for (;;) {
      const Token& token = lexer_.token();
      switch (token.type) {
        case TokenType::end:
        case TokenType::semicolon:
          return finish();
        case TokenType::word:
          if (token.plain_word) {
            if (may_be_scanned(token.text) && on_keyword()) return;
            break;
          }
          [[fallthrough]];
        case TokenType::quoted_name:
          if (lexer_.passed(1).type == TokenType::dot) on_name_behind_dot(token);
          break;
        case TokenType::open:
          on_open(token);
          break;
        case TokenType::close:
          on_close();
          break;
        case TokenType::comma:
          if (options_.stop_at_comma && depth_ == 0) return;
          break;
        case TokenType::assign:
          if (lexer_.passed(1).type != TokenType::user_variable) not_understood();
          break;
        case TokenType::user_variable:
          on_user_variable();
          continue;
        case TokenType::system_variable:
          on_system_variable();
          continue;
        default:
          break;
      }
      if (options_.stop_at_comma) {
        lexer_.advance();
      } else {
        lexer_.advance_past_plain();
      }
    }
  }

 private:
  bool on_keyword() noexcept;
  void on_value_for() noexcept;
  void on_update() noexcept;
  void on_open(const Token& token) noexcept;
  void on_close() noexcept;
  void on_call(Call call, bool adjacent) noexcept;
  void on_last_insert_id() noexcept;
  bool is_name_list() const noexcept;
  void on_user_variable() noexcept;
  void on_system_variable() noexcept;
  void on_name_behind_dot(const Token& token) noexcept;
  void finish() noexcept;
  void not_understood() noexcept { facts_.against(Reason::unknown_statement); }
  bool passed_is(unsigned n, Keyword keyword) const noexcept {
    return lexer_.meaning_of(lexer_.passed(n)).keyword == keyword;
  }
  // The bit of the current depth; deeper than 63 nothing is remembered, which only makes reads
  // slower.
  std::uint64_t level() const { return depth_ < 64 ? std::uint64_t{1} << depth_ : 0; }

  Lexer& lexer_;
  Facts& facts_;
  const ScanOptions options_;
  const char* const start_;
  std::uint32_t depth_ = 0;
  std::uint64_t query_seen_ = 0;  // per depth: the query's own keyword has been passed
  bool into_ = false;             // the last user variable was in the list behind INTO
  std::uint64_t with_list_ =
      0;  // per depth: in the list of a WITH, where NAME( begins column names
};

// True where the scan ends.
bool QueryScan::on_keyword() noexcept {
  if (lexer_.is(Keyword::NONE)) lexer_.look_up();
  switch (lexer_.token().meaning.keyword) {
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
      if (options_.stop_at_for && depth_ == 0) return true;
      if (passed_is(1, Keyword::VALUE)) on_value_for();
      break;
    case Keyword::UPDATE:
      on_update();
      break;
    case Keyword::DELETE:
      if (facts_.replica_safe) facts_.is(StatementKind::write, Reason::write_statement);
      break;
    case Keyword::SHARE:
      if (passed_is(1, Keyword::FOR)) facts_.against(Reason::locking_read);
      break;
    case Keyword::LOCK:
      facts_.against(Reason::locking_read);
      break;
    case Keyword::INTO:
      facts_.against(Reason::select_into);
      break;
    case Keyword::PROCEDURE:
      facts_.against(Reason::unsafe_function);
      break;
    case Keyword::SQL_CALC_FOUND_ROWS:
      facts_.effects |= Effect::calc_found_rows;
      break;
    default:
      break;
  }
  return false;
}

// NEXT VALUE FOR sequence, PREVIOUS VALUE FOR sequence
void QueryScan::on_value_for() noexcept {
  if (passed_is(2, Keyword::NEXT)) facts_.against(Reason::sequence);
  if (passed_is(2, Keyword::PREVIOUS)) facts_.against(Reason::sequence, Effect::asks_sequence);
}

// FOR UPDATE; a query holds the word nowhere else, so otherwise it is WITH ... UPDATE.
void QueryScan::on_update() noexcept {
  if (passed_is(1, Keyword::FOR)) {
    facts_.against(Reason::locking_read);
  } else if (facts_.replica_safe) {
    facts_.is(StatementKind::write, Reason::write_statement);
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
  if (depth_ != 0 || with_list_ != 0) return not_understood();
  const Token& last = lexer_.passed(1);
  if (!last.plain_word || !may_be_scanned(last.text)) return;
  const Keyword keyword = lexer_.meaning_of(last).keyword;
  if (keyword == Keyword::SELECT || keyword == Keyword::TABLE || keyword == Keyword::VALUES)
    not_understood();
}

void QueryScan::on_open(const Token& token) noexcept {
  const Token& left = lexer_.passed(1);
  if (left.is_name() && token.text.data() != start_) {
    const bool adjacent = left.text.data() + left.text.size() == token.text.data();
    on_call(lexer_.meaning_of(left).call, adjacent);
  }
  if (left.type == TokenType::close) with_list_ &= ~level();  // WITH a AS (...) (SELECT ...)
  ++depth_;
}

// NAME( has been read, with nothing in between when `adjacent`.
void QueryScan::on_call(Call call, bool adjacent) noexcept {
  if (call == Call::plain || call == Call::reserved) return;
  if (facts_.objects != nullptr) facts_.objects->on_call(lexer_, call, depth_ == 0);
  const TokenType before = lexer_.passed(2).type;
  switch (call) {
    case Call::plain:
    case Call::reserved:
      return;
    case Call::takes_lock:
      return facts_.against(Reason::locking_function, Effect::takes_user_lock);
    case Call::releases_lock:
      return facts_.against(Reason::locking_function, Effect::releases_user_lock);
    case Call::asks_lock:
      return facts_.against(Reason::locking_function);
    case Call::unsafe:
      return facts_.against(Reason::unsafe_function);
    case Call::sequence:
      return facts_.against(Reason::sequence);
    case Call::asks_sequence:
      return facts_.against(Reason::sequence, Effect::asks_sequence);
    case Call::last_insert_id:
      return on_last_insert_id();
    case Call::connection_id:
      return facts_.against(Reason::unsafe_function, Effect::asks_connection_id);
    case Call::row_count:
      return facts_.against(Reason::previous_statement, Effect::asks_row_count);
    case Call::found_rows:
      return facts_.against(Reason::previous_statement, Effect::asks_found_rows);
    case Call::plain_if_adjacent:
      if (adjacent) return;
      break;
    case Call::after_comparison:
      if (before == TokenType::equals || before == TokenType::compare) return;
      break;
    case Call::after_literal:
      if (before == TokenType::string || before == TokenType::close) return;
      break;
    case Call::column_type:
      if (lexer_.passed(2).is_name() &&
          (lexer_.passed(3).type == TokenType::comma || lexer_.passed(3).type == TokenType::open)) {
        return;
      }
      break;
    case Call::unknown:
      break;
  }
  if (!options_.calls || is_name_list()) return;
  if (facts_.objects != nullptr) facts_.objects->on_function(lexer_);
  facts_.against(Reason::stored_function, Effect::calls_routine);
}

// With an argument it is remembered as if it had been generated, and is the answer.
void QueryScan::on_last_insert_id() noexcept {
  Lexer ahead = lexer_;
  ahead.advance();
  const bool asks = ahead.token().type == TokenType::close;
  facts_.against(Reason::last_insert_id,
                 asks ? Effect::uses_last_insert_id : Effect::sets_last_insert_id);
}

// Names that stand before "(" without being called.
bool QueryScan::is_name_list() const noexcept {
  const Token& before = lexer_.passed(2);
  if (before.type == TokenType::dot) return false;
  // (SELECT ...) t (a, b)
  if (before.type == TokenType::close) return true;
  // WITH t (a, b) AS (...), u (c) AS (...)
  if (before.type == TokenType::comma) return (with_list_ & level()) != 0;
  // CAST(x AS type(n)); (SELECT ...) AS t (a, b)
  const Keyword keyword = lexer_.meaning_of(before).keyword;
  return keyword == Keyword::AS || keyword == Keyword::WITH || keyword == Keyword::RECURSIVE;
}

// Moves behind the variable.
void QueryScan::on_user_variable() noexcept {
  const bool listed = into_ && lexer_.passed(1).type == TokenType::comma &&
                      lexer_.passed(2).type == TokenType::user_variable;
  into_ = listed || passed_is(1, Keyword::INTO);
  lexer_.advance();
  const bool assigned = into_ || lexer_.token().type == TokenType::assign;
  if (assigned || options_.assigns)
    facts_.against(Reason::user_variable, Effect::sets_user_variable);
  if (!assigned) facts_.against(Reason::user_variable, Effect::uses_user_variable);
}

// Moves behind the variable.
void QueryScan::on_system_variable() noexcept {
  const char* const from = lexer_.token().text.data();
  const SystemVariable variable = read_system_variable(lexer_);
  if (const auto reason = reason_against(variable)) facts_.against(*reason, asked_by(variable));
  if (facts_.objects != nullptr && asked_by(variable) == Effect::asks_connection_id)
    facts_.objects->on_thread_id(lexer_, from, variable.name);
}

void QueryScan::on_name_behind_dot(const Token& token) noexcept {
  // sequence.nextval, as the Oracle mode writes it
  if (equals_lower(token.text, "nextval")) return facts_.against(Reason::sequence);
  if (equals_lower(token.text, "currval")) {
    return facts_.against(Reason::sequence, Effect::asks_sequence);
  }
  if (is_server_table(lexer_.passed(2).text, token.text)) facts_.against(Reason::server_variable);
}

}  // namespace

void scan_query(Lexer& lexer, Facts& facts, ScanOptions options) noexcept {
  QueryScan(lexer, facts, options).run();
}

}  // namespace weir::sql
