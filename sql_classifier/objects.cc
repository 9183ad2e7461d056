#include "sql_classifier/objects.h"

#include <algorithm>
#include <initializer_list>

#include "sql_classifier/char_class.h"
#include "sql_classifier/object_reader.h"
#include "sql_classifier/rules.h"

namespace weir::sql {
namespace {

bool is_word(const Token& token, std::initializer_list<std::string_view> words) {
  if (token.type != TokenType::word) return false;
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return equals_lower(token.text, word); });
}

// The text of the token is the name or the value itself.
bool is_literal(const Token& token) {
  switch (token.type) {
    case TokenType::word:
      return true;
    case TokenType::string:
    case TokenType::quoted_name:
      return token.text.find(token.text.data()[-1]) == token.text.npos &&
             (token.type == TokenType::quoted_name || token.text.find('\\') == token.text.npos);
    default:
      return false;
  }
}

void skip_if_exists(Lexer& lexer) {
  if (!lexer.accept(Keyword::IF)) return;
  while (is_word(lexer.token(), {"not", "exists"})) lexer.next();
}

// Whether the statement has no part that could give its list of expressions none or many rows.
bool has_one_row(const Lexer& at) {
  Lexer lexer = at;
  if (!lexer.is(Keyword::SELECT) && !lexer.is(Keyword::DO)) return false;
  for (; !lexer.at_end(); lexer.advance()) {
    if (is_word(lexer.token(), {"from", "where", "group", "having", "order", "limit", "union",
                                "except", "intersect", "procedure"})) {
      return false;
    }
  }
  return true;
}

// From an opening parenthesis behind the one that closes it.
void skip_parentheses(Lexer& lexer) {
  unsigned depth = 0;
  do {
    if (lexer.token().type == TokenType::open) ++depth;
    if (lexer.token().type == TokenType::close) --depth;
    lexer.next();
  } while (depth != 0 && !lexer.at_end());
}

// Behind an expression of a list: nothing more of it but an alias.
bool ends_item(const Lexer& at) {
  Lexer lexer = at;
  const bool as = lexer.accept(Keyword::AS);
  const bool name = lexer.token().is_name() && (as || lexer.is(Keyword::NONE));
  if (name || lexer.token().type == TokenType::string) lexer.next();
  return lexer.at_end() || lexer.token().type == TokenType::comma || lexer.is(Keyword::INTO);
}

bool is_certain(std::string_view text, const TextOptions& options, LexMode mode) {
  Lexer lexer(text, mode);
  lexer.skip_text();
  if (options.truncated || lexer.doubtful() || lexer.unterminated()) return false;
  if (lexer.conditional_comments() != 0) return false;
  if (!options.sql_mode_known && lexer.depends_on_sql_mode()) return false;
  return options.ascii_safe_charset || !has_high_byte(text);
}

}  // namespace

void ObjectReader::on_statement(const Lexer& lexer) {
  ++statements_;
  first_ = lexer.token().meaning.keyword;
  one_row_ = has_one_row(lexer);
  switch (first_) {
    case Keyword::CREATE:
      return read_create(lexer);
    case Keyword::DROP:
      return read_drop(lexer);
    case Keyword::RENAME:
      return read_rename(lexer);
    case Keyword::ALTER:
      return read_alter(lexer);
    case Keyword::PREPARE:
      return read_prepare(lexer);
    case Keyword::DEALLOCATE:
      return read_deallocate(lexer);
    case Keyword::HANDLER:
      return read_handler(lexer);
    case Keyword::KILL:
      return read_kill(lexer);
    default:
      return;
  }
}

// CREATE [OR REPLACE] TEMPORARY TABLE [IF NOT EXISTS] name
void ObjectReader::read_create(const Lexer& at) {
  Lexer lexer = at;
  lexer.next();
  if (is_word(lexer.token(), {"or"})) {
    lexer.next();
    lexer.next();
  }
  if (!lexer.accept(Keyword::TEMPORARY)) return;
  if (!lexer.accept(Keyword::TABLE)) {  // a sequence, which no DROP TABLE ends
    return tell_unclear(ObjectEvent::creates_temporary_table, lexer.token().text);
  }
  skip_if_exists(lexer);
  tell_name(lexer, ObjectEvent::creates_temporary_table);
}

// DROP [TEMPORARY] TABLE [IF EXISTS] name, ...
void ObjectReader::read_drop(const Lexer& at) {
  Lexer lexer = at;
  lexer.next();
  if (lexer.is(Keyword::PREPARE)) return read_deallocate(lexer);
  lexer.accept(Keyword::TEMPORARY);
  if (!lexer.accept(Keyword::TABLE) && !lexer.accept(Keyword::TABLES)) return;
  skip_if_exists(lexer);
  while (tell_name(lexer, ObjectEvent::drops_table) && lexer.token().type == TokenType::comma) {
    lexer.next();
  }
}

