// KILL QUERY for a statement that has run too long: gets a connection to its server in the name of
// its user, sends it there and waits for the answer. Loop thread only.
//
//   begin() ─> the pool ─> KILL QUERY ─> the answer ─> on_end
//     ^           │ none to be had
//     └── tick() <┘   until kPatience is over
//
// Lives in WorkerContext::kills until it has ended, whatever becomes of the session: a statement
// must not be left running.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "proxy/backend/pool.h"

namespace weir {

class StatementKill final : public std::enable_shared_from_this<StatementKill>,
                            private PoolWaiter,
                            private BackendUser {
 public:
  // Told once, from the loop: the server knows (or has forgotten the connection); or false: it
  // could not be told yet, and may still be.
  using OnEnd = std::function<void(bool told)>;

  // `wish` is for a connection to the statement's server, `thread_id` the statement's connection.
  static std::shared_ptr<StatementKill> begin(WorkerContext& context, Pool& pool,
                                              const ConnectionWish& wish, std::uint32_t thread_id,
                                              OnEnd on_end);
  // The KILL is on its way.
  bool sent() const { return link_ != nullptr; }
  // Nobody wants to be told any more.
  void forget() { on_end_ = nullptr; }
  // Ends it without a word. One that was sent may still have its effect.
  void stop();
  // Called a few times a second.
  void tick(TimePoint now);

 private:
  StatementKill(WorkerContext& context, Pool& pool, ConnectionWish wish, std::uint32_t thread_id,
                OnEnd on_end);

  void on_connection(std::unique_ptr<BackendConnection> connection) override;
  void on_no_connection(std::size_t server, const BackendFailure& failure) override;
  void on_backend_ready(BackendConnection&) override {}
  void on_backend_failed(BackendConnection& link, const BackendFailure& failure) override;
  void on_reply_bytes(BackendConnection&, ReplyPurpose, Bytes) override {}
  void on_reply_packet(BackendConnection& link, ReplyPurpose purpose,
                       const protocol::ReplyTracker::Step& step) override;
  void on_reply_end(BackendConnection& link, ReplyPurpose purpose) override;
  void on_reply_flush(BackendConnection&) override {}
  void on_backend_drained(BackendConnection&) override {}

  void ask();
  void failed(const std::string& why);
  void tell(bool told);

  WorkerContext& context_;
  Pool& pool_;
  const ConnectionWish wish_;
  const std::uint32_t thread_id_;
  const TimePoint begun_;
  OnEnd on_end_;
  bool asked_ = false;                       // the pool
  bool refused_ = false;                     // by the server
  std::unique_ptr<BackendConnection> link_;  // null until there is one
};

}  // namespace weir
