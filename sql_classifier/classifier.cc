#include "sql_classifier/classifier.h"

#include <algorithm>
#include <limits>

#include "sql_classifier/char_class.h"
#include "sql_classifier/facts.h"
#include "sql_classifier/hint.h"
#include "sql_classifier/lexer.h"
#include "sql_classifier/rules.h"

namespace weir::sql {
namespace {

// What one reading of the whole text gave. The verdict lives where it is returned to.
struct Reading {
  Classification& verdict;
  std::uint32_t reasons = 0;  // against a replica, of all statements
  bool all_reads = true;
  bool all_any = true;
  bool unterminated = false;
  bool doubtful = false;
  bool depends_on_sql_mode = false;
  unsigned conditional_comments = 0;
};

void fold(Reading& reading, const Facts& facts) noexcept {
  Classification& verdict = reading.verdict;
  const bool first = verdict.statements == 0;
  if (verdict.statements < std::numeric_limits<std::uint16_t>::max()) ++verdict.statements;
  if (first || (verdict.kind == StatementKind::read && facts.kind != StatementKind::read)) {
    verdict.kind = facts.kind;
  }
  const Placement placement = facts.placement();
  if (first) {
    verdict.placement = placement;
    verdict.reason = facts.main_reason();
  }
  verdict.effects |= facts.effects;
  if (facts.kind == StatementKind::unknown) verdict.effects |= Effect::changes_routines;
  if (facts.names_seen) verdict.names_collation = facts.names_collation;
  reading.reasons |= facts.reasons;
  reading.all_reads = reading.all_reads && facts.kind == StatementKind::read;
  reading.all_any = reading.all_any && placement == Placement::any;
}

void read_text(std::string_view text, LexMode mode, Reading& reading) noexcept {
  Lexer lexer(text, mode);
  while (lexer.token().type != TokenType::end) {
    if (lexer.token().type == TokenType::semicolon) {
      lexer.next();
      continue;
    }
    Facts facts;
    read_statement(lexer, facts);
    lexer.skip_statement();
    fold(reading, facts);
  }
  Classification& verdict = reading.verdict;
  if (verdict.statements == 0) {
    verdict.kind = StatementKind::empty;
    verdict.placement = Placement::any;
    verdict.reason = Reason::empty_statement;
  } else if (verdict.statements > 1 && !(reading.all_reads && reading.all_any)) {
    verdict.placement = Placement::primary;
    verdict.reason = Reason::several_statements;
  }
  reading.unterminated = lexer.unterminated();
  reading.doubtful = lexer.doubtful();
  reading.depends_on_sql_mode = lexer.depends_on_sql_mode();
  reading.conditional_comments = lexer.conditional_comments();
}

// Two readings of one text: what both say stands, and the effects of both are possible.
void merge(Reading& reading, const Reading& other, bool must_agree) noexcept {
  Classification& a = reading.verdict;
  const Classification& b = other.verdict;
  const bool agree = a.placement == b.placement && a.kind == b.kind &&
                     a.statements == b.statements && a.effects == b.effects &&
                     reading.unterminated == other.unterminated;
  if ((must_agree && !agree) || other.doubtful || other.unterminated) reading.doubtful = true;
  if (must_agree && a.placement != b.placement) {
    a.placement = Placement::primary;
    a.reason = Reason::ambiguous_text;
  } else if (b.placement == Placement::primary && a.placement != Placement::primary) {
    a.placement = b.placement;
    a.reason = b.reason;
  } else if (a.placement == Placement::any) {
    a.placement = b.placement;
    a.reason = b.reason;
  }
  const bool replaceable = a.kind == StatementKind::read && b.kind != StatementKind::empty;
  if (a.kind == StatementKind::empty || replaceable) a.kind = b.kind;
  a.statements = std::max(a.statements, b.statements);
  a.effects |= b.effects;
  reading.reasons |= other.reasons;
  reading.all_reads = reading.all_reads && other.all_reads;
}

void merge_reading(Reading& reading, std::string_view text, LexMode mode,
                   bool must_agree) noexcept {
  Classification verdict;
  Reading other{verdict};
  read_text(text, mode, other);
  merge(reading, other, must_agree);
}

void read_all_ways(std::string_view text, const TextOptions& options, Reading& reading) noexcept {
  LexMode mode{options.ansi_quotes, options.no_backslash_escapes, false};
  read_text(text, mode, reading);
  const unsigned conditional = reading.conditional_comments;
  if (conditional != 0) {
    // With several such comments a server may execute some of them and skip others.
    if (conditional > 1) reading.doubtful = true;
    mode.skip_conditional = true;
    merge_reading(reading, text, mode, false);
    mode.skip_conditional = false;
  }
  if (options.sql_mode_known || !reading.depends_on_sql_mode) return;
  if (conditional != 0) reading.doubtful = true;
  for (unsigned other = 1; other < 4; ++other) {
    mode.ansi_quotes = options.ansi_quotes != ((other & 1u) != 0);
    mode.no_backslash_escapes = options.no_backslash_escapes != ((other & 2u) != 0);
    merge_reading(reading, text, mode, true);
  }
}

// Reads that nothing but the functions they call keeps from a replica.
bool only_stored_functions(const Reading& reading) noexcept {
  return reading.reasons == Facts::bit(Reason::stored_function) && reading.all_reads &&
         reading.verdict.kind == StatementKind::read;
}

// The same with what was not understood in them.
bool only_doubts(const Reading& reading) noexcept {
  const std::uint32_t doubts =
      Facts::bit(Reason::stored_function) | Facts::bit(Reason::unknown_statement);
  return reading.reasons != 0 && (reading.reasons & ~doubts) == 0 && reading.all_reads &&
         reading.verdict.kind == StatementKind::read;
}

// Doubt and truncation take the replica, and the connection of the statement before, out of the
// choice.
void restrict_placement(Reading& reading, std::string_view text,
                        const TextOptions& options) noexcept {
  Classification& verdict = reading.verdict;
  const bool foreign = !options.ascii_safe_charset && has_high_byte(text);
  const bool cut = reading.unterminated && !options.truncated;
  const bool doubtful = reading.doubtful || foreign || cut;
  verdict.doubtful = doubtful;
  const bool may_be_moved = !doubtful && !options.truncated && verdict.hint != Hint::primary &&
                            verdict.placement == Placement::primary;
  verdict.only_stored_functions = only_stored_functions(reading) && may_be_moved;
  verdict.only_doubts = only_doubts(reading) && may_be_moved;
  if (doubtful && verdict.placement != Placement::primary) {
    verdict.placement = Placement::primary;
    verdict.reason = Reason::ambiguous_text;
  }
  if (options.truncated && verdict.placement != Placement::primary) {
    verdict.placement = Placement::primary;
    verdict.reason = Reason::truncated_text;
  }
}

void obey_hint(Reading& reading, const RoutingHint& hint) noexcept {
  Classification& verdict = reading.verdict;
  verdict.hint = hint.hint;
  verdict.hint_max_lag_ms = hint.max_lag_ms;
  verdict.hint_consistency = hint.consistency;
  if (hint.hint == Hint::primary && verdict.placement == Placement::any) {
    verdict.placement = Placement::primary;
    verdict.reason = Reason::hint;
  }
  // The only doubt that somebody who knows the routine may take away.
  if (hint.hint == Hint::replica && only_stored_functions(reading)) {
    verdict.placement = Placement::any;
    verdict.reason = Reason::hint;
  }
}

}  // namespace

Classification classify(std::string_view text, const TextOptions& options) noexcept {
  Classification verdict;
  Reading reading{verdict};
  read_all_ways(text, options, reading);
  if (options.hints && may_have_hint(text)) obey_hint(reading, read_hint(text));
  restrict_placement(reading, text, options);
  // "Tracked" promises that nothing else was set.
  if (verdict.has(Effect::sets_untracked_variable) && !verdict.has(Effect::sets_names)) {
    verdict.effects = verdict.effects & ~Effect::sets_tracked_variable;
  }
  return verdict;
}

}  // namespace weir::sql