// RENAME TABLE [IF EXISTS] name [NOWAIT] TO new name, ...
void ObjectReader::read_rename(const Lexer& at) {
  Lexer lexer = at;
  lexer.next();
  if (!lexer.accept(Keyword::TABLE) && !lexer.accept(Keyword::TABLES)) return;
  skip_if_exists(lexer);
  while (tell_name(lexer, ObjectEvent::renames_table)) {
    while (!lexer.at_end() && lexer.token().type != TokenType::comma) lexer.next();
    if (lexer.at_end()) return;
    lexer.next();
  }
}

// ALTER TABLE name ..., RENAME [TO] new name
void ObjectReader::read_alter(const Lexer& at) {
  Lexer lexer = at;
  lexer.next();
  while (is_word(lexer.token(), {"ignore", "online", "offline"})) lexer.next();
  if (!lexer.accept(Keyword::TABLE)) return;
  skip_if_exists(lexer);
  const Lexer table = lexer;
  while (!lexer.at_end()) {
    if (!lexer.accept(Keyword::RENAME)) {
      lexer.next();
    } else if (!is_word(lexer.token(), {"column", "index", "key"})) {
      Lexer name = table;
      tell_name(name, ObjectEvent::renames_table);
      return;
    }
  }
}

void ObjectReader::read_prepare(const Lexer& at) {
  Lexer lexer = at;
  lexer.next();
  tell_name(lexer, ObjectEvent::prepares);
}

// [DEALLOCATE | DROP] PREPARE name
void ObjectReader::read_deallocate(const Lexer& at) {
  Lexer lexer = at;
  lexer.accept(Keyword::DEALLOCATE);
  lexer.accept(Keyword::PREPARE);
  tell_name(lexer, ObjectEvent::deallocates);
}

// HANDLER name OPEN [[AS] alias], HANDLER alias CLOSE
void ObjectReader::read_handler(const Lexer& at) {
  Lexer lexer = at;
  lexer.next();
  Token name = lexer.token();
  bool named = name.is_name();
  if (!lexer.at_end()) lexer.next();
  if (lexer.token().type == TokenType::dot) {
    lexer.next();
    name = lexer.token();
    named = named && name.is_name();
    if (!lexer.at_end()) lexer.next();
  }
  ObjectEvent event = ObjectEvent::closes_handler;
  if (lexer.accept(Keyword::OPEN)) {
    event = ObjectEvent::opens_handler;
    lexer.accept(Keyword::AS);
    if (!lexer.at_end()) {
      name = lexer.token();
      named = name.is_name();
    }
  } else if (!lexer.is(Keyword::CLOSE)) {
    return;
  }
  if (!named) return tell_unclear(event, name.text);
  tell(event, {}, name);
}

// KILL [HARD | SOFT] [CONNECTION | QUERY] number. The ID of a query is no connection.
void ObjectReader::read_kill(const Lexer& at) {
  Lexer lexer = at;
  lexer.next();
  while (lexer.token().type == TokenType::word && !is_word(lexer.token(), {"id"})) lexer.next();
  const Token target = lexer.token();
  const bool digits = target.type == TokenType::number &&
                      std::all_of(target.text.begin(), target.text.end(), is_digit);
  if (!lexer.at_end()) lexer.next();
  if (!digits || !lexer.at_end()) return tell_unclear(ObjectEvent::kill_target, target.text);
  tell({ObjectEvent::kill_target, ObjectEvent::kill_target, {}, target.text, 0, 0}, target.text);
}

void ObjectReader::on_call(const Lexer& lexer, Call call, bool outermost) {
  const bool asked = first_ != Keyword::CREATE;
  switch (call) {
    case Call::takes_lock:
    case Call::releases_lock:
      return on_lock_call(lexer, call, outermost);
    case Call::connection_id:
      return on_question(lexer, ObjectEvent::asks_connection_id, asked);
    case Call::row_count:
      return on_question(lexer, ObjectEvent::asks_row_count, asked && statements_ == 1);
    case Call::found_rows:
      return on_question(lexer, ObjectEvent::asks_found_rows, asked && statements_ == 1);
    default:
      return;
  }
}

