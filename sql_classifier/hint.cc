#include "sql_classifier/hint.h"

#include <limits>

#include "sql_classifier/char_class.h"
#include "sql_classifier/words.h"

namespace weir::sql {
namespace {

std::string_view skip_space(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view trim(std::string_view text) noexcept {
  text = skip_space(text);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the first word off: letters, digits, _ and what else separators do not contain.
std::string_view take_word(std::string_view& text) noexcept {
  text = skip_space(text);
  std::size_t n = 0;
  while (n < text.size() && !is_space(text[n]) && text[n] != ',') ++n;
  const std::string_view word = text.substr(0, n);
  text.remove_prefix(n);
  return word;
}

// "500ms", "2s", "1m"; -1 when it is none of these or too large.
std::int32_t read_duration_ms(std::string_view text) noexcept {
  std::int64_t value = 0;
  std::size_t n = 0;
  for (; n < text.size() && n < 10 && is_digit(text[n]); ++n) value = value * 10 + (text[n] - '0');
  if (n == 0) return -1;
  const std::string_view unit = text.substr(n);
  if (equals_lower(unit, "s")) {
    value *= 1000;
  } else if (equals_lower(unit, "m")) {
    value *= 60 * 1000;
  } else if (!equals_lower(unit, "ms")) {
    return -1;
  }
  return value > std::numeric_limits<std::int32_t>::max() ? -1 : static_cast<std::int32_t>(value);
}

void note(RoutingHint& hint, Hint wish) noexcept {
  // When both are asked for, the primary is never wrong.
  if (hint.hint != Hint::primary) hint.hint = wish;
}

Freshness read_freshness(std::string_view text) noexcept {
  if (equals_lower(text, "eventual")) return Freshness::eventual;
  if (equals_lower(text, "session")) return Freshness::session;
  if (equals_lower(text, "global")) return Freshness::global;
  return Freshness::unsaid;
}

// weir: primary, replica, max_lag=500ms, consistency=eventual
void read_options(std::string_view text, RoutingHint& hint) noexcept {
  while (!(text = skip_space(text)).empty()) {
    if (text.front() == ',') {
      text.remove_prefix(1);
      continue;
    }
    const std::string_view option = take_word(text);
    if (equals_lower(option, "primary")) note(hint, Hint::primary);
    if (equals_lower(option, "replica")) note(hint, Hint::replica);
    if (equals_lower(option.substr(0, 8), "max_lag="))
      hint.max_lag_ms = read_duration_ms(option.substr(8));
    if (equals_lower(option.substr(0, 12), "consistency="))
      hint.consistency = read_freshness(option.substr(12));
  }
}

// maxscale route to master
void read_route_to(std::string_view text, RoutingHint& hint) noexcept {
  if (!equals_lower(take_word(text), "route") || !equals_lower(take_word(text), "to")) return;
  const std::string_view role = take_word(text);
  if (!trim(text).empty()) return;
  if (equals_lower(role, "master")) note(hint, Hint::primary);
  if (equals_lower(role, "slave")) note(hint, Hint::replica);
}

void read_comment(std::string_view body, RoutingHint& hint) noexcept {
  body = trim(body);
  if (equals_lower(body.substr(0, 5), "weir:")) return read_options(body.substr(5), hint);
  if (equals_lower(body, "force_master")) return note(hint, Hint::primary);
  if (equals_lower(body, "force_slave")) return note(hint, Hint::replica);
  std::string_view rest = body;
  if (equals_lower(take_word(rest), "maxscale")) read_route_to(rest, hint);
}

// Takes a comment off the front of the text and gives its body; false when there is none, or when
// its content is code.
bool take_comment(std::string_view& text, std::string_view& body) noexcept {
  text = skip_space(text);
  if (text.size() < 2) return false;
  std::size_t from = 2;
  std::size_t length = 0;
  std::size_t closing = 0;
  if (text[0] == '/' && text[1] == '*') {
    if (text.substr(2, 1) == "!" || text.substr(2, 2) == "M!") return false;
    closing = 2;
    length = text.substr(2).find("*/");
    if (length == text.npos) return false;
  } else if (text[0] == '#' ||
             (text[0] == '-' && text[1] == '-' && (text.size() == 2 || is_space(text[2])))) {
    from = text[0] == '#' ? 1 : 2;
    length = text.substr(from).find('\n');
    if (length == text.npos) length = text.size() - from;
  } else {
    return false;
  }
  body = text.substr(from, length);
  text.remove_prefix(from + length + closing);
  return true;
}

}  // namespace

RoutingHint read_hint(std::string_view text) noexcept {
  RoutingHint hint;
  std::string_view body;
  while (take_comment(text, body)) read_comment(body, hint);
  return hint;
}

}  // namespace weir::sql
