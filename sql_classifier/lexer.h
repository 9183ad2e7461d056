// Cuts a command text into tokens the way the servers do. A lexer is also the cursor of the rules:
// `token()` is the current token, `next()` moves on. It reads every byte at most once and owns
// nothing; all views point into the text.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sql_classifier/char_class.h"
#include "sql_classifier/words.h"

namespace weir::sql {

enum class TokenType : std::uint8_t {
  end,
  semicolon,
  word,         // bare: a keyword or a name
  quoted_name,  // `x`, or "x" under ANSI_QUOTES
  string,
  number,
  user_variable,    // @x in any quoting; the text is the name
  system_variable,  // @@ and the word after it; the text is that word
  open,
  close,
  comma,
  dot,
  equals,   // =
  compare,  // < or >
  assign,   // :=
  other,
};

struct TokenHead {
  TokenType type = TokenType::end;
  bool plain_word = false;  // a word in ASCII and not behind a dot, where everything is a name
  WordMeaning meaning;      // of a plain word, once it has been looked up
};

// A power of two in size, because the lexer keeps them in a ring.
struct alignas(32) Token : TokenHead {
  std::string_view text;  // without its quotes; escapes are not resolved

  bool is(Keyword k) const { return meaning.keyword == k; }
  bool is_name() const { return type == TokenType::word || type == TokenType::quoted_name; }
};

// A bare word, in whichever case, and no name behind a dot; `word` is in lower-case letters.
inline bool is_word(const Token& token, std::string_view word) {
  return token.plain_word && equals_lower(token.text, word);
}

// One way of reading a text. Where the session does not say which, several are tried.
// Bits of one byte: it is passed on where three bytes would be stored and loaded in other sizes.
struct LexMode {
  bool ansi_quotes : 1 = false;
  bool no_backslash_escapes : 1 = false;
  bool skip_conditional : 1 =
      false;                    // comments that only some servers execute are read as comments
  bool read_hints : 1 = false;  // optimizer hints, /*+ ... */, are code
};

class Lexer {
 public:
  Lexer(std::string_view text, LexMode mode) noexcept
      : position_(text.data()),
        end_(text.data() + text.size()),
        tokens_{before(text), before(text), before(text), before(text)},
        mode_(mode) {
    next();
  }

  const Token& token() const { return tokens_[current_]; }
  // The token that was current n tokens ago, n up to 3; of type `end` before the first.
  const Token& passed(unsigned n) const { return tokens_[(current_ - n) % kKept]; }

  void next() noexcept {
    advance();
    look_up();
  }
  // Like next(), but does not look the word up: most words of a query need not be known.
  void advance() noexcept;
  // Like advance(), but goes on over the tokens that the scan of a query has no use for: numbers,
  // commas, operators, words which may_be_scanned() rules out, and names, qualified or not, which
  // may_be_server_name() rules out. They can still be seen with passed().
  void advance_past_plain() noexcept;
  void look_up() noexcept {
    if (token().plain_word) tokens_[current_].meaning = meaning_of(token());
  }
  // What the table of words says about a token that may not have been looked up.
  WordMeaning meaning_of(const Token& token) const noexcept {
    return token.plain_word ? find_word(token.text, room(token.text.data())) : WordMeaning{};
  }

  bool at_end() const { return token().type <= TokenType::semicolon; }
  bool is(Keyword k) const { return token().meaning.keyword == k; }
  bool accept(Keyword k) noexcept {
    if (!is(k)) return false;
    next();
    return true;
  }
  void skip_statement() noexcept {
    while (!at_end()) advance();
  }
  void skip_text() noexcept {
    while (token().type != TokenType::end) advance();
  }

  // Something that servers read differently from one another, or that is no SQL at all.
  bool doubtful() const { return doubtful_; }
  // The text ended inside a string, a quoted name or a comment.
  bool unterminated() const { return unterminated_; }
  // Another sql_mode might cut the text elsewhere.
  bool depends_on_sql_mode() const { return depends_on_sql_mode_; }
  // Comments that only some servers execute: /*M! and those for versions above 5.6.
  unsigned conditional_comments() const { return conditional_comments_; }
  // The beginning of that in which the current token stands, up to its version ("/*!80000"), or of
  // the hint ("/*+"); empty: in neither.
  std::string_view conditional_comment() const {
    return in_code_comment_ && conditional_end_ != nullptr ? opening_ : std::string_view();
  }

 private:
  static Token before(std::string_view text) noexcept { return {{}, text.substr(0, 0)}; }
  void leave_plain(const char* p, Token* kept) noexcept;
  void read_token() noexcept;
  void skip_and_read() noexcept;
  void read_word() noexcept;
  void read_foreign_word() noexcept;
  void read_number() noexcept;
  void read_long_number() noexcept;
  void read_dot() noexcept;
  void read_quoted(char quote, TokenType type, bool escapes) noexcept;
  void read_at() noexcept;
  void read_operator(char c) noexcept;
  bool skip_dash_comment() noexcept;
  bool skip_slash_comment() noexcept;
  bool leave_code_comment() noexcept;
  void enter_code_comment(const char* from, bool mariadb_only) noexcept;
  void enter_hint(const char* from) noexcept;
  void enter_conditional(const char* from) noexcept;
  bool skip_line() noexcept;
  void skip_comment_body() noexcept;
  std::string_view quoted_body(char quote, bool escapes) noexcept;
  bool read_short_quoted(char quote, TokenType type) noexcept;
  void emit_byte(TokenType type) noexcept { emit(type, position_, position_ + 1); }
  Token& emit(TokenType type, const char* from, const char* to) noexcept {
    Token& token = tokens_[current_];
    static_cast<TokenHead&>(token) = {type, false, {}};
    token.text = {from, static_cast<std::size_t>(to - from)};
    position_ = to;
    return token;
  }
  std::size_t room(const char* p) const { return static_cast<std::size_t>(end_ - p); }

  static constexpr unsigned kKept = 4;

  const char* position_;
  const char* end_;
  const char* fence_ = nullptr;  // for advance_past_plain(); null until it is needed
  Token tokens_[kKept];          // a ring: the current token and those before it
  unsigned current_ = 0;
  LexMode mode_;
  bool in_code_comment_ = false;
  bool doubtful_ = false;
  bool unterminated_ = false;
  bool depends_on_sql_mode_ = false;
  unsigned conditional_comments_ = 0;
  const char* conditional_end_ = nullptr;  // where a server that skips the comment goes on
  std::string_view opening_;               // of that comment
};

}  // namespace weir::sql