// Certain is only a call that is an item of its own in the list of a statement with one row: other
// expressions may leave it out.
void ObjectReader::on_lock_call(const Lexer& at, Call call, bool outermost) {
  Lexer lexer = at;
  const Token function = lexer.passed(1);
  const Token& before = lexer.passed(2);
  const bool all = equals_lower(function.text, "release_all_locks");
  const ObjectEvent event = call == Call::takes_lock ? ObjectEvent::takes_lock
                            : all                    ? ObjectEvent::releases_all_locks
                                                     : ObjectEvent::releases_lock;
  const bool begins_item = before.type == TokenType::comma ||
                           lexer.meaning_of(before).keyword == Keyword::SELECT ||
                           lexer.meaning_of(before).keyword == Keyword::DO;
  Lexer behind = at;
  skip_parentheses(behind);
  bool clear = one_row_ && outermost && begins_item && ends_item(behind);
  lexer.next();
  const Token name = lexer.token();
  if (!all) {
    clear = clear && name.type == TokenType::string && is_literal(name);
    if (!lexer.at_end()) lexer.next();
  }
  const TokenType separator =
      event == ObjectEvent::takes_lock ? TokenType::comma : TokenType::close;
  if (!clear || lexer.token().type != separator) return tell_unclear(event, function.text);
  if (all) return tell({event, event, {}, {}, 0, 0}, function.text);
  tell(event, {}, name);
}

// A call without arguments. With a comment in it, it is not worth the care.
void ObjectReader::on_question(const Lexer& at, ObjectEvent event, bool answerable) {
  Lexer lexer = at;
  const Token function = lexer.passed(1);
  lexer.next();
  const char* const from = function.text.data();
  const char* const to = lexer.token().text.data() + 1;
  const std::string_view piece(from, static_cast<std::size_t>(to - from));
  const bool whole =
      lexer.token().type == TokenType::close && piece.find_first_of("*#-") == piece.npos;
  if (!whole || !answerable) return tell_unclear(event, function.text);
  tell({event, event, {}, function.text, 0, 0}, piece);
}

void ObjectReader::on_function(const Lexer& lexer) {
  const Token& name = lexer.passed(1);
  if (lexer.passed(2).type != TokenType::dot) return tell(ObjectEvent::calls_function, {}, name);
  const Token& schema = lexer.passed(3);
  if (!schema.is_name() || !is_literal(schema)) {
    return tell_unclear(ObjectEvent::calls_function, name.text);
  }
  tell(ObjectEvent::calls_function, schema.text, name);
}

void ObjectReader::on_thread_id(const Lexer& lexer, const char* from, std::string_view name) {
  const ObjectEvent event = ObjectEvent::asks_connection_id;
  const char* const begin = from - 2;  // the two @
  const char* const end = name.data() + name.size();
  const std::string_view piece(begin, static_cast<std::size_t>(end - begin));
  const bool plain = piece.find_first_of("`\"'*#-") == piece.npos;
  const bool in_definition = first_ == Keyword::CREATE;
  // In front of = it may be what is set.
  const bool target =
      lexer.token().type == TokenType::equals || lexer.token().type == TokenType::assign;
  if (!plain || target || in_definition) return tell_unclear(event, name);
  tell({event, event, {}, name, 0, 0}, piece);
}

bool ObjectReader::tell_name(Lexer& lexer, ObjectEvent event) {
  std::string_view schema;
  Token name = lexer.token();
  bool clear = name.is_name();
  if (!lexer.at_end()) lexer.next();
  if (lexer.token().type == TokenType::dot) {
    clear = clear && is_literal(name);
    schema = name.text;
    lexer.next();
    name = lexer.token();
    clear = clear && name.is_name();
    if (!lexer.at_end()) lexer.next();
  }
  if (clear) {
    tell(event, schema, name);
  } else {
    tell_unclear(event, name.text);
  }
  return clear;
}

void ObjectReader::tell(ObjectEvent event, std::string_view schema, const Token& name) {
  if (!is_literal(name)) return tell_unclear(event, name.text);
  tell({event, event, schema, name.text, 0, 0}, name.text);
}

void ObjectReader::tell_unclear(ObjectEvent family, std::string_view piece) {
  tell({ObjectEvent::unclear, family, {}, {}, 0, 0}, piece);
}

void ObjectReader::tell(Object object, std::string_view piece) {
  object.offset = static_cast<std::size_t>(piece.data() - text_.data());
  object.length = piece.size();
  callback_.call(callback_.visitor, object);
}

namespace detail {

void visit_objects(std::string_view text, const TextOptions& options, ObjectCallback callback) {
  const LexMode mode{options.ansi_quotes, options.no_backslash_escapes, false};
  if (!is_certain(text, options, mode)) {
    Object whole;
    whole.length = text.size();
    return callback.call(callback.visitor, whole);
  }
  ObjectReader reader(text, callback);
  Lexer lexer(text, mode);
  while (lexer.token().type != TokenType::end) {
    if (lexer.token().type == TokenType::semicolon) {
      lexer.next();
      continue;
    }
    Facts facts;
    facts.objects = &reader;
    read_statement(lexer, facts);
    lexer.skip_statement();
  }
}

}  // namespace detail
}  // namespace weir::sql
