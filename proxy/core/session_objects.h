// The named things that a session has on its connection: temporary tables, locks, prepared texts
// and handlers. They are counted by name, so that the session is free again when the last is gone.
// Pure.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/core/pins.h"
#include "sql_classifier/objects.h"

namespace weir {

// One change that a statement makes when it succeeds.
struct ObjectChange {
  enum class Kind : std::uint8_t {
    add,         // one more of the name
    remove,      // one of the name is gone
    remove_all,  // of the family
    unclear,     // nobody can tell which, or how many: the pin stays
  };
  Pin pin;  // the family: temporary_table, user_lock, prepared_text or handler
  Kind kind;
  std::string name;
};

// The changes in a text, of which classify() has said that it has some. `schema` is the session's.
std::vector<ObjectChange> object_changes(std::string_view text, const sql::TextOptions& options,
                                         const sql::Classification& facts, std::string_view schema);

class SessionObjects {
 public:
  // After a statement, with or without an error. One that failed may have added things before it
  // did, but what it would have removed counts as there.
  void apply(const std::vector<ObjectChange>& changes, bool failed);
  // Brings the pins of these families up to date.
  void update(PinSet& pins) const;
  void clear();

 private:
  struct Family {
    std::vector<std::string> names;
    bool unclear = false;
  };
  static constexpr std::array<Pin, 4> kFamilies = {Pin::temporary_table, Pin::user_lock,
                                                   Pin::prepared_text, Pin::handler};
  Family& family(Pin pin);

  std::array<Family, kFamilies.size()> families_;
};

}  // namespace weir
