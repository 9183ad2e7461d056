// The admin console: a listener on a thread of its own, so that it answers whatever the workers do,
// and they do not wait for it.

#pragma once

#include <uv.h>

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proxy/admin/admin_session.h"
#include "proxy/admin/console_door.h"
#include "proxy/core/log_throttle.h"
#include "proxy/net/deferred.h"
#include "proxy/net/listener.h"

namespace weir {

class AdminServer final : private AdminHost {
 public:
  // When so many are connected, who has not logged in for longest is shown out.
  static constexpr std::size_t kMaxSessions = 32;
  static constexpr std::size_t kMaxViewers = 24;

  // What `targets` refers to outlives the console; the console outlives the workers' threads.
  AdminServer(AdminTargets targets, ConsoleDoor door);
  ~AdminServer();  // stops
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  void start();
  // From any other thread: closes every connection and joins the thread.
  void stop();

 private:
  using Call = std::pair<std::uint32_t, std::function<void()>>;

  const AdminTargets& targets() const override { return targets_; }
  const ConsoleAccounts& accounts() const override { return accounts_; }
  const KnownOperator& known_operator() const override { return known_operator_; }
  StrangerLimits& strangers() override { return strangers_; }
  bool make_room(const AdminSession& newcomer) override;
  bool has_room_for_viewer() const override;
  void note_refusal(Refusal why, const std::string& peer, const std::string& user) override;
  uv_loop_t* loop() override { return &loop_; }
  TlsShared& tls() override { return tls_; }
  TimePoint now() const override { return TimePoint(Milliseconds(uv_now(&loop_))); }
  void post(std::uint32_t session, std::function<void()> action) override;
  void on_session_closed(AdminSession& session) override;

  void run();
  void accept(std::unique_ptr<Stream> stream);
  void take_calls();
  void tick();
  void end();

  const AdminTargets targets_;
  const ConsoleAccounts accounts_;
  const KnownOperator known_operator_{accounts_};
  const std::optional<PasswordFile> password_;
  StrangerLimits strangers_;
  std::optional<ListenSocket> socket_;
  std::mutex mutex_;
  std::vector<Call> calls_;  // guarded by mutex_
  bool stop_ = false;        // guarded by mutex_
  bool closing_ = false;     // guarded by mutex_: the loop takes no more calls
  uv_loop_t loop_;
  uv_async_t wake_;
  uv_timer_t timer_;
  ReadBuffer buffer_;
  TlsShared tls_;
  std::array<LogThrottle, kRefusals> refusal_logs_;
  std::thread thread_;
  // Only while run() is on the stack; on the console's own thread only.
  std::optional<Deferred> deferred_;
  std::unique_ptr<Listener> listener_;
  std::unordered_map<std::uint32_t, std::unique_ptr<AdminSession>> sessions_;  // by id
};

}  // namespace weir
