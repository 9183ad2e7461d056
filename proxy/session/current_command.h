// What a session knows of the command under way, and of a transaction that is run again: the
// working memory of CommandRunner. Values without behaviour of their own.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/command.h"
#include "proxy/backend/backend_connection.h"
#include "proxy/core/pin_counts.h"
#include "proxy/core/process_list.h"
#include "proxy/core/router.h"
#include "proxy/core/routine_changes.h"
#include "proxy/core/rules.h"
#include "proxy/core/server_work.h"
#include "proxy/core/session_objects.h"
#include "proxy/core/spill_guard.h"
#include "proxy/core/substitution.h"
#include "proxy/core/transaction_log.h"
#include "proxy/core/write_position.h"

namespace weir {

// Why the facts of a command say that its functions only read.
struct FunctionTrust {
  sql::Classification text_facts;  // without the trust
  std::uint64_t changes = 0;       // RoutineChanges::sent() when it began
  TimePoint since{};               // a replica has to show what was committed before
};

// The command under way.
struct CurrentCommand {
  const protocol::CommandInfo* info = nullptr;
  sql::Classification facts;
  std::unique_ptr<FunctionTrust> trust;     // null: the facts are those of the text alone
  RoutineChange routine_change;             // what is sent may change stored routines
  std::string collation;                    // of SET NAMES ... COLLATE
  std::vector<ObjectChange> changes;        // to the named things of the session
  std::unique_ptr<PinCause> pin_cause;      // of a text that may add a pin
  std::unique_ptr<ProcessList> processes;   // that the statement shows
  std::vector<Substitution> substitutions;  // in the text that is sent
  std::unique_ptr<const std::vector<std::string>> local_files;  // of a LOAD DATA LOCAL
  Route route;
  const Rule* rule = nullptr;                 // that it falls under, the worker's; null: none
  std::unique_ptr<TextMatches> text_matches;  // of a text that is prepared
  bool explains = false;                      // it asks where another one would go
  std::string bytes;  // the command, or its beginning, when it cannot be sent at once
                      // or may have to be sent again
  bool whole = true;  // all of it has come
  bool whole_when_classified = true;  // and had come when its text was read
  bool repeatable = false;            // running it twice does no harm
  bool sent = false;
  bool answer_begun = false;  // a byte of the answer has gone to the client
  bool failed = false;        // the answer was an error
  bool timed_out = false;     // it has run too long, and its server is told to end it
  unsigned retries = 0;       // how often it was sent again
  bool only_primary = false;  // no replica will do any more
  bool rerun = false;         // the answer is swallowed, and the primary is asked
  bool holdable = false;  // a write that has done nothing if the server says that it is read-only
  bool refused = false;   // which it has said
  bool outdoes_replicas = false;  // the answer shows more than a replica may have
  bool splits = false;            // a read of the open transaction that a replica answers
  bool logged = false;            // in log_, as the pending one; or replayed
  bool replayed = false;          // of a lost transaction: no client waits for the answer
  std::string repair_error;       // the error packet that a repair was answered with
  std::size_t repairs_left = 0;
  bool forgets_diagnostics = false;  // among them one that clears the warnings
  unsigned warnings_before = 0;      // of the statement before, on the connection
  StatePtr repaired;                 // what the connection's state is after them
  SpillTicket spill;                 // it may run on the primary though a replica should answer
  bool waits_to_spill = false;       // it has none yet
  bool waits = false;                // the replica must first reach the session's position
  WritePosition wait_for;            // and this is it
  WaitTicket wait_ticket;
  std::string wait_reply;            // of the statement that waits
  std::uint64_t sent_at = 0;         // uv_hrtime(), of what tells how fast the server is, until its
                                     // answer begins
  std::optional<std::size_t> avoid;  // a server that has just failed
  std::uint32_t statement_id = 0;
  BackendConnection* on = nullptr;  // where it runs
  TimePoint begun;                  // of the waiting
  TimePoint running_since{};        // whole, on its server
  TimePoint in_line_since{};        // for whichever server, since it was last sent
  std::string why;                  // it waits, for the error that ends the waiting
};

// A lost transaction, from its loss until it is where it was.
struct Replay {
  std::unique_ptr<TransactionLog> log;
  SessionSnapshot lost;   // what the session had become
  std::string server;     // that was lost,
  std::string why;        // and why
  TimePoint since{};      // the client has waited for it
  unsigned attempts = 0;  // that failed
  std::size_t next = 0;   // of the log's commands: the one under way
  AnswerDigest answer;    // of it
  CurrentCommand held;    // the client's command that waits for it
  bool begun = false;     // it was under way; otherwise it is still to be looked at
  std::string held_bytes;
};

}  // namespace weir
