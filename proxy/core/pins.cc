#include "proxy/core/pins.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace weir {
namespace {

using sql::Effect;

struct PinningEffect {
  Effect effect;
  Pin pin;
};

constexpr PinningEffect kPinning[] = {
    {Effect::sets_user_variable, Pin::user_variable},
    {Effect::locks_tables, Pin::table_lock},
    {Effect::sets_untracked_variable, Pin::untracked_variable},
    {Effect::sets_next_transaction, Pin::next_transaction},
    {Effect::sets_session_tracking, Pin::session_tracking},
    {Effect::changes_role, Pin::role},
    {Effect::calls_routine, Pin::routine},
    {Effect::asks_sequence, Pin::sequence},
};

// What is counted by name, see session_objects.h.
constexpr PinningEffect kPinningByName[] = {
    {Effect::creates_temporary_table, Pin::temporary_table},
    {Effect::renames_table, Pin::temporary_table},
    {Effect::takes_user_lock, Pin::user_lock},
    {Effect::prepares_text, Pin::prepared_text},
    {Effect::opens_handler, Pin::handler},
};

constexpr std::array<std::string_view, kPinCount> kNames = {
    "user_variable", "temporary_table",    "table_lock",       "user_lock",        "prepared_text",
    "handler",       "untracked_variable", "next_transaction", "session_tracking", "role",
    "routine",       "unseen_text",        "cursor",           "sequence"};

// With no transaction open behind it, one has certainly been ended, if only its own. A read may
// have used no table, and so not have begun any.
bool ends_transaction(const sql::Classification& statement) {
  using Kind = sql::StatementKind;
  return statement.kind == Kind::write || statement.kind == Kind::ddl ||
         statement.kind == Kind::commit || statement.kind == Kind::rollback;
}

}  // namespace

std::string_view pin_name(Pin pin) {
  return kNames[static_cast<std::size_t>(pin)];
}

Pin PinSet::first() const {
  return static_cast<Pin>(std::countr_zero(bits_));
}

bool may_add_pin(const PinSet& pins, const sql::Classification& statement) {
  if (!sql::any(statement.effects)) return false;
  const auto adds = [&](const PinningEffect& rule) {
    return statement.has(rule.effect) && !pins.has(rule.pin);
  };
  return std::any_of(std::begin(kPinning), std::end(kPinning), adds) ||
         std::any_of(std::begin(kPinningByName), std::end(kPinningByName), adds);
}

void apply_effects(PinSet& pins, const sql::Classification& statement, bool in_transaction) {
  // A plain read or write changes no pin but this one; most statements end here.
  if (pins.has(Pin::next_transaction) && !in_transaction && ends_transaction(statement)) {
    pins.remove(Pin::next_transaction);
  }
  if (!sql::any(statement.effects)) return;
  // Several statements in one text may lock and unlock in any order: then a pin stays.
  if (statement.statements == 1) {
    if (statement.has(Effect::unlocks_tables)) pins.remove(Pin::table_lock);
  }
  for (const PinningEffect& rule : kPinning) {
    if (statement.has(rule.effect)) pins.add(rule.pin);
  }
}

}  // namespace weir
