// The connections of one worker that no session holds, and the way to more. Loop thread only.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/backend/backend_connection.h"
#include "proxy/worker_context.h"

namespace weir {

// Waits for a connection. Gets exactly one of the two calls for each request, unless it cancels.
class PoolWaiter {
 public:
  virtual void on_connection(std::unique_ptr<BackendConnection> connection) = 0;
  virtual void on_no_connection(std::size_t server, const BackendFailure& failure) = 0;

 protected:
  ~PoolWaiter() = default;
};

// What a session needs of a connection.
struct ConnectionWish {
  std::size_t server = 0;
  CredentialsPtr credentials;
  std::string schema;
  std::uint8_t collation = 0;
  protocol::Capabilities capabilities = 0;
  bool fresh = false;  // a new login, which proves the password
};

class Pool final : private BackendUser {
 public:
  explicit Pool(WorkerContext& context) : context_(context) {}
  ~Pool() { close_all(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // An idle connection that fits, or null. Its session state may differ from what is wished as far
  // as append_repair() can mend it.
  std::unique_ptr<BackendConnection> take_idle(const ConnectionWish& wish);
  // Opens a new connection, or waits for a place among the server's max_connections. Answers from
  // the loop, never from inside this call. The waiter has no other request under way.
  void request(PoolWaiter& waiter, const ConnectionWish& wish);
  // The waiter is no longer interested.
  void cancel(PoolWaiter& waiter);

  // Takes a connection back. It is reset and kept for the next session with the same account, or
  // closed when it is in no state for that.
  void release(std::unique_ptr<BackendConnection> connection);
  // Closes a connection for good.
  void discard(std::unique_ptr<BackendConnection> connection);

  // Closes every connection that it holds.
  void close_all();
  // Called a few times a second: deadlines, idle connections that are too old, places that came
  // free.
  void tick();
  std::size_t idle_connections() const { return idle_.size(); }

 private:
  struct Request {
    PoolWaiter* waiter;
    ConnectionWish wish;
    TimePoint begun;
    std::unique_ptr<BackendConnection> opening;  // null while it waits for a place
  };
  struct Idle {
    std::unique_ptr<BackendConnection> connection;
    TimePoint since;
    bool resetting;
  };

  void on_backend_ready(BackendConnection& connection) override;
  void on_backend_failed(BackendConnection& connection, const BackendFailure& failure) override;
  void on_reply_bytes(BackendConnection&, ReplyPurpose, Bytes) override {}
  void on_reply_packet(BackendConnection&, ReplyPurpose,
                       const protocol::ReplyTracker::Step&) override {}
  void on_reply_end(BackendConnection& connection, ReplyPurpose purpose) override;
  void on_reply_flush(BackendConnection&) override {}
  void on_backend_drained(BackendConnection&) override {}

  bool fits(const Idle& idle, const ConnectionWish& wish) const;
  void try_open(Request& request);
  bool evict_idle(std::size_t server);
  void open_waiting();
  void expire_requests(TimePoint now);
  void expire_idle(TimePoint now);

  WorkerContext& context_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<Idle> idle_;
};

}  // namespace weir
