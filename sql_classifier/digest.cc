#include "sql_classifier/digest.h"

#include "sql_classifier/char_class.h"
#include "sql_classifier/lexer.h"
#include "sql_classifier/values.h"

namespace weir::sql {
namespace {

// Takes the normalised text byte by byte, hashes all of it and keeps what there is room for.
class Sink {
 public:
  Sink(char* out, std::size_t capacity) : out_(out), capacity_(capacity) {}

  void put(char c) noexcept {
    if (length_ < capacity_) out_[length_++] = c;
    block_ |= std::uint64_t{static_cast<unsigned char>(c)} << (8 * (total_ % 8));
    if (++total_ % 8 == 0) mix();
  }
  void put(std::string_view bytes) noexcept {
    for (char c : bytes) put(c);
  }
  std::size_t length() const { return length_; }
  std::size_t total() const { return total_; }

  // The length goes in, because zeros at the end of a text look like an unfinished block.
  std::uint64_t digest() noexcept {
    mix();
    block_ = total_;
    mix();
    std::uint64_t h = state_;
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
  }

 private:
  // Multiplying carries a difference upwards only, so the upper half is folded down each time.
  void mix() noexcept {
    state_ = (state_ ^ block_) * 0x9e3779b97f4a7c15u;
    state_ ^= state_ >> 32;
    block_ = 0;
  }

  char* out_;
  std::size_t capacity_;
  std::size_t length_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t block_ = 0;
  std::uint64_t state_ = 0xcbf29ce484222325u;
};

constexpr char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
}

class Normaliser {
 public:
  Normaliser(std::string_view text, const TextOptions& options, Sink& sink)
      : lexer_(text, {options.ansi_quotes, options.no_backslash_escapes, false, true}),
        statement_(lexer_),
        row_(lexer_),
        end_(text.data() + text.size()),
        sink_(sink) {}

  void run() noexcept {
    while (lexer_.token().type != TokenType::end) {
      mark_comment();
      if (read_literal(lexer_, before_, end_)) {
        put_token("?", Place::middle);
        before_ = {true, false};
      } else {
        step();
      }
    }
    mark_comment();
  }

  // Behind the end.
  const Lexer& lexer() const { return lexer_; }
  bool prepares() const { return prepares_; }

 private:
  // How a token wants to stand.
  enum class Place : std::uint8_t { middle, closes_up, opens, joins };

  void step() noexcept {
    const Token token = lexer_.token();
    switch (token.type) {
      case TokenType::semicolon:
        semicolon_ = started_;
        before_ = {};
        values_ = false;
        return skip_repeats();
      case TokenType::word:
      case TokenType::quoted_name:
        put_name(token);
        break;
      case TokenType::user_variable:
        put_token("@", Place::middle);
        put_variable(token);
        break;
      case TokenType::system_variable:
        put_token("@@", Place::middle);
        put_variable(token);
        break;
      case TokenType::open:
        return put_open();
      case TokenType::close:
        return put_close();
      case TokenType::comma:
        put_token(token.text, Place::closes_up);
        before_ = {};
        break;
      case TokenType::dot:
        put_token(token.text, Place::joins);
        before_ = {};
        break;
      default:
        put_operator(token);
        break;
    }
    lexer_.next();
  }

  // The space in front, unless one of the two tokens wants none.
  void put_token(std::string_view text, Place place) noexcept {
    if (semicolon_) sink_.put("; ");
    const bool attached = place == Place::closes_up || place == Place::joins;
    if (started_ && !semicolon_ && !opened_ && !attached) sink_.put(' ');
    sink_.put(text);
    started_ = true;
    semicolon_ = false;
    opened_ = place == Place::opens || place == Place::joins;
    operator_end_ = nullptr;
  }

  // Not every server executes the comment that the next token stands in, so that the text says
  // where it begins and ends.
  void mark_comment() noexcept {
    const std::string_view opening = lexer_.conditional_comment();
    const char* const comment = opening.empty() ? nullptr : opening.data();
    if (comment == comment_) return;
    if (comment_ != nullptr) put_token("*/", Place::middle);
    if (comment != nullptr) put_token(opening, Place::middle);
    comment_ = comment;
  }

  void put_name(const Token& token) noexcept {
    const bool known = is_known_word(lexer_);
    if (known) {
      put_token({}, Place::middle);
      for (char c : token.text) sink_.put(upper(c));
    } else if (token.type == TokenType::quoted_name) {
      put_token("`", Place::middle);
      put_quoted_name(token.text);
    } else {
      put_token(token.text, Place::middle);
    }
    if (token.is(Keyword::PREPARE) || (token.plain_word && equals_lower(token.text, "immediate"))) {
      prepares_ = true;
    }
    before_ = before_next(lexer_);
    if (token.is(Keyword::VALUES) || token.is(Keyword::VALUE)) {
      values_ = true;
    } else if (!equals_lower(token.text, "row")) {
      values_ = false;
    }
  }

