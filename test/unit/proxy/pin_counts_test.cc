#include "proxy/core/pin_counts.h"

#include "test/support/catch.h"

namespace weir {
namespace {

PinSet set_of(std::initializer_list<Pin> pins) {
  PinSet set;
  for (const Pin pin : pins) set.add(pin);
  return set;
}

PinCause cause(std::string_view text) {
  return pin_cause(text, {});
}

TEST_CASE("pin counts: statements that differ in their values only are one cause") {
  PinCounts counts;
  CHECK(counts.empty());
  const PinCause first = cause("SET @a = 1");
  const PinCause second = cause("set @a = 'two'");
  const PinCause lock = cause("SELECT GET_LOCK('x', 1)");
  counts.add(set_of({Pin::user_lock}), &lock);
  counts.add(set_of({Pin::user_variable}), &first);
  counts.add(set_of({Pin::user_variable}), &second);
  CHECK_FALSE(counts.empty());
  CHECK(counts.total(Pin::user_variable) == 2);
  CHECK(counts.others(Pin::user_variable) == 0);
  const auto rows = counts.rows();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].pin == Pin::user_variable);
  CHECK(rows[0].digest == first.digest);
  CHECK(rows[0].text == "SET @a = ?");
  CHECK(rows[0].count == 2);
  CHECK(rows[1].pin == Pin::user_lock);
  CHECK(rows[1].count == 1);
}

TEST_CASE("pin counts: a statement with several pins counts for each of them") {
  PinCounts counts;
  const PinCause both = cause("SELECT f(GET_LOCK('x', 1))");
  counts.add(set_of({Pin::user_lock, Pin::routine}), &both);
  CHECK(counts.total(Pin::user_lock) == 1);
  CHECK(counts.total(Pin::routine) == 1);
  CHECK(counts.rows().size() == 2);
}

TEST_CASE("pin counts: an unknown statement counts without a name") {
  PinCounts counts;
  counts.add(set_of({Pin::unseen_text}), nullptr);
  CHECK(counts.total(Pin::unseen_text) == 1);
  CHECK(counts.others(Pin::unseen_text) == 1);
  CHECK(counts.rows().empty());
}

TEST_CASE("pin counts: beyond the bound, causes share what is left") {
  PinCounts counts(2);
  for (const char* text : {"SET @a = 1", "SET @b = 1", "SET @c = 1", "SET @a = 2", "SET @d = 1"}) {
    const PinCause by = cause(text);
    counts.add(set_of({Pin::user_variable}), &by);
  }
  CHECK(counts.total(Pin::user_variable) == 5);
  CHECK(counts.others(Pin::user_variable) == 2);
  CHECK(counts.rows().size() == 2);
  CHECK(counts.rows()[0].text == "SET @a = ?");
}

TEST_CASE("pin counts: the text of a cause is short and on one line") {
  CHECK(cause("SELECT `a\nb`, 1").text == "SELECT `a b`, ?");
  const std::string names(150, 'x');
  const PinCause a_letter_less = cause("SET @" + names + "\xc3\xa4 = 1, @" + names + "b = 1");
  CHECK(a_letter_less.text.size() <= 203);
  CHECK(a_letter_less.text.substr(a_letter_less.text.size() - 3) == "...");
  // Whichever byte of a letter is the last that there is room for, none is left in part.
  for (std::size_t more = 0; more < 4; ++more) {
    std::string letters = "SET @" + std::string(more, 'x');
    for (int i = 0; i < 100; ++i) letters += "\xe2\x82\xac";
    const std::string text = cause(letters + " = 1").text;
    const std::string cut = text.substr(5 + more, text.size() - 5 - more - 4);
    CHECK(cut.size() % 3 == 0);
  }
  const std::string long_texts = "SET @" + names + names;
  CHECK(cause(long_texts + "1 = 1").digest != cause(long_texts + "2 = 1").digest);
}

TEST_CASE("pin counts: the workers' are merged") {
  PinReport all;
  PinReport one;
  PinReport other;
  const PinCause by = cause("SET @a = 1");
  one.counts.add(set_of({Pin::user_variable}), &by);
  one.add_session(set_of({Pin::user_variable, Pin::cursor}));
  other.counts.add(set_of({Pin::user_variable}), &by);
  other.counts.add(set_of({Pin::unseen_text}), nullptr);
  other.add_session(set_of({Pin::user_variable}));
  other.add_session({});
  all.merge(one);
  all.merge(other);
  CHECK(all.counts.total(Pin::user_variable) == 2);
  CHECK(all.counts.total(Pin::unseen_text) == 1);
  CHECK(all.counts.others(Pin::unseen_text) == 1);
  REQUIRE(all.counts.rows().size() == 1);
  CHECK(all.counts.rows()[0].count == 2);
  CHECK(all.sessions[static_cast<std::size_t>(Pin::user_variable)] == 2);
  CHECK(all.sessions[static_cast<std::size_t>(Pin::cursor)] == 1);
  CHECK(all.sessions[static_cast<std::size_t>(Pin::role)] == 0);
}

TEST_CASE("pin counts: one line for people") {
  PinCounts counts;
  CHECK(print_pins(counts).empty());
  counts.add(set_of({Pin::unseen_text}), nullptr);
  CHECK(print_pins(counts) == "unseen_text 1");
  const PinCause by = cause("SET @a = 1");
  counts.add(set_of({Pin::user_variable}), &by);
  CHECK(print_pins(counts) ==
        "user_variable 1, unseen_text 1; most often user_variable by 'SET @a = ?' (1)");
}

}  // namespace
}  // namespace weir
