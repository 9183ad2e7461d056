#include "proxy/core/loss_policy.h"

#include "test/support/catch.h"

namespace weir {
namespace {

enum Fact : unsigned {
  kUnderWay = 1u << 0,
  kSent = 1u << 1,
  kBegun = 1u << 2,
  kMidPacket = 1u << 3,
  kRead = 1u << 4,
  kMayCommit = 1u << 5,
  kTransaction = 1u << 6,
  kState = 1u << 7,
  kRetried = 1u << 8,
  kAllFacts = (1u << 9) - 1,
};

LossFacts facts_of(unsigned bits) {
  LossFacts facts;
  facts.statement_under_way = (bits & kUnderWay) != 0;
  facts.sent = (bits & kSent) != 0;
  facts.answer_begun = (bits & kBegun) != 0;
  facts.at_packet_boundary = (bits & kMidPacket) == 0;
  facts.is_plain_read = (bits & kRead) != 0;
  facts.may_commit = (bits & kMayCommit) != 0;
  facts.in_transaction = (bits & kTransaction) != 0;
  facts.holds_state = (bits & kState) != 0;
  facts.retried = (bits & kRetried) != 0;
  return facts;
}

struct Row {
  const char* why;
  unsigned facts;
  LossVerdict verdict;
};

constexpr unsigned kAnswering = kUnderWay | kSent | kBegun;

constexpr Row kRows[] = {
    {"an idle connection without state is replaced", 0, LossVerdict::nothing},
    {"an idle connection took locks or temporary tables with it", kState,
     LossVerdict::session_lost},
    {"an open transaction is rolled back by the server", kTransaction,
     LossVerdict::transaction_lost},
    {"with the transaction went state", kTransaction | kState, LossVerdict::session_lost},

    {"nothing was sent, so nothing was done", kUnderWay, LossVerdict::run_elsewhere},
    {"a write that was not sent may run elsewhere, whatever it would commit",
     kUnderWay | kMayCommit, LossVerdict::run_elsewhere},
    {"a read may run twice", kUnderWay | kSent | kRead, LossVerdict::run_elsewhere},
    {"but not three times", kUnderWay | kSent | kRead | kRetried, LossVerdict::outcome_unknown},
    {"a write that was sent may have been done", kUnderWay | kSent, LossVerdict::outcome_unknown},

    {"a statement in a transaction is undone with it", kUnderWay | kSent | kTransaction,
     LossVerdict::transaction_lost},
    {"so is a read", kUnderWay | kSent | kRead | kTransaction, LossVerdict::transaction_lost},
    {"so is a statement that was not sent", kUnderWay | kTransaction,
     LossVerdict::transaction_lost},
    {"a COMMIT that was sent may have been done", kUnderWay | kSent | kTransaction | kMayCommit,
     LossVerdict::outcome_unknown},
    {"a COMMIT that was not sent was not done", kUnderWay | kTransaction | kMayCommit,
     LossVerdict::transaction_lost},
    {"an unknown COMMIT weighs more than lost state",
     kUnderWay | kSent | kTransaction | kMayCommit | kState, LossVerdict::outcome_unknown},
    {"lost state weighs more than a lost transaction", kUnderWay | kSent | kTransaction | kState,
     LossVerdict::session_lost},

    {"a write with state may have been done", kUnderWay | kSent | kState,
     LossVerdict::outcome_unknown},
    {"a read with state changed nothing, but the state is gone", kUnderWay | kSent | kRead | kState,
     LossVerdict::session_lost},
    {"a write that was not sent: only the state is gone", kUnderWay | kState,
     LossVerdict::session_lost},

    {"half a packet cannot be completed", kAnswering | kMidPacket | kRead, LossVerdict::close},
    {"not of a write either", kAnswering | kMidPacket, LossVerdict::close},
    {"nor in a transaction with state", kAnswering | kMidPacket | kTransaction | kState,
     LossVerdict::close},
    {"rows of a read are cut between two", kAnswering | kRead, LossVerdict::result_cut},
    {"even when it was retried", kAnswering | kRead | kRetried, LossVerdict::result_cut},
    {"a write that was answering is over, one way or the other", kAnswering,
     LossVerdict::outcome_unknown},
    {"rows inside a transaction: the transaction is gone too", kAnswering | kRead | kTransaction,
     LossVerdict::outcome_unknown},
    {"rows with state: the state is gone too", kAnswering | kRead | kState,
     LossVerdict::outcome_unknown},
};

TEST_CASE("loss policy: every row") {
  for (const Row& row : kRows) {
    INFO(row.why);
    CHECK(judge_loss(facts_of(row.facts)) == row.verdict);
  }
}

// What must hold for every combination, also for those that have no row.
TEST_CASE("loss policy: laws") {
  for (unsigned bits = 0; bits <= kAllFacts; ++bits) {
    INFO(bits);
    const LossVerdict verdict = judge_loss(facts_of(bits));
    const bool again = verdict == LossVerdict::run_elsewhere;
    if (again && (bits & kSent) != 0) CHECK((bits & kRead) != 0);
    if (again) CHECK((bits & (kBegun | kTransaction | kState)) == 0);
    if (again && (bits & kSent) != 0) CHECK((bits & kRetried) == 0);
    if ((bits & kBegun) != 0 && (bits & kMidPacket) != 0) CHECK(verdict == LossVerdict::close);
    if (verdict == LossVerdict::nothing) CHECK((bits & (kUnderWay | kTransaction | kState)) == 0);
    if (verdict == LossVerdict::transaction_lost) {
      CHECK((bits & kTransaction) != 0);
      CHECK(((bits & kMayCommit) == 0 || (bits & kSent) == 0 || (bits & kUnderWay) == 0));
    }
  }
}

}  // namespace
}  // namespace weir
