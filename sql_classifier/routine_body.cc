#include "sql_classifier/routine_body.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "sql_classifier/char_class.h"
#include "sql_classifier/object_reader.h"
#include "sql_classifier/query_scan.h"

namespace weir::sql {
namespace {

constexpr unsigned kDeepest = 64;  // statements inside one another

bool is_word(const Token& token, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return is_word(token, word); });
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// Words that a harmless body has only as names of functions. The grammar below refuses their
// statements, too; this stands behind it in case it should ever lose its place.
bool changes_something(const Token& word, const Token& behind) {
  if (behind.type == TokenType::open && is_word(word, {"insert", "replace", "truncate"})) {
    return false;
  }
  return is_word(
      word, {"alter",   "call",   "create",   "delete", "drop",   "dumpfile", "execute", "flush",
             "grant",   "insert", "kill",     "load",   "lock",   "outfile",  "prepare", "rename",
             "replace", "revoke", "truncate", "unlock", "update", "xa"});
}

// A body, statement by statement. Every member that reads something returns false when it is not
// as it should be, and then the lexer is of no further use.
class BodyReader {
 public:
  BodyReader(std::string_view text, LexMode mode, ObjectReader& objects)
      : lexer_(text, mode), mode_(mode), objects_(objects) {}

  bool read() {
    if (!read_header() || !is_readable() || !read_statement()) return false;
    if (lexer_.token().type == TokenType::semicolon) lexer_.next();
    return lexer_.token().type == TokenType::end;
  }

 private:
  bool read_header();
  bool is_readable() const;
  bool read_statement();
  bool read_statement_inside();
  bool read_statements(std::initializer_list<std::string_view> ends);
  bool read_block();
  bool read_declare();
  bool read_declared_variable(const std::vector<std::string_view>& names);
  bool read_handler();
  bool read_set();
  bool read_if();
  bool read_case();
  bool read_loop(std::string_view kind);
  bool read_query();
  bool read_fetch();
  bool read_names();

  // A name of a variable, label or cursor, or a word of the grammar.
  bool take_name(std::string_view& name);
  bool take(std::string_view word);
  bool take(TokenType type);

  // Goes on to a word of `ends`, or where there is none to the end of the statement, and checks
  // what lies before it as an expression or a query.
  bool check_up_to(std::initializer_list<std::string_view> ends, bool stop_at_comma = false);
  bool check(const char* from, const char* to) const;

  bool at_end() const { return lexer_.at_end(); }
  const char* here() const { return lexer_.token().text.data(); }
  // Behind the token before the current one, which has no quotes.
  const char* behind_last() const {
    const std::string_view last = lexer_.passed(1).text;
    return last.data() + last.size();
  }

