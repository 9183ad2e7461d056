#include "proxy/core/loss_policy.h"

namespace weir {

LossVerdict judge_loss(const LossFacts& facts) {
  if (facts.answer_begun) {
    if (!facts.at_packet_boundary) return LossVerdict::close;
    // A write that had begun to answer is over on the server's side, one way or the other.
    if (facts.holds_state || facts.in_transaction || !facts.is_plain_read) {
      return LossVerdict::outcome_unknown;
    }
    return LossVerdict::result_cut;
  }
  if (facts.in_transaction) {
    if (facts.statement_under_way && facts.sent && facts.may_commit)
      return LossVerdict::outcome_unknown;
    return facts.holds_state ? LossVerdict::session_lost : LossVerdict::transaction_lost;
  }
  if (facts.holds_state) {
    const bool unknown = facts.statement_under_way && facts.sent && !facts.is_plain_read;
    return unknown ? LossVerdict::outcome_unknown : LossVerdict::session_lost;
  }
  if (!facts.statement_under_way) return LossVerdict::nothing;
  if (!facts.sent) return LossVerdict::run_elsewhere;
  if (facts.is_plain_read && !facts.retried) return LossVerdict::run_elsewhere;
  return LossVerdict::outcome_unknown;
}

}  // namespace weir
