#include "proxy/core/session_objects.h"

#include <algorithm>
#include <optional>

namespace weir {
namespace {

using sql::ObjectEvent;
using Kind = ObjectChange::Kind;

std::optional<Pin> family_of(ObjectEvent event) {
  switch (event) {
    case ObjectEvent::creates_temporary_table:
    case ObjectEvent::drops_table:
    case ObjectEvent::renames_table:
      return Pin::temporary_table;
    case ObjectEvent::takes_lock:
    case ObjectEvent::releases_lock:
    case ObjectEvent::releases_all_locks:
      return Pin::user_lock;
    case ObjectEvent::prepares:
    case ObjectEvent::deallocates:
      return Pin::prepared_text;
    case ObjectEvent::opens_handler:
    case ObjectEvent::closes_handler:
      return Pin::handler;
    default:
      return std::nullopt;
  }
}

Kind kind_of(ObjectEvent event) {
  switch (event) {
    case ObjectEvent::creates_temporary_table:
    case ObjectEvent::takes_lock:
    case ObjectEvent::prepares:
    case ObjectEvent::opens_handler:
      return Kind::add;
    case ObjectEvent::drops_table:
    case ObjectEvent::releases_lock:
    case ObjectEvent::deallocates:
    case ObjectEvent::closes_handler:
      return Kind::remove;
    case ObjectEvent::releases_all_locks:
      return Kind::remove_all;
    default:
      return Kind::unclear;
  }
}

// Names of locks and prepared texts are the same in any letter case; those of tables may not be.
std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string name_of(const sql::Object& object, Pin pin, std::string_view schema) {
  if (pin == Pin::user_lock || pin == Pin::prepared_text) return folded(object.name);
  if (pin == Pin::handler) return std::string(object.name);
  return std::string(object.schema.empty() ? schema : object.schema)
      .append(".")
      .append(object.name);
}

// What may have been added, but nothing that must have been removed.
bool is_only_removal(ObjectEvent event) {
  const Kind kind = kind_of(event);
  return kind == Kind::remove || kind == Kind::remove_all;
}

}  // namespace

std::vector<ObjectChange> object_changes(std::string_view text, const sql::TextOptions& options,
                                         const sql::Classification& facts,
                                         std::string_view schema) {
  std::vector<ObjectChange> changes;
  // A table named behind USE is one of another schema than it seems.
  const bool moves = facts.has(sql::Effect::changes_schema);
  sql::visit_objects(text, options, [&](const sql::Object& object) {
    if (object.event == ObjectEvent::unclear && object.family == ObjectEvent::unclear) {
      for (const Pin pin :
           {Pin::temporary_table, Pin::user_lock, Pin::prepared_text, Pin::handler}) {
        changes.push_back({pin, Kind::unclear, {}});
      }
      return;
    }
    const auto pin = family_of(object.family);
    if (!pin) return;
    const bool unclear = object.event == ObjectEvent::unclear || moves;
    if (unclear && is_only_removal(object.family)) return;
    changes.push_back(
        {*pin, unclear ? Kind::unclear : kind_of(object.event), name_of(object, *pin, schema)});
  });
  return changes;
}

SessionObjects::Family& SessionObjects::family(Pin pin) {
  const auto at = std::find(kFamilies.begin(), kFamilies.end(), pin);
  return families_[static_cast<std::size_t>(at - kFamilies.begin())];
}

void SessionObjects::apply(const std::vector<ObjectChange>& changes, bool failed) {
  for (const ObjectChange& change : changes) {
    Family& of = family(change.pin);
    const auto known = std::find(of.names.begin(), of.names.end(), change.name);
    switch (change.kind) {
      case Kind::add:
        // Locks can be taken several times and have to be released as often.
        if (known == of.names.end() || change.pin == Pin::user_lock)
          of.names.push_back(change.name);
        break;
      case Kind::remove:
        if (!failed && known != of.names.end()) of.names.erase(known);
        break;
      case Kind::remove_all:
        if (!failed) of = {};
        break;
      case Kind::unclear:
        of.unclear = true;
        break;
    }
  }
}

void SessionObjects::update(PinSet& pins) const {
  for (std::size_t i = 0; i < kFamilies.size(); ++i) {
    if (families_[i].unclear || !families_[i].names.empty()) {
      pins.add(kFamilies[i]);
    } else {
      pins.remove(kFamilies[i]);
    }
  }
}

void SessionObjects::clear() {
  families_ = {};
}

}  // namespace weir
