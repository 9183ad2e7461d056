#include "proxy/session/status_survey.h"

#include <algorithm>
#include <future>
#include <memory>
#include <numeric>
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

void survey_sessions(const SessionDirectory& directory,
                     std::function<void(std::vector<SessionInfo>)> done) {
  using Sessions = std::vector<SessionInfo>;
  ask_workers<Sessions>(
      directory,
      [](SessionHost& worker) {
        Sessions sessions;
        worker.for_each_session(
            [&](ClientSession& session) { sessions.push_back(session.info()); });
        return sessions;
      },
      [done = std::move(done)](const std::vector<Sessions>& all) {
        Sessions sum;
        for (const Sessions& one : all) sum.insert(sum.end(), one.begin(), one.end());
        std::sort(sum.begin(), sum.end(),
                  [](const SessionInfo& a, const SessionInfo& b) { return a.id < b.id; });
        done(std::move(sum));
      });
}

void find_largest_session(const SessionDirectory& directory,
                          std::function<void(LargestSession)> done) {
  const auto larger = [](const LargestSession& a, const LargestSession& b) {
    return a.memory < b.memory ? b : a;
  };
  ask_workers<LargestSession>(
      directory,
      [larger](SessionHost& worker) {
        LargestSession largest;
        worker.for_each_session([&](ClientSession& session) {
          largest = larger(largest, {session.id(), session.memory()});
        });
        return largest;
      },
      [larger, done = std::move(done)](const std::vector<LargestSession>& all) {
        done(std::accumulate(all.begin(), all.end(), LargestSession{}, larger));
      });
}

}  // namespace weir