  // In backticks, whatever it was quoted with.
  void put_quoted_name(std::string_view name) noexcept {
    if (name.data()[-1] == '`') {
      sink_.put(name);
    } else {
      for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] == '"') ++i;  // it is there twice
        sink_.put(name[i] == '`' ? std::string_view("``") : name.substr(i, 1));
      }
    }
    sink_.put('`');
  }

  // With its quotes: without them a name could look like more than a name.
  void put_variable(const Token& token) noexcept {
    const std::string_view quote(token.text.data() - 1, 1);
    const bool quoted = quote != "@";
    if (quoted) sink_.put(quote);
    sink_.put(token.text);
    if (quoted) sink_.put(quote);
    before_ = {true, false};
  }

  // Behind an operator that it continues, no space: <=, <>, !=, ||, ->>
  void put_operator(const Token& token) noexcept {
    constexpr std::string_view kContinues = "=<>|&";
    const bool continues = operator_end_ == token.text.data() &&
                           kContinues.find(token.text.front()) != kContinues.npos;
    put_token(token.text, continues ? Place::closes_up : Place::middle);
    operator_end_ = token.text.data() + token.text.size();
    before_ = {};
    values_ = false;
  }

  void put_open() noexcept {
    const bool rows = values_;
    values_ = false;
    if (rows) row_ = lexer_;
    Lexer ahead = lexer_;
    if (skip_literals(ahead, end_)) {
      put_token("(...)", Place::middle);
      do {
        lexer_ = ahead;
        ahead.next();
      } while (lexer_.token().type == TokenType::comma && ahead.token().type == TokenType::open &&
               skip_literals(ahead, end_));
      before_ = {true, false};
      if (rows) skip_rows();
      return;
    }
    put_token("(", Place::opens);
    before_ = {};
    ++depth_;
    if (rows) rows_depth_ = depth_;
    lexer_.next();
  }

  void put_close() noexcept {
    put_token(")", Place::closes_up);
    before_ = {true, false};
    lexer_.next();
    if (depth_ == 0) return;
    if (depth_-- != rows_depth_) return;
    rows_depth_ = 0;
    skip_rows();
  }

  // Behind the first row, others like it: , (...), ROW(...)
  void skip_rows() noexcept {
    while (lexer_.token().type == TokenType::comma) {
      Lexer ahead = lexer_;
      ahead.next();
      if (ahead.token().plain_word && equals_lower(ahead.token().text, "row")) ahead.next();
      if (ahead.token().type != TokenType::open || !skip_alike(row_, ahead, Piece::row, end_))
        return;
      lexer_ = ahead;
    }
  }

  // At a semicolon: moves on to the next statement that is not like the one before.
  void skip_repeats() noexcept {
    for (;;) {
      while (lexer_.token().type == TokenType::semicolon) lexer_.next();
      Lexer ahead = lexer_;
      if (ahead.at_end() || !skip_alike(statement_, ahead, Piece::statement, end_)) break;
      lexer_ = ahead;
    }
    statement_ = lexer_;
  }

  Lexer lexer_;
  Lexer statement_;  // where it began
  Lexer row_;        // where the first one behind VALUES begins
  const char* end_;
  Sink& sink_;
  Before before_;
  bool started_ = false;
  bool opened_ = false;                 // the token before wants no space behind it
  bool semicolon_ = false;              // waits for a token behind it
  bool values_ = false;                 // behind VALUES
  bool prepares_ = false;               // a word that only who prepares texts needs
  const char* comment_ = nullptr;       // the conditional one that is marked, null for none
  const char* operator_end_ = nullptr;  // of the operator right before, null when there is none
  std::uint32_t depth_ = 0;
  std::uint32_t rows_depth_ = 0;  // where the row behind VALUES closes; 0: nowhere
};

}  // namespace

std::uint64_t digest(std::string_view text, const TextOptions& options) noexcept {
  Sink sink(nullptr, 0);
  Normaliser(text, options, sink).run();
  return sink.digest();
}

std::size_t normalise(std::string_view text, const TextOptions& options, char* out,
                      std::size_t capacity) noexcept {
  return normal_form(text, options, out, capacity).written;
}

NormalForm normal_form(std::string_view text, const TextOptions& options, char* out,
                       std::size_t capacity) noexcept {
  Sink sink(out, capacity);
  Normaliser normaliser(text, options, sink);
  normaliser.run();
  const Lexer& lexer = normaliser.lexer();
  const bool certain = !options.truncated && !lexer.doubtful() && !lexer.unterminated() &&
                       (options.sql_mode_known || !lexer.depends_on_sql_mode()) &&
                       (options.ascii_safe_charset || !has_high_byte(text));
  return {sink.length(), sink.total(), sink.digest(), certain, normaliser.prepares()};
}

}  // namespace weir::sql
