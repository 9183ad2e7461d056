// Why a session must stay on its primary connection although no transaction is open: state that
// cannot be carried to another connection.

#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "sql_classifier/classification.h"

namespace weir {

enum class Pin : std::uint8_t {
  user_variable,  // SET @v, SELECT ... INTO @v
  temporary_table,
  table_lock,          // LOCK TABLES, FLUSH TABLES WITH READ LOCK; ends with UNLOCK TABLES
  user_lock,           // GET_LOCK
  prepared_text,       // PREPARE name FROM ...
  handler,             // HANDLER t OPEN
  untracked_variable,  // SET of a variable whose value cannot be replayed
  next_transaction,    // SET TRANSACTION for the next transaction only; ends with it
  session_tracking,    // the client reads session trackers of its own
  role,                // SET ROLE
  routine,             // a stored routine may have left any of the above behind
  unseen_text,         // a command too long to be read whole
  cursor,              // of a prepared statement; ends with its last row, a reset or a close
  sequence,            // what LASTVAL() answers, see SequenceUsers
};

inline constexpr std::size_t kPinCount = 14;

// The stable lower-case name, for logs and metrics.
std::string_view pin_name(Pin pin);

// A set of pins.
class PinSet {
 public:
  bool empty() const { return bits_ == 0; }
  bool has(Pin pin) const { return (bits_ & bit(pin)) != 0; }
  void add(Pin pin) { bits_ |= bit(pin); }
  void remove(Pin pin) { bits_ &= ~bit(pin); }
  void clear() { bits_ = 0; }
  // The first of the set, for a message; the set is not empty.
  Pin first() const;
  // What is in this set and not in the other.
  PinSet without(PinSet other) const {
    other.bits_ = bits_ & ~other.bits_;
    return other;
  }
  template <class Action>
  void for_each(Action action) const {
    for (std::uint32_t rest = bits_; rest != 0; rest &= rest - 1) {
      action(static_cast<Pin>(std::countr_zero(rest)));
    }
  }
  // True when losing the connection loses something that the session cannot get back by itself.
  bool holds_state() const { return (bits_ & ~bit(Pin::next_transaction)) != 0; }

 private:
  static std::uint32_t bit(Pin pin) { return 1u << static_cast<unsigned>(pin); }
  std::uint32_t bits_ = 0;
};

// Whether a statement may add a pin that the set does not have: to be asked before it is run.
bool may_add_pin(const PinSet& pins, const sql::Classification& statement);

// Adds the pins that a statement makes and removes those that it certainly ends, as far as its text
// tells; but for those that are counted by name, see session_objects.h. To be called when it has
// been run without an error; `in_transaction` is the state after it.
void apply_effects(PinSet& pins, const sql::Classification& statement, bool in_transaction);

}  // namespace weir
