// Where a statement goes, and why. Pure: no clock, no I/O, no memory.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/config/config.h"
#include "proxy/core/pins.h"
#include "proxy/core/rules.h"
#include "sql_classifier/classification.h"

namespace weir {

enum class Destination : std::uint8_t {
  primary,
  replica,          // any replica that is fresh enough; when there is none, as primary_reads says
  transaction,      // the connection that the open transaction runs on
  last_connection,  // the connection that ran the previous statement
  reject,           // nowhere: the client is told so
};

// What decided. Each value is a label of metrics and a line of `weir explain`.
enum class RouteCause : std::uint8_t {
  statement,          // the statement alone, see Route::reason
  transaction,        // a transaction is open
  autocommit_off,     // the next statement would begin one
  pinned,             // see Route::pin
  user_route,         // the configuration sends this user's statements there
  observe,            // routing.mode = "observe"
  primary_reads,      // routing.primary_reads = "always"
  transaction_reads,  // routing.transaction_reads = "split"
  rule,               // see Route::rule
};

struct Route {
  Destination destination = Destination::primary;
  RouteCause cause = RouteCause::statement;
  sql::Reason reason = sql::Reason::unknown_statement;
  Pin pin = Pin::unseen_text;  // when cause is pinned
  const Rule* rule = nullptr;  // that the statement falls under, whether it decided or not
};

// What the router needs to know of a session.
struct SessionFacts {
  bool in_transaction = false;
  bool transaction_on_replica = false;  // it is read-only, and runs on a replica
  bool may_split = false;               // it has written nothing, so that its reads may leave it,
  bool read_elsewhere = false;          // as the last one has done
  bool serializable = false;            // even reads take locks, so they belong on the primary
  bool autocommit = true;
  PinSet pins;
  UserRoute user_route = UserRoute::split;
};

// `rule` is the one that the statement falls under; null: none. It moves what is safe on a replica,
// or what nobody knows to be unsafe there, and gives way to transactions and pins.
Route decide(const sql::Classification& statement, const SessionFacts& session,
             const RoutingConfig& config, const Rule* rule = nullptr);

// The stable lower-case name ("autocommit_off").
std::string_view cause_name(RouteCause cause);
std::string_view destination_name(Destination destination);
// A route in words.
struct RouteText {
  std::string_view destination;
  std::string_view reason;  // the name of the statement's own, or of the cause
  std::string detail;       // a sentence
};
RouteText describe(const Route& route);
// The same in one line: "primary: locking_read: ...".
std::string explain(const Route& route);

}  // namespace weir
