// One event loop on one thread, with its own listeners, sessions and pool. Workers share nothing
// but what ProcessContext holds.

#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "proxy/backend/pool.h"
#include "proxy/net/listener.h"
#include "proxy/net/stream_compression.h"
#include "proxy/net/stream_tls.h"
#include "proxy/session/client_session.h"
#include "proxy/session/status_survey.h"
#include "proxy/worker_context.h"

namespace weir {

// How many workers the configuration asks for.
unsigned worker_count(const Config& config);

class Worker final : private SessionOwner, private SessionHost {
 public:
  Worker(ProcessContext& process, std::vector<ListenSocket> sockets);
  ~Worker();  // joins; stop() or drain() must have been called
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  // From any thread. `topology` is never null.
  void publish(std::shared_ptr<const Topology> topology);
  // From any thread: no new clients; each session ends when its transaction does, and the thread
  // with the last of them.
  void drain();
  // From any thread: every session ends now.
  void stop();
  // From any thread: a server may have room for more connections.
  void look_for_room();
  void join();

 private:
  struct Orders {
    std::shared_ptr<const Topology> topology;
    bool drain = false;
    bool stop = false;
    bool room = false;
    std::vector<std::function<void()>> calls;
  };

  void run();
  bool give(const std::function<void(Orders&)>& order);
  bool post(std::function<void()> action) override;
  ClientSession* find_session(std::uint32_t id) override;
  void for_each_session(const std::function<void(ClientSession&)>& action) override;
  WorkerStatus status() override;
  void take_orders();
  void accept(std::unique_ptr<Stream> stream);
  void turn_away(Stream& stream, Refusal why);
  void on_session_closed(ClientSession& session) override;
  void begin_drain();
  void begin_admission();
  void end_all();
  void tick();
  void close_handles();

  ProcessContext& process_;
  std::vector<ListenSocket> sockets_;
  std::mutex mutex_;
  Orders orders_;         // guarded by mutex_
  bool closing_ = false;  // guarded by mutex_: the loop takes no more orders
  uv_loop_t loop_;
  uv_async_t wake_;
  uv_timer_t timer_;
  ReadBuffer buffer_;
  CompressionShared compression_;
  TlsShared tls_;
  ReplyRelay relay_;
  std::thread thread_;
  // Only while run() is on the stack; loop thread only.
  WorkerContext context_;
  std::optional<Deferred> deferred_;
  std::optional<Admission> admission_;
  std::optional<Pool> pool_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<std::uint32_t, std::unique_ptr<ClientSession>> sessions_;  // by id
  bool handles_closed_ = false;
};

}  // namespace weir
