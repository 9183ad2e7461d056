#include "sql_classifier/words.h"

#include <array>
#include <bit>
#include <cstring>
#include <iterator>

#include "sql_classifier/builtin_functions.h"
#include "sql_classifier/char_class.h"

namespace weir::sql {
namespace {

static_assert(std::endian::native == std::endian::little, "words are packed lowest byte first");

// A word is found by its length and by its first and last eight bytes, folded to one letter case
// with a single OR. For the bytes a word is made of the OR merges only the two cases of a letter.
constexpr std::uint64_t kFold = 0x2020202020202020u;

struct Packed {
  std::uint64_t head = 0;
  std::uint64_t tail = 0;  // 0 up to eight bytes
};

struct Entry {
  Packed packed;
  const char* name = nullptr;
  std::uint8_t length = 0;
  WordMeaning meaning;
};

constexpr std::uint64_t pack(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i]) | 0x20u) << (8 * i);
  }
  return value;
}

constexpr Packed pack_word(std::string_view word) {
  if (word.size() <= 8) return {pack(word), 0};
  return {pack(word.substr(0, 8)), pack(word.substr(word.size() - 8))};
}

constexpr std::size_t kSlots = 4096;
constexpr std::size_t kMaxEntries = 800;

constexpr std::size_t slot_of(const Packed& p, std::size_t length) {
  const std::uint64_t mixed = (p.head ^ std::rotl(p.tail, 29)) + length;
  return static_cast<std::size_t>((mixed * 0x9e3779b97f4a7c15u) >> 52);
}

struct Table {
  std::array<std::uint16_t, kSlots> slots{};  // 0: empty, otherwise an index into entries
  std::array<Entry, kMaxEntries> entries{};
  std::size_t count = 1;
  std::size_t longest = 0;

  constexpr Entry& entry_for(std::string_view word) {
    const Packed packed = pack_word(word);
    std::size_t slot = slot_of(packed, word.size());
    for (; slots[slot] != 0; slot = (slot + 1) % kSlots) {
      Entry& known = entries[slots[slot]];
      if (known.length == word.size() && std::string_view(known.name, known.length) == word)
        return known;
    }
    slots[slot] = static_cast<std::uint16_t>(count);
    Entry& fresh = entries[count++];
    fresh.packed = packed;
    fresh.name = word.data();
    fresh.length = static_cast<std::uint8_t>(word.size());
    if (word.size() > longest) longest = word.size();
    return fresh;
  }

  constexpr void add_calls(std::string_view names, Call call) {
    while (!names.empty()) {
      const std::size_t space = names.find(' ');
      entry_for(names.substr(0, space)).meaning.call = call;
      names = space == names.npos ? std::string_view{} : names.substr(space + 1);
    }
  }
};

struct KeywordRow {
  std::string_view name;
  Keyword keyword;
  Call call;
};

constexpr KeywordRow kKeywordRows[] = {
#define WEIR_SQL_ROW(word, call) {#word, Keyword::word, Call::call},
    WEIR_SQL_KEYWORDS(WEIR_SQL_ROW)
#undef WEIR_SQL_ROW
};

constexpr Table make_table() {
  Table table;
  for (const KeywordRow& row : kKeywordRows) {
    if (row.keyword != Keyword::LAST_SCANNED)
      table.entry_for(row.name).meaning = {row.keyword, row.call};
  }
  for (std::string_view names : kPlainWords) table.add_calls(names, Call::reserved);
  for (std::string_view names : kPlainFunctions) table.add_calls(names, Call::plain);
  for (std::string_view names : kPlainIfAdjacent) table.add_calls(names, Call::plain_if_adjacent);
  table.add_calls(kAfterComparison, Call::after_comparison);
  table.add_calls(kColumnTypes, Call::column_type);
  table.add_calls(kTakesLock, Call::takes_lock);
  table.add_calls(kReleasesLock, Call::releases_lock);
  table.add_calls(kAsksLock, Call::asks_lock);
  table.add_calls(kUnsafeFunctions, Call::unsafe);
  table.add_calls(kSequenceFunctions, Call::sequence);
  table.add_calls(kAsksSequence, Call::asks_sequence);
  table.add_calls(kLastInsertId, Call::last_insert_id);
  table.add_calls(kConnectionId, Call::connection_id);
  table.add_calls(kFoundRows, Call::found_rows);
  table.add_calls(kRowCount, Call::row_count);
  return table;
}

constexpr Table kTable = make_table();

std::uint64_t load8(const char* p) {
  std::uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value | kFold;
}

Packed pack_fast(std::string_view word, std::size_t room) {
  if (word.size() > 8) return {load8(word.data()), load8(word.data() + word.size() - 8)};
  if (room >= 8) return {load8(word.data()) & (~std::uint64_t{0} >> (64 - 8 * word.size())), 0};
  return {pack(word), 0};
}

// What head and tail leave out of a word beyond 16 bytes.
bool same_middle(std::string_view word, const Entry& entry) noexcept {
  for (std::size_t i = 8; i + 8 < word.size(); ++i) {
    if ((word[i] | 0x20) != (entry.name[i] | 0x20)) return false;
  }
  return true;
}

template <bool long_word>
inline WordMeaning search(std::string_view word, const Packed& packed) noexcept {
  for (std::size_t slot = slot_of(packed, word.size()); kTable.slots[slot] != 0;
       slot = (slot + 1) % kSlots) {
    const Entry& entry = kTable.entries[kTable.slots[slot]];
    if (entry.packed.head != packed.head || entry.packed.tail != packed.tail ||
        entry.length != word.size()) {
      continue;
    }
    if (!long_word || same_middle(word, entry)) return entry.meaning;
  }
  return {};
}

// Kept apart, for there are few such words and the others then need no stack frame.
[[gnu::noinline]] WordMeaning find_long_word(std::string_view word) noexcept {
  if (word.size() > kTable.longest) return {};
  return search<true>(word, pack_fast(word, word.size()));
}

}  // namespace

WordMeaning find_word(std::string_view word, std::size_t room) noexcept {
  if (word.empty()) return {};
  if (word.size() > 16) return find_long_word(word);
  return search<false>(word, pack_fast(word, room));
}

bool equals_lower(std::string_view text, std::string_view lower_text) noexcept {
  if (text.size() != lower_text.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != lower_text[i]) return false;
  }
  return true;
}

}  // namespace weir::sql
