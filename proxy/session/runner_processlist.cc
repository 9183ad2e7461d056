// SHOW PROCESSLIST and COM_PROCESS_INFO: the part of CommandRunner that finds out which thread of a
// server works for which session, so that what is shown can be killed.
//
//   begin_process_list ──> every worker ──> on_held_threads ──> proceed

#include <utility>

#include "proxy/session/client_session.h"
#include "proxy/session/command_runner.h"

namespace weir {
namespace {

std::vector<HeldThread> threads_of(SessionHost& worker) {
  std::vector<HeldThread> threads;
  worker.for_each_session([&](ClientSession& session) { session.add_held_threads(threads); });
  return threads;
}

}  // namespace

// Not of several statements in one text: nothing tells which of the results is the list.
bool CommandRunner::shows_process_list() const {
  if (current_.info->command == protocol::Command::process_info) return true;
  return current_.facts.has(sql::Effect::shows_processlist) && current_.facts.statements == 1 &&
         current_.info->handling != protocol::Handling::prepare;
}

// Sessions come by connections and lose them all the time, and nobody keeps a list: so they are
// asked before the server is.
void CommandRunner::begin_process_list(Bytes bytes) {
  retain(bytes);
  current_.processes = std::make_unique<ProcessList>();
  stage_ = Stage::asking;
  const SessionDirectory& directory = *context_.process->directory;
  ask_workers<std::vector<HeldThread>>(
      directory, threads_of,
      [&directory, asker = host_.session_id()](std::vector<std::vector<HeldThread>> threads) {
        directory.visit(asker, [threads = std::move(threads)](ClientSession* back) {
          if (back != nullptr) back->on_held_threads(threads);
        });
      });
}

void CommandRunner::on_held_threads(const std::vector<std::vector<HeldThread>>& by_worker) {
  if (stage_ != Stage::asking || current_.processes == nullptr) return;
  for (const auto& threads : by_worker) current_.processes->add(threads);
  stage_ = Stage::none;
  if (bad_news_) {
    const ClientError news = *std::exchange(bad_news_, std::nullopt);
    return answer_error(news);
  }
  decide_route();
  proceed_again();
}

// --- the other side ------------------------------------------------------------------------------

void CommandRunner::add_held_threads(std::vector<HeldThread>& threads) const {
  using Slot = SessionLinks::Slot;
  for (const Slot slot : {Slot::primary, Slot::replica, Slot::errand}) {
    const BackendConnection* link = links_.get(slot);
    if (link != nullptr) threads.push_back({link->server(), link->thread_id(), host_.session_id()});
  }
}

}  // namespace weir
