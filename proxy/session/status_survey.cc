#include "proxy/session/status_survey.h"

#include <future>
#include <memory>
#include <utility>

#include "proxy/session/client_session.h"

namespace weir {

void WorkerStatus::merge(const WorkerStatus& other) {
  workers += other.workers;
  sessions += other.sessions;
  if (servers.size() < other.servers.size()) servers.resize(other.servers.size());
  for (std::size_t i = 0; i < other.servers.size(); ++i) servers[i].merge(other.servers[i]);
  counters.merge(other.counters);
  pins.merge(other.pins);
}

void survey_status(const SessionDirectory& directory, std::function<void(WorkerStatus)> done) {
  ask_workers<WorkerStatus>(
      directory, [](SessionHost& worker) { return worker.status(); },
      [done = std::move(done)](const std::vector<WorkerStatus>& all) {
        WorkerStatus sum;
        for (const WorkerStatus& one : all) sum.merge(one);
        done(std::move(sum));
      });
}

std::optional<WorkerStatus> ask_status(const SessionDirectory& directory, Milliseconds timeout) {
  // Shared: the answer may come when nobody waits any more.
  const auto answer = std::make_shared<std::promise<WorkerStatus>>();
  std::future<WorkerStatus> future = answer->get_future();
  survey_status(directory, [answer](WorkerStatus status) { answer->set_value(std::move(status)); });
  if (future.wait_for(timeout) != std::future_status::ready) return std::nullopt;
  return future.get();
}

}  // namespace weir
