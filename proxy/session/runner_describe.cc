// What a session looks like from outside: the part of CommandRunner that tells others.

#include <array>

#include "proxy/session/command_runner.h"

namespace weir {
namespace {

// In the order of CommandRunner's stages.
constexpr std::array<std::string_view, 9> kStages = {"idle",      "waiting",   "connecting",
                                                     "repairing", "preparing", "running",
                                                     "infile",    "resetting", "asking"};

}  // namespace

// What a client can make large.
std::size_t CommandRunner::memory() const {
  std::size_t bytes = current_.bytes.capacity() + statements_.memory();
  if (log_ != nullptr) bytes += log_->size();
  if (replay_ != nullptr) bytes += replay_->log->size() + replay_->held_bytes.capacity();
  return bytes;
}

void CommandRunner::describe(SessionInfo& info) const {
  info.user = identity_.user;
  info.schema = opening_ ? identity_.schema : state_->schema();
  info.state = opening_ ? std::string_view("opening") : kStages[static_cast<std::size_t>(stage_)];
  info.in_transaction = in_transaction();
  info.pins = pins_;
  using Slot = SessionLinks::Slot;
  for (const Slot slot : {Slot::primary, Slot::replica, Slot::errand}) {
    const BackendConnection* link = links_.get(slot);
    if (link != nullptr) info.servers.push_back(link->server());
  }
}

}  // namespace weir