  Lexer lexer_;
  const LexMode mode_;
  ObjectReader& objects_;
  std::vector<std::string_view> variables_;  // of the function that can be seen from here
  unsigned depth_ = 0;
};

bool BodyReader::take(std::string_view word) {
  if (!is_word(lexer_.token(), word)) return false;
  lexer_.next();
  return true;
}

bool BodyReader::take(TokenType type) {
  if (lexer_.token().type != type) return false;
  lexer_.next();
  return true;
}

bool BodyReader::take_name(std::string_view& name) {
  if (!lexer_.token().is_name()) return false;
  name = lexer_.token().text;
  lexer_.next();
  return true;
}

// From CREATE to the first word of the body, noting the parameters. A body that begins with
// another word than these fails later: what encloses the first of them has no end that is expected.
bool BodyReader::read_header() {
  unsigned depth = 0;
  for (bool parameters = true; lexer_.token().type != TokenType::end; lexer_.next()) {
    const Token& token = lexer_.token();
    const TokenType before = lexer_.passed(1).type;
    if (token.type == TokenType::semicolon) return false;
    if (depth == 0 && is_word(token, {"begin", "return"})) return true;
    if (token.type == TokenType::open) ++depth;
    if (token.type == TokenType::close && depth > 0 && --depth == 0) parameters = false;
    const bool begins = before == TokenType::open || before == TokenType::comma;
    if (parameters && depth == 1 && begins && token.is_name()) variables_.push_back(token.text);
  }
  return false;
}

bool BodyReader::is_readable() const {
  Lexer lexer = lexer_;
  do {
    lexer.next();
    if (changes_something(lexer.passed(1), lexer.token())) return false;
  } while (lexer.token().type != TokenType::end);
  return !lexer.doubtful() && !lexer.unterminated() && lexer.conditional_comments() == 0;
}

bool BodyReader::read_statement() {
  if (++depth_ > kDeepest) return false;
  const bool understood = read_statement_inside();
  --depth_;
  return understood && at_end();
}

// Stops at the end of the statement.
bool BodyReader::read_statement_inside() {
  Lexer behind = lexer_;
  behind.next();
  if (lexer_.token().is_name() && behind.token().text == ":") {  // a label
    lexer_ = behind;
    lexer_.next();
  }
  const Token first = lexer_.token();
  if (first.type == TokenType::open || is_word(first, {"select", "with"})) return read_query();
  lexer_.next();
  if (is_word(first, "begin")) return read_block();
  if (is_word(first, "declare")) return read_declare();
  if (is_word(first, "set")) return read_set();
  if (is_word(first, "if")) return read_if();
  if (is_word(first, "case")) return read_case();
  if (is_word(first, "loop")) return read_loop(first.text);
  if (is_word(first, "repeat")) return read_loop(first.text);
  if (is_word(first, "while")) return check_up_to({"do"}) && take("do") && read_loop(first.text);
  if (is_word(first, "resignal") && at_end()) return true;
  if (is_word(first, {"return", "signal", "resignal"})) return !at_end() && check_up_to({});
  if (is_word(first, "fetch")) return read_fetch();
  std::string_view name;
  return is_word(first, {"leave", "iterate", "open", "close"}) && take_name(name);
}

// Statements, each with its semicolon, up to one of the words.
bool BodyReader::read_statements(std::initializer_list<std::string_view> ends) {
  while (!is_word(lexer_.token(), ends)) {
    if (!read_statement() || !take(TokenType::semicolon)) return false;
  }
  return true;
}

bool BodyReader::read_block() {
  const std::size_t outer = variables_.size();
  if (!read_statements({"end"}) || !take("end")) return false;
  variables_.resize(outer);
  std::string_view label;
  return at_end() || take_name(label);
}

bool BodyReader::read_declare() {
  if (is_word(lexer_.token(), {"continue", "exit", "undo"})) return read_handler();
  std::vector<std::string_view> names(1);
  if (!take_name(names.front())) return false;
  if (take("cursor")) return take("for") && read_query();
  if (take("condition")) return take("for") && check_up_to({});
  while (take(TokenType::comma)) {
    if (!take_name(names.emplace_back())) return false;
  }
  return read_declared_variable(names);
}

// The type, which has nothing in it that is evaluated, and the initial value.
bool BodyReader::read_declared_variable(const std::vector<std::string_view>& names) {
  for (; !at_end() && !is_word(lexer_.token(), "default"); lexer_.next()) {
    switch (lexer_.token().type) {
      case TokenType::word:
      case TokenType::quoted_name:
      case TokenType::string:
      case TokenType::number:
      case TokenType::open:
      case TokenType::close:
      case TokenType::comma:
      case TokenType::dot:
        break;
      default:
        return false;
    }
  }
  variables_.insert(variables_.end(), names.begin(), names.end());
  return at_end() || (take("default") && check_up_to({}));
}

// CONTINUE HANDLER FOR condition, ... statement
bool BodyReader::read_handler() {
  lexer_.next();
  if (!take("handler") || !take("for")) return false;
  do {
    if (take("sqlstate")) {
      take("value");
      if (!take(TokenType::string)) return false;
    } else if (take("not")) {
      if (!take("found")) return false;
    } else {
      std::string_view condition;
      if (!take(TokenType::number) && !take_name(condition)) return false;
    }
  } while (take(TokenType::comma));
  return read_statement();
}

// Only variables of the function's own: any other name may be one of the session's.
bool BodyReader::read_set() {
  do {
    std::string_view name;
    if (!take_name(name)) return false;
    const bool own = std::any_of(variables_.begin(), variables_.end(),
                                 [&](std::string_view other) { return same_name(name, other); });
    if (!own || (!take(TokenType::equals) && !take(TokenType::assign))) return false;
    if (!check_up_to({}, true)) return false;
  } while (take(TokenType::comma));
  return true;
}

bool BodyReader::read_if() {
  do {
    if (!check_up_to({"then"}) || !take("then")) return false;
    if (!read_statements({"elseif", "else", "end"})) return false;
  } while (take("elseif"));
  if (take("else") && !read_statements({"end"})) return false;
  return take("end") && take("if");
}

bool BodyReader::read_case() {
  if (!is_word(lexer_.token(), "when") && !check_up_to({"when"})) return false;
  while (take("when")) {
    if (!check_up_to({"then"}) || !take("then")) return false;
    if (!read_statements({"when", "else", "end"})) return false;
  }
  if (take("else") && !read_statements({"end"})) return false;
  return take("end") && take("case");
}

bool BodyReader::read_loop(std::string_view kind) {
  const bool repeats = equals_lower(kind, "repeat");
  if (!read_statements({repeats ? "until" : "end"})) return false;
  if (repeats && (!take("until") || !check_up_to({"end"}))) return false;
  if (!take("end") || !lexer_.token().plain_word || !same_name(lexer_.token().text, kind)) {
    return false;
  }
  lexer_.next();
  std::string_view label;
  return at_end() || take_name(label);
}

// A query that fills a cursor, or with INTO variables of the function.
bool BodyReader::read_query() {
  const Token first = lexer_.token();
  if (first.type != TokenType::open && !is_word(first, {"select", "with"})) return false;
  const char* begin = here();
  for (unsigned depth = 0; !at_end(); lexer_.next()) {
    if (lexer_.token().type == TokenType::open) ++depth;
    if (lexer_.token().type == TokenType::close && depth > 0) --depth;
    if (depth > 0 || !is_word(lexer_.token(), "into")) continue;
    if (!check(begin, here())) return false;
    lexer_.next();
    if (!read_names()) return false;
    if (at_end()) return true;
    if (lexer_.token().type != TokenType::word) return false;  // it was no variable
    begin = here();
  }
  return check(begin, here());
}

bool BodyReader::read_fetch() {
  if (take("next") && !is_word(lexer_.token(), "from")) return false;
  take("from");
  std::string_view cursor;
  return take_name(cursor) && take("into") && read_names() && at_end();
}

bool BodyReader::read_names() {
  std::string_view name;
  do {
    if (!take_name(name)) return false;
  } while (take(TokenType::comma));
  return true;
}

bool BodyReader::check_up_to(std::initializer_list<std::string_view> ends, bool stop_at_comma) {
  const char* const from = behind_last();
  unsigned depth = 0;
  unsigned cases = 0;
  for (; !at_end(); lexer_.next()) {
    const Token& token = lexer_.token();
    if (token.type == TokenType::open) ++depth;
    if (token.type == TokenType::close && depth > 0) --depth;
    if (stop_at_comma && depth == 0 && token.type == TokenType::comma) break;
    if (is_word(token, "case")) ++cases;
    if (cases > 0) {
      if (is_word(token, "end")) --cases;
      continue;
    }
    if (depth == 0 && is_word(token, ends)) break;
  }
  if (ends.size() > 0 && at_end()) return false;
  return check(from, here());
}

bool BodyReader::check(const char* from, const char* to) const {
  Lexer lexer({from, static_cast<std::size_t>(to - from)}, mode_);
  Facts facts;
  facts.is_read();
  facts.objects = &objects_;
  scan_query(lexer, facts);
  return lexer.token().type == TokenType::end && facts.replica_safe &&
         (facts.reasons & ~Facts::bit(Reason::stored_function)) == 0 &&
         !any(facts.effects & ~Effect::calls_routine);
}

}  // namespace

namespace detail {

bool function_reads_only(std::string_view definition, const TextOptions& options,
                         ObjectCallback callback) {
  if (!options.sql_mode_known || !options.ascii_safe_charset || options.truncated) return false;
  ObjectReader objects(definition, callback);
  return BodyReader(definition, {options.ansi_quotes, options.no_backslash_escapes, false}, objects)
      .read();
}

}  // namespace detail
}  // namespace weir::sql
