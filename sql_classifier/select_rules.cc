// Queries, and statements about queries.

#include "sql_classifier/query_scan.h"
#include "sql_classifier/rules.h"

namespace weir::sql {
namespace {

bool begins_query(const Lexer& lexer) noexcept {
  return lexer.is(Keyword::SELECT) || lexer.is(Keyword::WITH) || lexer.is(Keyword::TABLE) ||
         lexer.is(Keyword::VALUES) || lexer.token().type == TokenType::open;
}

bool begins_change(const Lexer& lexer) noexcept {
  return lexer.is(Keyword::INSERT) || lexer.is(Keyword::UPDATE) || lexer.is(Keyword::DELETE) ||
         lexer.is(Keyword::REPLACE) || lexer.is(Keyword::LOAD);
}

// FORMAT = name, in EXPLAIN and ANALYZE. The current token is behind FORMAT.
void skip_format(Lexer& lexer) noexcept {
  if (lexer.token().type != TokenType::equals) return;
  lexer.next();
  if (!lexer.at_end()) lexer.next();
}

// EXPLAIN ROUTE <sql>. What reads as a description of a table called "route", of its whole or of
// one column, is left to the server.
bool is_route_request(Lexer& lexer) noexcept {
  if (lexer.token().type == TokenType::open) return true;
  if (lexer.token().type != TokenType::word) return false;
  const bool statement =
      lexer.is(Keyword::BEGIN) || lexer.is(Keyword::COMMIT) || lexer.is(Keyword::ROLLBACK);
  lexer.next();
  return statement || !lexer.at_end();
}

// [schema.]table [column or pattern]; what goes on after that is something else.
void read_described_table(Lexer& lexer, Facts& facts) noexcept {
  bool table = lexer.token().is_name();
  if (!lexer.at_end()) lexer.next();
  if (lexer.token().type == TokenType::dot) {
    lexer.next();
    table = table && lexer.token().is_name();
    if (!lexer.at_end()) lexer.next();
  }
  if (lexer.token().is_name() || lexer.token().type == TokenType::string) lexer.next();
  if (!table || !lexer.at_end()) facts.is(StatementKind::unknown, Reason::unknown_statement);
  lexer.skip_statement();
}

// The statement behind EXPLAIN and its options.
void read_explained(Lexer& lexer, Facts& facts, bool analyze) noexcept {
  if (begins_query(lexer)) return scan_query(lexer, facts);
  if (!begins_change(lexer)) return read_described_table(lexer, facts);
  if (analyze) return read_statement(lexer, facts);  // it is executed
  facts.is(StatementKind::write, Reason::write_statement);
  lexer.skip_statement();
}

void read_route_request(Lexer& lexer, Facts& facts) noexcept {
  lexer.next();
  if (is_route_request(lexer)) {
    facts.is(StatementKind::explain_route, Reason::unknown_statement);
    return lexer.skip_text();  // the rest is the text that is asked about
  }
  facts.is_read();
  lexer.skip_statement();
}

// One option of EXPLAIN; false when there is none. Words that may also name a table are options
// only when something follows them.
bool read_explain_option(Lexer& lexer, Facts& facts, bool& analyze) noexcept {
  if (lexer.accept(Keyword::ANALYZE)) {
    analyze = true;
  } else if (lexer.accept(Keyword::EXTENDED) || lexer.accept(Keyword::PARTITIONS)) {
    return !lexer.at_end();
  } else if (lexer.accept(Keyword::FORMAT)) {
    if (lexer.token().type != TokenType::equals) return false;
    skip_format(lexer);
  } else if (lexer.accept(Keyword::INTO)) {
    facts.against(Reason::select_into, Effect::sets_user_variable);
    if (!lexer.at_end()) lexer.next();
  } else if (lexer.accept(Keyword::FOR)) {
    if (!lexer.is(Keyword::SCHEMA) && !lexer.is(Keyword::DATABASE)) {
      facts.against(Reason::server_variable);  // CONNECTION
      lexer.skip_statement();
      return false;
    }
    lexer.next();
    if (!lexer.at_end()) lexer.next();  // the schema's name
  } else {
    return false;
  }
  return true;
}

}  // namespace

void read_query(Lexer& lexer, Facts& facts) noexcept {
  facts.is_read();
  if (lexer.token().type == TokenType::open) {
    Lexer ahead = lexer;  // parentheses may stand before a query only
    while (ahead.token().type == TokenType::open) ahead.next();
    if (!begins_query(ahead)) facts.is(StatementKind::unknown, Reason::unknown_statement);
  }
  scan_query(lexer, facts);
}

void read_explain(Lexer& lexer, Facts& facts) noexcept {
  const bool explain = lexer.is(Keyword::EXPLAIN);
  lexer.next();
  if (explain && lexer.is(Keyword::ROUTE)) return read_route_request(lexer, facts);
  facts.is_read();
  bool analyze = false;
  bool table =
      lexer.is(Keyword::EXTENDED) || lexer.is(Keyword::FORMAT) || lexer.is(Keyword::PARTITIONS);
  while (read_explain_option(lexer, facts, analyze)) table = false;
  // DESC format, DESC partitions: what looked like an option is the table.
  if (lexer.at_end() && table) return;
  if (lexer.at_end() && facts.reasons == 0) {
    facts.is(StatementKind::unknown, Reason::unknown_statement);
    return;
  }
  if (!lexer.at_end()) read_explained(lexer, facts, analyze);
}

// MariaDB runs the statement that it analyzes; both flavours analyze tables.
void read_analyze(Lexer& lexer, Facts& facts) noexcept {
  lexer.next();
  if (lexer.is(Keyword::TABLE) || lexer.is(Keyword::TABLES) || lexer.is(Keyword::LOCAL) ||
      lexer.is(Keyword::NO_WRITE_TO_BINLOG)) {
    return read_admin(lexer, facts, Effect::ends_transaction);
  }
  if (lexer.accept(Keyword::FORMAT)) skip_format(lexer);
  if (begins_query(lexer)) return read_query(lexer, facts);
  if (begins_change(lexer)) return read_statement(lexer, facts);
  facts.is(StatementKind::unknown, Reason::unknown_statement);
  lexer.skip_statement();
}

void read_get_diagnostics(Lexer& lexer, Facts& facts) noexcept {
  lexer.next();
  if (!lexer.accept(Keyword::CURRENT)) lexer.accept(Keyword::STACKED);
  if (!lexer.is(Keyword::DIAGNOSTICS)) {
    facts.is(StatementKind::unknown, Reason::unknown_statement);
    return lexer.skip_statement();
  }
  facts.is_read(Reason::previous_statement, Effect::asks_diagnostics);
  for (; !lexer.at_end(); lexer.next()) {
    if (lexer.token().type == TokenType::user_variable) facts.effects |= Effect::sets_user_variable;
  }
}

}  // namespace weir::sql
