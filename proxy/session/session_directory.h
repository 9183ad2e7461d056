// Where the sessions of all workers are, by the id that clients know, and all workers: for KILL,
// and for questions about the whole program. Safe from any thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir {

class ClientSession;
struct WorkerStatus;

// A worker, as others may reach it.
class SessionHost {
 public:
  // From any thread: calls the action on the worker's own. False when the worker has ended: then
  // the action is never called.
  virtual bool post(std::function<void()> action) = 0;

  // On the worker's own thread. Null when there is no such session.
  virtual ClientSession* find_session(std::uint32_t id) = 0;
  virtual void for_each_session(const std::function<void(ClientSession&)>& action) = 0;
  virtual WorkerStatus status() = 0;

 protected:
  ~SessionHost() = default;
};

class SessionDirectory {
 public:
  void add(std::uint32_t id, SessionHost& host);
  void remove(std::uint32_t id);

  // Calls the action on the thread of the session's worker, with the session, or with null when it
  // has ended meanwhile. False when there is no such session: then the action is never called.
  bool visit(std::uint32_t id, std::function<void(ClientSession*)> action) const;

  // A worker begins, or ends.
  void add_worker(SessionHost& worker);
  void remove_worker(SessionHost& worker);
  // Calls `prepare` with the number of workers, then `action` on the thread of each, with the
  // worker and its own number, and then, on the thread of the last of them, `done`.
  void visit_workers(const std::function<void(std::size_t)>& prepare,
                     std::function<void(SessionHost&, std::size_t)> action,
                     std::function<void()> done) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint32_t, SessionHost*> hosts_;  // guarded by mutex_
  std::vector<SessionHost*> workers_;                      // guarded by mutex_
};

// Asks every worker the same question, each on its own thread. The answers are handed over on the
// thread of one of them; one that ends meanwhile has an empty answer.
template <class Answer>
void ask_workers(const SessionDirectory& directory, std::function<Answer(SessionHost&)> question,
                 std::function<void(std::vector<Answer>)> done) {
  const auto answers = std::make_shared<std::vector<Answer>>();
  directory.visit_workers(
      [&](std::size_t count) { answers->resize(count); },
      [answers, question = std::move(question)](SessionHost& worker, std::size_t number) {
        (*answers)[number] = question(worker);
      },
      [answers, done = std::move(done)] { done(std::move(*answers)); });
}

}  // namespace weir
