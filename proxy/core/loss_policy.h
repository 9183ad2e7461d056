// What a client is told when the connection to a server is lost. Pure.

#pragma once

#include <cstdint>

namespace weir {

// What was going on when it happened.
struct LossFacts {
  bool statement_under_way = false;  // the client waits for an answer from this connection
  bool sent = false;                 // a byte of its command may have reached the server
  bool answer_begun = false;         // a byte of the answer has gone to the client
  bool at_packet_boundary = true;    // and what has gone ends with a whole packet
  bool is_plain_read = false;        // running it again changes nothing but the answer's age
  bool may_commit = false;           // COMMIT, or a statement that commits implicitly
  bool in_transaction = false;       // one was open on this connection
  bool holds_state = false;          // temporary tables, locks, variables: gone with it
  bool retried = false;              // this statement was run again once already
};

enum class LossVerdict : std::uint8_t {
  nothing,           // nobody needs to know: the next statement gets another connection
  run_elsewhere,     // the statement is sent once more, to another server
  transaction_lost,  // 1213; the session goes on
  session_lost,      // state is gone that the client relies on: say so, close
  outcome_unknown,   // 1158, close
  result_cut,        // 1158 in the middle of the answer; the session goes on
  close,             // nothing can be said without breaking a packet
};

// `sent` bytes of a write are never sent again: whatever may have taken effect is "unknown".
LossVerdict judge_loss(const LossFacts& facts);

}  // namespace weir
