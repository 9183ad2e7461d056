// Where the sessions of all workers are, by the id that clients know: for KILL. Safe from any
// thread.

#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace weir {

class ClientSession;

// A worker, as others may reach it.
class SessionHost {
 public:
  // From any thread: calls the action on the worker's own. False when the worker has ended: then
  // the action is never called.
  virtual bool post(std::function<void()> action) = 0;
  // On the worker's own thread. Null when there is no such session.
  virtual ClientSession* find_session(std::uint32_t id) = 0;

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

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint32_t, SessionHost*> hosts_;  // guarded by mutex_
};

}  // namespace weir
