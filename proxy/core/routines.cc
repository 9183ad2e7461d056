#include "proxy/core/routines.h"

#include <algorithm>
#include <unordered_map>

#include "proxy/core/session_state.h"
#include "sql_classifier/objects.h"
#include "sql_classifier/routine_body.h"

namespace weir {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

// Empty where the names cannot be told for certain.
std::string key_of(std::string_view schema, std::string_view name) {
  if (schema.empty() || name.empty() || !is_ascii(schema) || !is_ascii(name)) return {};
  std::string key(schema);
  key.push_back('\0');
  for (char c : name) key.push_back(lower(c));
  return key;
}

bool has_mode(std::string_view sql_mode, std::string_view mode) {
  while (!sql_mode.empty()) {
    const std::size_t comma = std::min(sql_mode.find(','), sql_mode.size());
    if (sql_mode.substr(0, comma) == mode) return true;
    sql_mode.remove_prefix(std::min(comma + 1, sql_mode.size()));
  }
  return false;
}

// A function whose own body only reads; what it calls remains to be seen.
struct Candidate {
  std::vector<std::string> calls;
  bool clear = true;  // every call has a name that can be told
};

bool read_body(const StoredFunction& function, Candidate& candidate) {
  // Under ORACLE a name alone may call a procedure, and much else reads differently.
  if (!function.declared_reader || function.definition.empty()) return false;
  if (has_mode(function.sql_mode, "ORACLE") || is_ascii_unsafe(function.charset)) return false;
  sql::TextOptions options;
  options.ansi_quotes = has_mode(function.sql_mode, "ANSI_QUOTES");
  options.no_backslash_escapes = has_mode(function.sql_mode, "NO_BACKSLASH_ESCAPES");
  const bool reads =
      sql::function_reads_only(function.definition, options, [&](const sql::Object& object) {
        std::string key;
        if (object.event == sql::ObjectEvent::calls_function) {
          key = key_of(object.schema.empty() ? function.schema : object.schema, object.name);
        }
        if (key.empty()) candidate.clear = false;
        candidate.calls.push_back(std::move(key));
      });
  return reads && candidate.clear;
}

// The candidates that call none but one another, without going round in a circle.
class Closure {
 public:
  void add(const std::string& key, const Candidate& candidate) {
    waits_for_[key] = candidate.calls.size();
    for (const std::string& called : candidate.calls) callers_[called].push_back(key);
    if (candidate.calls.empty()) ready_.push_back(key);
  }

  std::unordered_set<std::string> readers() {
    std::unordered_set<std::string> readers;
    while (!ready_.empty()) {
      const std::string reader = std::move(ready_.back());
      ready_.pop_back();
      const auto callers = callers_.find(reader);
      if (callers != callers_.end()) {
        for (const std::string& caller : callers->second) {
          if (--waits_for_[caller] == 0) ready_.push_back(caller);
        }
      }
      readers.insert(reader);
    }
    return readers;
  }

 private:
  std::unordered_map<std::string, std::size_t> waits_for_;
  std::unordered_map<std::string, std::vector<std::string>> callers_;
  std::vector<std::string> ready_;
};

}  // namespace

Routines::Routines(const RoutineList& list) : functions_(list.functions.size()) {
  std::unordered_set<std::string> packages;
  for (const std::string& package : list.packages) packages.insert(lower(package));
  Closure closure;
  for (const StoredFunction& function : list.functions) {
    const std::string key = key_of(function.schema, function.name);
    Candidate candidate;
    if (key.empty() || packages.contains(lower(function.schema))) continue;
    if (read_body(function, candidate)) closure.add(key, candidate);
  }
  readers_ = closure.readers();
}

bool Routines::only_reads(std::string_view schema, std::string_view name) const {
  const std::string key = key_of(schema, name);
  return !key.empty() && readers_.contains(key);
}

const Routines* routines_in_force(const Topology& topology, const RoutineChanges& changes) {
  const Routines* routines = topology.routines.get();
  if (routines == nullptr || routines->changes != changes.sent()) return nullptr;
  return topology.primary == routines->server ? routines : nullptr;
}

bool calls_only_readers(const Routines& routines, std::string_view text,
                        const sql::TextOptions& options, std::string_view schema) {
  if (routines.readers() == 0) return false;
  bool all = true;
  sql::visit_objects(text, options, [&](const sql::Object& object) {
    if (object.event == sql::ObjectEvent::calls_function) {
      all = all && routines.only_reads(object.schema.empty() ? schema : object.schema, object.name);
    } else if (object.event == sql::ObjectEvent::unclear) {
      all = false;
    }
  });
  return all;
}

sql::Classification as_plain_read(sql::Classification facts) {
  facts.placement = sql::Placement::any;
  facts.reason = sql::Reason::plain_read;
  facts.effects = facts.effects & ~sql::Effect::calls_routine;
  facts.only_stored_functions = false;
  return facts;
}

}  // namespace weir
