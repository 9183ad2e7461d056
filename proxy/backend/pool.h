// The connections of one worker that no session holds, and the way to more. Loop thread only.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/backend/backend_connection.h"
#include "proxy/backend/connect_damper.h"
#include "proxy/core/server_load.h"
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

// Keeps a connection that it could do without: asked to give it up when others queue.
class PoolLender {
 public:
  // Not to be asked before this.
  virtual TimePoint keeps_until() const = 0;
  // The server of the connection.
  virtual std::size_t lent_server() const = 0;
  // Gives the connection back to the pool.
  virtual void give_up_lent() = 0;

 protected:
  ~PoolLender() = default;
};

// What a session needs of a connection.
struct ConnectionWish {
  std::size_t server = 0;
  CredentialsPtr credentials;
  StatePtr state;              // the session's; a connection that has it already is preferred
  std::uint8_t collation = 0;  // of the login
  protocol::Capabilities capabilities = 0;
  std::uint64_t settings = 0;  // not older than this change of global variables
  bool fresh = false;          // a new login, which proves the password
  // Whom a PROXY header to the server names: one connection speaks of one client's address.
  // Nothing: of nobody, or the server gets no such header.
  std::optional<IpAddress> client;
  // Taken before any other, if it is idle; may have ended.
  const BackendConnection* preferred = nullptr;
};

class Pool final : private BackendUser {
 public:
  explicit Pool(WorkerContext& context);
  ~Pool() { close_all(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // An idle connection that fits, or null. Its session state may differ from what is wished as far
  // as append_repair() can mend it.
  std::unique_ptr<BackendConnection> take_idle(const ConnectionWish& wish);
  // The idle connection that ran this command last, and nothing since; else null.
  std::unique_ptr<BackendConnection> take_unused_since(const CommandMark& mark);
  // The same one, left where it is.
  const BackendConnection* unused_since(const CommandMark& mark);
  // Opens a new connection, or waits for a place among the server's max_connections. Answers from
  // the loop, never from inside this call. The waiter has no other request under way.
  void request(PoolWaiter& waiter, const ConnectionWish& wish);
  // The waiter is no longer interested.
  void cancel(PoolWaiter& waiter);

  // Takes a connection back whose state is all in state(): the next session may have it as it is.
  void give_back(std::unique_ptr<BackendConnection> connection);
  // Closes a connection for good, when it has told what only it knows of a session.
  void discard(std::unique_ptr<BackendConnection> connection);

  // From now on the lender may be asked. It withdraws before it uses the connection again.
  void lend(PoolLender& lender) { lenders_.push_back(&lender); }
  void withdraw(PoolLender& lender) { std::erase(lenders_, &lender); }

  // Closes every connection that it holds.
  void close_all();
  // A place has come free, or another worker waits for one.
  void on_slots_changed();
  // Called a few times a second: deadlines, idle connections that are too old.
  void tick();
  // By server; what is outstanding, the pool does not know.
  std::vector<ServerLoad> loads() const;

 private:
  struct Request {
    PoolWaiter* waiter;
    ConnectionWish wish;
    TimePoint begun;
    std::unique_ptr<BackendConnection> opening;  // null while it waits for a place
    bool counted = false;                        // as waiting, see ServerSlots
    bool hopeless = false;                       // the server could not be reached just now
  };
  struct Idle {
    std::unique_ptr<BackendConnection> connection;
    TimePoint since;
  };
  struct Server {
    std::vector<Idle> idle;  // the one used last at the end
    std::size_t open = 0;    // connections of this worker, idle or not
    ConnectDamper damper;
  };

  void on_backend_ready(BackendConnection& connection) override;
  void on_backend_failed(BackendConnection& connection, const BackendFailure& failure) override;
  void on_reply_bytes(BackendConnection&, ReplyPurpose, Bytes) override {}
  void on_reply_packet(BackendConnection&, ReplyPurpose,
                       const protocol::ReplyTracker::Step&) override {}
  void on_reply_end(BackendConnection&, ReplyPurpose) override {}
  void on_reply_flush(BackendConnection&) override {}
  void on_backend_drained(BackendConnection&) override {}

  bool fits(const Idle& idle, const ConnectionWish& wish) const;
  bool may_be_kept(const BackendConnection& connection) const;
  std::vector<Idle>::iterator find_idle(const BackendConnection& connection);
  std::vector<Idle>::iterator find_unused_since(const CommandMark& mark);
  std::unique_ptr<BackendConnection> take(std::size_t server, std::vector<Idle>::iterator idle);
  void try_open(Request& request);
  bool serve_hopeless();
  void note_failure(std::size_t server, const BackendFailure& failure);
  void open(Request& request, ServerSlot slot);
  bool make_room(std::size_t server);
  bool ask_lenders(std::size_t server);
  void set_waiting(Request& request, bool waiting);
  std::unique_ptr<Request> remove(std::vector<std::unique_ptr<Request>>::iterator at);
  void serve_waiting_later();
  void serve_waiting();
  void yield_to_others(std::size_t server);
  void expire_requests(TimePoint now);
  bool is_drained(std::size_t server) const;
  void expire_idle(TimePoint now);
  void expire_parting(TimePoint now);
  void end_parting(std::vector<Idle>::iterator parting);
  void destroy(std::unique_ptr<BackendConnection> connection);

  WorkerContext& context_;
  std::vector<Server> servers_;
  std::vector<std::unique_ptr<Request>> requests_;  // in the order in which they came
  std::vector<Idle> parting_;                       // asked for the last time
  std::vector<PoolLender*> lenders_;                // likewise
  bool serving_later_ = false;
  bool closing_ = false;
};

}  // namespace weir
