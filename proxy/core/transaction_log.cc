#include "proxy/core/transaction_log.h"

namespace weir {

void TransactionLog::begin(LoggedCommand command) {
  size_ -= pending_.bytes.size();  // one that was lost under way comes once more
  size_ += command.bytes.size();
  if (size_ > limit_) {
    spoil("its statements are longer than routing.transaction_replay_size");
    command.bytes = {};
  }
  pending_ = std::move(command);
  answer_.begin();
}

void TransactionLog::end(bool kept) {
  if (!kept) {
    size_ -= pending_.bytes.size();
  } else if (usable()) {
    pending_.answer = answer_.finish();
    commands_.push_back(std::move(pending_));
  }
  pending_ = {};
}

void TransactionLog::spoil(std::string_view why) {
  if (why.empty()) return;
  if (usable()) spoiled_ = why;
  commands_.clear();
}

std::string_view why_not_replayed(const sql::Classification& facts, bool knows_insert_id) {
  using sql::Effect;
  if (facts.has(Effect::local_infile)) return "it has loaded a file of the client";
  if (facts.has(Effect::xa_statement)) return "it is an XA transaction";
  if (facts.doubtful) return "weir does not understand one of its statements";
  using Kind = sql::StatementKind;
  switch (facts.kind) {
    case Kind::read:
      return {};
    case Kind::empty:
    case Kind::write:
    case Kind::begin:
    case Kind::savepoint:
    case Kind::set:
    case Kind::use:
      break;
    default:
      return "one of its statements does more than to read and write";
  }
  if (facts.has(Effect::sets_global_variable)) return "it has set a global variable";
  constexpr Effect kAsks =
      Effect::asks_row_count | Effect::asks_found_rows | Effect::asks_diagnostics;
  if (any(facts.effects & kAsks)) return "it writes what the statement before was answered";
  if (facts.has(Effect::uses_last_insert_id) && !knows_insert_id) {
    return "it writes a LAST_INSERT_ID() that only the lost server knew";
  }
  return {};
}

}  // namespace weir
