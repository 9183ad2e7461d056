// The named things of a session that a text makes, ends or asks for, and where it names them. Not
// for every statement: classify() says by an effect when a look is worth it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

#include "sql_classifier/classification.h"

namespace weir::sql {

enum class ObjectEvent : std::uint8_t {
  creates_temporary_table,
  drops_table,    // DROP [TEMPORARY] TABLE, for each name in the list
  renames_table,  // by its old name; the new one is not told
  prepares,       // PREPARE name FROM ...
  deallocates,    // DEALLOCATE PREPARE name, DROP PREPARE name
  takes_lock,     // GET_LOCK('name', ...), evaluated exactly once
  releases_lock,  // RELEASE_LOCK('name'), evaluated exactly once
  releases_all_locks,
  opens_handler,       // by the name that closes it: the alias, or the table without its schema
  closes_handler,      // HANDLER name CLOSE
  calls_function,      // a function that is not built in
  asks_connection_id,  // CONNECTION_ID(), @@pseudo_thread_id
  asks_row_count,      // ROW_COUNT()
  asks_found_rows,     // FOUND_ROWS()
  kill_target,         // the number of a connection behind KILL and its options
  unclear,             // one of `family` that cannot be told; see Object::family
};

// One event. The views point into the text that was visited.
struct Object {
  ObjectEvent event = ObjectEvent::unclear;
  // The event itself; of an unclear one, what it may be: the name is no literal, has escapes, or
  // the call may run never or more than once. `unclear` here: the whole text cannot be read for
  // certain, may hold anything, and nothing else is said about it.
  ObjectEvent family = ObjectEvent::unclear;
  std::string_view schema;  // empty where the text names none
  std::string_view name;    // without quotes, in the letter case of the text; digits of kill_target
  // The piece of the text in bytes. For asks_... it is the whole expression, which a literal can
  // replace; for all others the name without quotes.
  std::size_t offset = 0;
  std::size_t length = 0;
};

namespace detail {

struct ObjectCallback {
  void* visitor;
  void (*call)(void* visitor, const Object& object);
};

void visit_objects(std::string_view text, const TextOptions& options, ObjectCallback callback);

}  // namespace detail

// Calls visitor(const Object&) for every event of the text, in its order but for those of one
// statement: what its first words say comes before its calls. Allocates nothing, keeps nothing. The
// visitor may not throw.
//
// Every function that gives a read Reason::stored_function is told with calls_function or as
// unclear. Not looked into: what runs out of sight or in a block (Effect::calls_routine), bodies of
// routines, views. A default in CREATE TABLE is no question of this session, so asks_... in CREATE
// are unclear, as are counts of rows that a statement of the same text left.
template <typename Visitor>
void visit_objects(std::string_view text, const TextOptions& options, Visitor&& visitor) {
  using Callable = std::remove_reference_t<Visitor>;
  detail::visit_objects(
      text, options,
      {const_cast<void*>(static_cast<const void*>(std::addressof(visitor))),
       [](void* callable, const Object& object) { (*static_cast<Callable*>(callable))(object); }});
}

}  // namespace weir::sql
