#include "proxy/core/pins.h"

#include <set>
#include <utility>
#include <vector>

#include "test/support/catch.h"

namespace weir {
namespace {

using sql::Effect;
using sql::StatementKind;

sql::Classification with(Effect effects, StatementKind kind = StatementKind::write) {
  sql::Classification facts;
  facts.kind = kind;
  facts.effects = effects;
  facts.statements = 1;
  return facts;
}

TEST_CASE("pins: each has a name of its own") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kPinCount; ++i) {
    const std::string_view name = pin_name(static_cast<Pin>(i));
    CHECK_FALSE(name.empty());
    names.insert(name);
  }
  CHECK(names.size() == kPinCount);
  CHECK(pin_name(Pin::unseen_text) == "unseen_text");
  CHECK(pin_name(Pin::routine) == "routine");
}

TEST_CASE("pins: a set") {
  PinSet pins;
  CHECK(pins.empty());
  CHECK_FALSE(pins.holds_state());
  pins.add(Pin::next_transaction);
  CHECK_FALSE(pins.empty());
  CHECK_FALSE(pins.holds_state());  // it can be set again
  pins.add(Pin::user_lock);
  CHECK(pins.holds_state());
  CHECK(pins.first() == Pin::user_lock);
  pins.remove(Pin::user_lock);
  CHECK(pins.first() == Pin::next_transaction);
  PinSet more = pins;
  more.add(Pin::cursor);
  more.add(Pin::role);
  std::vector<Pin> added;
  more.without(pins).for_each([&](Pin pin) { added.push_back(pin); });
  CHECK(added == std::vector{Pin::role, Pin::cursor});
  CHECK(pins.without(more).empty());
  pins.clear();
  CHECK(pins.empty());
}

TEST_CASE("pins: each effect that ties a session to its connection") {
  struct Case {
    Effect effect;
    Pin pin;
  };
  const Case cases[] = {
      {Effect::sets_user_variable, Pin::user_variable},
      {Effect::locks_tables, Pin::table_lock},
      {Effect::sets_untracked_variable, Pin::untracked_variable},
      {Effect::sets_next_transaction, Pin::next_transaction},
      {Effect::sets_session_tracking, Pin::session_tracking},
      {Effect::changes_role, Pin::role},
      {Effect::calls_routine, Pin::routine},
      {Effect::asks_sequence, Pin::sequence},
  };
  for (const Case& c : cases) {
    INFO(pin_name(c.pin));
    PinSet pins;
    apply_effects(pins, with(c.effect, StatementKind::set), false);
    CHECK(pins.has(c.pin));
    pins.remove(c.pin);
    CHECK(pins.empty());
  }
}

TEST_CASE("pins: which statements may add one is known before they run") {
  const std::pair<Effect, Pin> cases[] = {
      {Effect::sets_user_variable, Pin::user_variable},
      {Effect::calls_routine, Pin::routine},
      {Effect::creates_temporary_table, Pin::temporary_table},
      {Effect::takes_user_lock, Pin::user_lock},
      {Effect::prepares_text, Pin::prepared_text},
      {Effect::opens_handler, Pin::handler},
  };
  for (const auto& [effect, pin] : cases) {
    INFO(pin_name(pin));
    PinSet pins;
    CHECK(may_add_pin(pins, with(effect)));
    pins.add(pin);
    CHECK_FALSE(may_add_pin(pins, with(effect)));  // it is there already
    CHECK(may_add_pin(pins, with(effect | Effect::locks_tables)));
  }
  for (const Effect effect : {Effect::none, Effect::releases_user_lock, Effect::drops_table,
                              Effect::deallocates_text, Effect::ends_transaction}) {
    CHECK_FALSE(may_add_pin({}, with(effect)));
  }
}

TEST_CASE("pins: effects that tie nothing") {
  const Effect effects[] = {
      Effect::none,
      Effect::begins_transaction,
      Effect::ends_transaction,
      Effect::sets_names,
      Effect::changes_schema,
      Effect::sets_tracked_variable,
      Effect::calc_found_rows,
      Effect::uses_user_variable,
      Effect::sets_autocommit,
      Effect::sets_global_variable,
      Effect::local_infile,
      Effect::releases_user_lock,
      Effect::takes_user_lock,  // counted by name, see session_objects.h
  };
  for (const Effect effect : effects) {
    PinSet pins;
    apply_effects(pins, with(effect), false);
    CHECK(pins.empty());
  }
}

TEST_CASE("pins: UNLOCK TABLES ends a lock, but only alone in its text") {
  PinSet pins;
  apply_effects(pins, with(Effect::locks_tables), false);
  sql::Classification two = with(Effect::unlocks_tables | Effect::locks_tables);
  two.statements = 2;
  apply_effects(pins, two, false);
  CHECK(pins.has(Pin::table_lock));
  apply_effects(pins, with(Effect::unlocks_tables), false);
  CHECK(pins.empty());
}

TEST_CASE("pins: the next transaction is over when one statement or transaction is") {
  PinSet pins;
  const auto set = with(Effect::sets_next_transaction, StatementKind::set);
  apply_effects(pins, set, false);
  apply_effects(pins, with(Effect::sets_tracked_variable, StatementKind::set), false);
  CHECK(pins.has(Pin::next_transaction));
  apply_effects(pins, with(Effect::begins_transaction, StatementKind::begin), true);
  CHECK(pins.has(Pin::next_transaction));
  apply_effects(pins, with(Effect::ends_transaction, StatementKind::commit), false);
  CHECK(pins.empty());

  apply_effects(pins, set, false);
  apply_effects(pins, with(Effect::none, StatementKind::read), false);  // SELECT @@x begins none
  CHECK(pins.has(Pin::next_transaction));
  apply_effects(pins, with(Effect::none, StatementKind::write), false);
  CHECK(pins.empty());
}

}  // namespace
}  // namespace weir
