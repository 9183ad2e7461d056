// A command that runs too long (limits.query_timeout): the part of CommandRunner that has it ended
// on its server. The client gets the error that servers have for it; the connection is closed when
// the session needs it no more, because a KILL may come late.
//
//   check_query_time ─> StatementKill ─┬─> the server ends the command with an error ─> the
//   client's
//                                      └─> cannot be sent: on_timeout_told ─> the connection is
//                                      lost

#include <spdlog/spdlog.h>

#include <utility>

#include "proxy/session/command_runner.h"

namespace weir {

// The command is about to run on a server, perhaps not for the first time.
void CommandRunner::begin_query_time() {
  current_.running_since = context_.loop_time();
  if (!std::exchange(current_.timed_out, false)) return;
  if (timeout_kill_ != nullptr) timeout_kill_->forget();
  timeout_kill_.reset();
}

// 0: none. The rule knows best, then the user.
Milliseconds CommandRunner::query_timeout() const {
  if (current_.rule != nullptr && current_.rule->timeout) return *current_.rule->timeout;
  const UserConfig* listed = identity_.listed;
  if (listed != nullptr && listed->query_timeout) return *listed->query_timeout;
  return context_.config().limits.query_timeout;
}

// A transaction that is run again has a deadline of its own; what the client has not sent whole yet
// does not run.
void CommandRunner::check_query_time(TimePoint now) {
  if (stage_ != Stage::running && stage_ != Stage::infile) return;
  if (current_.on == nullptr || current_.timed_out || current_.replayed) return;
  if (!current_.whole) current_.running_since = now;
  const Milliseconds limit = query_timeout();
  if (limit == Milliseconds(0) || now - current_.running_since < limit) return;
  current_.timed_out = true;
  ++context_.counters.query_timeouts;
  BackendConnection& link = *current_.on;
  if (context_.timeout_log.pass(now)) {
    spdlog::info("user '{}': a statement on {} takes longer than {} ms and is ended",
                 identity_.credentials->user, link.options().server_name, limit.count());
  }
  link.doom();
  timeout_kill_ =
      StatementKill::begin(context_, pool_, wish(link.server(), false), link.thread_id(),
                           [this](bool told) { on_timeout_told(told); });
}

// A server that was told answers by itself.
void CommandRunner::on_timeout_told(bool told) {
  timeout_kill_.reset();
  if (stage_ == Stage::asking && current_.info == nullptr) {
    stage_ = Stage::none;
    return host_.on_command_done();
  }
  const bool runs = current_.on != nullptr && current_.timed_out && stage_ != Stage::none;
  if (!told && runs) current_.on->give_up("its statement has run too long and cannot be ended");
}

// After a command: true while a KILL is on its way, which must not meet the session's next one.
bool CommandRunner::awaits_kill() {
  if (timeout_kill_ == nullptr) return false;
  if (timeout_kill_->sent()) {
    stage_ = Stage::asking;
    return true;
  }
  timeout_kill_->stop();
  timeout_kill_.reset();
  return false;
}

// Whether the error of a command says that it was ended for that.
bool CommandRunner::is_timed_out(std::uint16_t error_code) const {
  constexpr std::uint16_t kInterrupted = 1317;
  return current_.timed_out && error_code == kInterrupted;
}

}  // namespace weir
