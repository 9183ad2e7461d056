// SHOW: the catalogue is the same everywhere, the state of a server is not.

#include "sql_classifier/query_scan.h"
#include "sql_classifier/rules.h"
#include "sql_classifier/system_variables.h"

namespace weir::sql {
namespace {

// SHOW CREATE and the kind of object. Not an event: replicas hold events switched off.
bool is_replicated_object(const Lexer& lexer) noexcept {
  switch (lexer.token().meaning.keyword) {
    case Keyword::DATABASE:
    case Keyword::FUNCTION:
    case Keyword::LIBRARY:
    case Keyword::PACKAGE:
    case Keyword::PROCEDURE:
    case Keyword::SCHEMA:
    case Keyword::SEQUENCE:
    case Keyword::TABLE:
    case Keyword::TRIGGER:
    case Keyword::VIEW:
      return true;
    default:
      return false;
  }
}

// SHOW <word>, where the word alone tells that catalogue data is asked for. Not ENGINES and
// PLUGINS, which every server has of its own, nor EVENTS, whose state differs on a replica.
bool is_catalogue_list(const Lexer& lexer) noexcept {
  switch (lexer.token().meaning.keyword) {
    case Keyword::AUTHORS:
    case Keyword::CHARSET:
    case Keyword::COLLATION:
    case Keyword::COLUMNS:
    case Keyword::CONTRIBUTORS:
    case Keyword::DATABASES:
    case Keyword::FIELDS:
    case Keyword::INDEX:
    case Keyword::INDEXES:
    case Keyword::KEYS:
    case Keyword::SCHEMAS:
    case Keyword::TABLES:
    case Keyword::TRIGGERS:
      return true;
    default:
      return false;
  }
}

// SHOW <word> <word>
bool is_catalogue_pair(Keyword first, const Lexer& lexer) noexcept {
  switch (first) {
    case Keyword::CHARACTER:
      return lexer.is(Keyword::SET);
    case Keyword::CREATE:
      return is_replicated_object(lexer);
    case Keyword::FUNCTION:
    case Keyword::LIBRARY:
    case Keyword::PROCEDURE:
    case Keyword::TABLE:
      return lexer.is(Keyword::STATUS);
    case Keyword::PACKAGE:
      return lexer.is(Keyword::STATUS) || lexer.is(Keyword::BODY);
    default:
      return false;
  }
}

// SHOW <word> <word> of the catalogue, with the next AUTO_INCREMENT in the answer: a replica knows
// of the keys that were used, not of those that were given out and rolled back.
bool shows_counter(Keyword first, const Lexer& lexer) noexcept {
  return first == Keyword::TABLE || (first == Keyword::CREATE && lexer.is(Keyword::TABLE));
}

void read_count(Lexer& lexer, Facts& facts) noexcept {
  while (lexer.token().type == TokenType::open || lexer.token().type == TokenType::other ||
         lexer.token().type == TokenType::close) {
    lexer.next();
  }
  const bool diagnostics = lexer.is(Keyword::WARNINGS) || lexer.is(Keyword::ERRORS);
  if (diagnostics) {
    facts.against(Reason::previous_statement, Effect::asks_diagnostics);
  } else {
    facts.against(Reason::server_variable);
  }
}

// [FROM table] [FROM schema], or a qualified name: the lists of the server's own schemas differ
// from version to version.
void read_place(Lexer& lexer, Facts& facts) noexcept {
  while (!lexer.at_end() && !lexer.is(Keyword::LIKE) && !lexer.is(Keyword::WHERE)) {
    if (is_server_schema(lexer.token().text)) facts.against(Reason::server_variable);
    lexer.next();
  }
}

}  // namespace

void read_show(Lexer& lexer, Facts& facts) noexcept {
  facts.is_read();
  lexer.next();
  lexer.accept(Keyword::EXTENDED);
  lexer.accept(Keyword::FULL);
  const Keyword first = lexer.token().meaning.keyword;
  const bool catalogue = is_catalogue_list(lexer);
  if (!lexer.at_end()) lexer.next();
  if (first == Keyword::WARNINGS || first == Keyword::ERRORS) {
    facts.against(Reason::previous_statement, Effect::asks_diagnostics);
  } else if (first == Keyword::COUNT) {
    read_count(lexer, facts);
  } else if (first == Keyword::PROFILE || first == Keyword::PROFILES) {
    facts.against(Reason::previous_statement, Effect::profiling);
  } else if (catalogue || is_catalogue_pair(first, lexer)) {
    if (shows_counter(first, lexer)) facts.against(Reason::server_variable);
    // The word after SHOW CREATE is no keyword for the scan: PROCEDURE, TABLE.
    if (!catalogue && !lexer.at_end()) lexer.next();
    read_place(lexer, facts);
    scan_query(lexer, facts);  // LIKE and WHERE hold expressions
  } else {
    const bool processlist = first == Keyword::PROCESSLIST;
    facts.against(Reason::server_variable, processlist ? Effect::shows_processlist : Effect::none);
  }
  lexer.skip_statement();
}

}  // namespace weir::sql
