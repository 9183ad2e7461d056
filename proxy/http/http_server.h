// The HTTP server: one thread with one loop, which never waits for anything.

#pragma once

#include <uv.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "proxy/http/http_connection.h"
#include "proxy/http/pages.h"
#include "proxy/net/deferred.h"
#include "proxy/net/listener.h"
#include "proxy/session/status_survey.h"
#include "proxy/worker_context.h"

namespace weir::http {

// Strangers may come to this port, and take what they like: beyond kMostConnections, whoever came
// first is shown out, nobody stays longer than kLongestStay, and workers are asked no more often
// than once in kFreshStatus.
class HttpServer final : private HttpConnectionOwner {
 public:
  static constexpr std::size_t kMostConnections = 64;
  static constexpr Milliseconds kLongestStay{5000};
  static constexpr Milliseconds kWorkersPatience{1000};
  static constexpr Milliseconds kFreshStatus{100};

  // Listens, but answers nobody yet. Throws std::runtime_error, with a text for people, when it
  // cannot. `process` outlives the server; there are `workers` of them.
  HttpServer(const Endpoint& address, ProcessContext& process, std::size_t workers);
  ~HttpServer();  // stops
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // `process` is complete now.
  void start();
  // Where it listens; never port 0.
  const Endpoint& address() const { return address_; }
  // From any thread but its own. Those who wait for an answer get none.
  void stop();

 private:
  struct Mailbox;

  void run();
  void accept(std::unique_ptr<Stream> stream);
  void on_request(HttpConnection& connection) override;
  void on_done(HttpConnection& connection) override;
  void answer(HttpConnection& connection, bool workers_asked);
  void ask_workers();
  void answer_waiting();
  void open_mail();
  void tick();
  void close_handles();
  Snapshot snapshot() const;
  TimePoint now() const { return TimePoint(Milliseconds(uv_now(&loop_))); }

  ProcessContext& process_;
  const std::size_t workers_;
  const TimePoint began_ = Clock::now();
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  ListenSocket socket_;
  const Endpoint address_;
  uv_loop_t loop_;
  uv_async_t wake_;
  uv_timer_t timer_;
  std::shared_ptr<Mailbox> mailbox_;  // from other threads to this one
  std::thread thread_;
  // Loop thread only.
  ReadBuffer buffer_;
  Pages pages_;
  std::optional<Deferred> deferred_;
  std::optional<Listener> listener_;
  std::list<std::unique_ptr<HttpConnection>> connections_;  // the oldest first
  struct Waiting {
    HttpConnection* connection;
    TimePoint since;
  };
  std::vector<Waiting> waiting_;  // for the workers
  bool asking_ = false;
  std::optional<WorkerStatus> status_;  // what they answered last
  TimePoint status_at_;
  ProcessUsage process_usage_;  // at the same time
};

}  // namespace weir::http
