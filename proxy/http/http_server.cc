#include "proxy/http/http_server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace weir::http {
namespace {

constexpr std::uint64_t kTickMilliseconds = 100;

ListenSocket open_socket(const Endpoint& address) {
  try {
    return ListenSocket::open(address, false);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format(
        "HTTP: {}; give listen.http another address, or \"\" to do without", error.what()));
  }
}

}  // namespace

// Outlives the server where a worker still holds it.
struct HttpServer::Mailbox {
  std::mutex mutex;
  uv_async_t* wake = nullptr;          // guarded by mutex; null: nobody reads any more
  bool stop = false;                   // guarded by mutex
  std::optional<WorkerStatus> status;  // guarded by mutex

  template <class Change>
  void put(Change change) {
    const std::lock_guard lock(mutex);
    if (wake == nullptr) return;
    change(*this);
    uv_async_send(wake);
  }
};

HttpServer::HttpServer(const Endpoint& address, ProcessContext& process, std::size_t workers)
    : process_(process),
      workers_(workers),
      socket_(open_socket(address)),
      address_(socket_.bound_address()),
      mailbox_(std::make_shared<Mailbox>()) {}

HttpServer::~HttpServer() {
  stop();
}

void HttpServer::start() {
  if (uv_loop_init(&loop_) != 0) throw std::runtime_error("cannot create an event loop");
  uv_async_init(&loop_, &wake_,
                [](uv_async_t* handle) { static_cast<HttpServer*>(handle->data)->open_mail(); });
  uv_timer_init(&loop_, &timer_);
  wake_.data = timer_.data = this;
  mailbox_->wake = &wake_;
  spdlog::info("HTTP on {}", address_.to_string());
  thread_ = std::thread([this] { run(); });
}

void HttpServer::stop() {
  if (!thread_.joinable()) return;
  mailbox_->put([](Mailbox& mailbox) { mailbox.stop = true; });
  thread_.join();
}

void HttpServer::run() {
  deferred_.emplace(&loop_);
  listener_.emplace(&loop_, std::move(socket_), buffer_,
                    [this](std::unique_ptr<Stream> stream) { accept(std::move(stream)); });
  uv_timer_start(
      &timer_, [](uv_timer_t* handle) { static_cast<HttpServer*>(handle->data)->tick(); },
      kTickMilliseconds, kTickMilliseconds);
  uv_run(&loop_, UV_RUN_DEFAULT);
  deferred_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);  // the close callbacks of what was just closed
  uv_loop_close(&loop_);
}

void HttpServer::accept(std::unique_ptr<Stream> stream) {
  if (connections_.size() >= kMostConnections) connections_.front()->end();
  connections_.push_back(std::make_unique<HttpConnection>(
      std::move(stream), static_cast<HttpConnectionOwner&>(*this), now()));
  connections_.back()->start();
}

void HttpServer::on_request(HttpConnection& connection) {
  answer(connection, status_ && now() - status_at_ < kFreshStatus);
}

void HttpServer::on_done(HttpConnection& connection) {
  std::erase_if(waiting_, [&](const Waiting& each) { return each.connection == &connection; });
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& each) { return each.get() == &connection; });
  if (found == connections_.end()) return;
  deferred_->destroy(std::move(*found));
  connections_.erase(found);
}

void HttpServer::answer(HttpConnection& connection, bool workers_asked) {
  const auto response = pages_.answer(connection.head(), snapshot(), workers_asked);
  if (response) return connection.answer(*response);
  waiting_.push_back({&connection, now()});
  ask_workers();
}

void HttpServer::ask_workers() {
  if (std::exchange(asking_, true)) return;
  survey_status(*process_.directory, [mailbox = mailbox_](WorkerStatus status) {
    mailbox->put([&](Mailbox& box) { box.status = std::move(status); });
  });
}

// With whatever is known now.
void HttpServer::answer_waiting() {
  process_usage_ = read_process_usage();
  for (const Waiting& each : std::exchange(waiting_, {})) answer(*each.connection, true);
}

void HttpServer::open_mail() {
  bool stopped = false;
  std::optional<WorkerStatus> status;
  {
    const std::lock_guard lock(mailbox_->mutex);
    stopped = mailbox_->stop;
    status = std::exchange(mailbox_->status, std::nullopt);
  }
  if (stopped) return close_handles();
  if (!status) return;
  asking_ = false;
  status_ = std::move(status);
  status_at_ = now();
  answer_waiting();
}

void HttpServer::tick() {
  const auto impatient = [this](const Waiting& each) {
    return now() - each.since >= kWorkersPatience;
  };
  if (std::any_of(waiting_.begin(), waiting_.end(), impatient)) {
    status_.reset();
    answer_waiting();
  }
  while (!connections_.empty() && now() - connections_.front()->began() >= kLongestStay) {
    connections_.front()->end();
  }
}

void HttpServer::close_handles() {
  {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->wake = nullptr;
  }
  listener_.reset();
  while (!connections_.empty()) connections_.front()->end();
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
}

Snapshot HttpServer::snapshot() const {
  Snapshot out;
  out.config = process_.config;
  out.topology = process_.topology.latest();
  out.draining = process_.draining;
  out.client_connections = process_.client_connections;
  out.process = process_usage_;
  out.process.started = started_;
  out.process.uptime = Clock::now() - began_;
  // A worker that has ended takes its counts along; sums that shrink would look like a restart.
  if (status_ && status_->workers == workers_) out.workers = status_;
  return out;
}

}  // namespace weir::http
