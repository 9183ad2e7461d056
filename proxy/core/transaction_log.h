// An open transaction as it has to be run again when its server is lost: its commands, what each
// was answered, and what the session was before the first of them. Pure.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/command.h"
#include "proxy/core/answer_digest.h"
#include "proxy/core/state_table.h"
#include "proxy/core/substitution.h"
#include "sql_classifier/classification.h"

namespace weir {

// What of a session changes with its statements and decides how the next one runs.
struct SessionSnapshot {
  StatePtr state;
  bool autocommit = true;
  std::int64_t row_count = 0;
  std::uint64_t found_rows = 0;
  std::uint64_t insert_id = 0;
};

struct LoggedCommand {
  const protocol::CommandInfo* info = nullptr;
  sql::Classification facts;  // its views are empty
  std::string collation;      // of SET NAMES ... COLLATE
  std::vector<Substitution> substitutions;
  std::uint32_t statement_id = 0;  // of an execute: the client's
  std::string bytes;               // framed
  AnswerDigest::Value answer{};
};

class TransactionLog {
 public:
  // `limit` is for the bytes of all commands together.
  TransactionLog(SessionSnapshot start, std::size_t limit)
      : start_(std::move(start)), limit_(limit) {}

  // A command is about to be sent. Until end() it is the pending one.
  void begin(LoggedCommand command);
  // It is answered. What changes nothing in the transaction, and tells nothing of its data, need
  // not be `kept`.
  void end(bool kept);
  // The transaction cannot be run again; `why` is of static storage. Empty: nothing happens.
  void spoil(std::string_view why);

  bool usable() const { return spoiled_.empty(); }
  // Why it is not; empty when it is.
  std::string_view why_not() const { return spoiled_; }

  // Bytes of all its commands.
  std::size_t size() const { return usable() ? size_ : 0; }

  AnswerDigest& answer() { return answer_; }
  const SessionSnapshot& start() const { return start_; }
  const std::vector<LoggedCommand>& commands() const { return commands_; }
  // The command under way; there is one between begin() and end().
  const LoggedCommand& pending() const { return pending_; }

 private:
  SessionSnapshot start_;
  std::size_t limit_;
  std::size_t size_ = 0;
  std::vector<LoggedCommand> commands_;
  LoggedCommand pending_;
  AnswerDigest answer_;
  std::string_view spoiled_;
};

// Why a statement cannot be run again within its transaction and be the same for everyone: empty
// when it can. `knows_insert_id`: what LAST_INSERT_ID() was before the transaction is known.
//
// Whatever a read shows is compared, so it may ask for anything.
std::string_view why_not_replayed(const sql::Classification& facts, bool knows_insert_id);

}  // namespace weir
