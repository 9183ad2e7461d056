// Which stored functions only read: the catalogue of the primary, as one immutable value, and what
// follows from it for a statement. Pure.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "proxy/core/routine_changes.h"
#include "proxy/core/topology.h"
#include "sql_classifier/classification.h"

namespace weir {

// A stored function as a server describes it.
struct StoredFunction {
  std::string schema;
  std::string name;
  bool declared_reader = false;  // READS SQL DATA or NO SQL, and the body is SQL
  std::string definition;        // the CREATE FUNCTION statement; empty: not visible
  std::string sql_mode;          // that it was created under
  std::string charset;           // that it was written in
};

// What one server has.
struct RoutineList {
  std::vector<StoredFunction> functions;
  std::vector<std::string> packages;  // MariaDB: p.f() may call a function of one
};

class Routines {
 public:
  Routines() = default;
  // Counts as readers the functions that declare it, whose definitions show it, and that call none
  // but readers.
  explicit Routines(const RoutineList& list);

  // The function of this name, in any letter case; the schema as it is written. Names that are not
  // plain ASCII, which servers compare in ways of their own, are not known.
  bool only_reads(std::string_view schema, std::string_view name) const;

  std::size_t functions() const { return functions_; }
  std::size_t readers() const { return readers_.size(); }
  bool has_same_readers(const Routines& other) const { return readers_ == other.readers_; }

  // When and where it was loaded.
  std::size_t server = 0;
  std::uint64_t changes = 0;  // RoutineChanges::settled() before it was loaded
  // On weir's clock: the functions are what they are since then at least. A replica may serve them
  // when it shows all that was committed before.
  TimePoint since{};

 private:
  std::unordered_set<std::string> readers_;  // see key_of()
  std::size_t functions_ = 0;
};

// The topology's catalogue while it holds, or null: nothing is known about functions then.
const Routines* routines_in_force(const Topology& topology, const RoutineChanges& changes);

// Whether every function that the text calls is known to only read. `schema` is where names without
// one are looked up.
bool calls_only_readers(const Routines& routines, std::string_view text,
                        const sql::TextOptions& options, std::string_view schema);

// Of a statement that nothing but its functions kept from the replicas, once it is known that they
// only read.
sql::Classification as_plain_read(sql::Classification facts);

}  // namespace weir
