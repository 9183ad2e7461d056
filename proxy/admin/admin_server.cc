#include "proxy/admin/admin_server.h"

#include <algorithm>
#include <stdexcept>

#include "proxy/session/refusals.h"

namespace weir {
namespace {

constexpr std::uint64_t kTickMilliseconds = 50;

}  // namespace

AdminServer::AdminServer(AdminTargets targets, ConsoleDoor door)
    : targets_(std::move(targets)),
      accounts_(std::move(door.accounts)),
      password_(std::move(door.password)),
      strangers_(targets_.process.config->limits),
      socket_(std::move(door.socket)) {
  if (uv_loop_init(&loop_) != 0) throw std::runtime_error("cannot create an event loop");
  uv_async_init(&loop_, &wake_,
                [](uv_async_t* handle) { static_cast<AdminServer*>(handle->data)->take_calls(); });
  uv_timer_init(&loop_, &timer_);
  wake_.data = timer_.data = this;
}

AdminServer::~AdminServer() {
  stop();
}

void AdminServer::start() {
  thread_ = std::thread([this] { run(); });
}

void AdminServer::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) {
      stop_ = true;
      uv_async_send(&wake_);
    }
  }
  if (thread_.joinable()) thread_.join();
}

void AdminServer::post(std::uint32_t session, std::function<void()> action) {
  const std::lock_guard lock(mutex_);
  if (closing_) return;
  calls_.emplace_back(session, std::move(action));
  uv_async_send(&wake_);
}

void AdminServer::run() {
  deferred_.emplace(&loop_);
  listener_ = std::make_unique<Listener>(
      &loop_, std::move(*socket_), buffer_,
      [this](std::unique_ptr<Stream> stream) { accept(std::move(stream)); });
  uv_run(&loop_, UV_RUN_DEFAULT);

  deferred_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);  // the close callbacks of what was just closed
  uv_loop_close(&loop_);
}

void AdminServer::accept(std::unique_ptr<Stream> stream) {
  const std::uint32_t id = targets_.process.next_connection_id.fetch_add(1);
  auto session =
      std::make_unique<AdminSession>(static_cast<AdminHost&>(*this), id, std::move(stream));
  AdminSession& started = *session;
  sessions_.emplace(id, std::move(session));
  // Nobody connected, nothing to do.
  if (sessions_.size() == 1) {
    uv_timer_start(
        &timer_, [](uv_timer_t* handle) { static_cast<AdminServer*>(handle->data)->tick(); },
        kTickMilliseconds, kTickMilliseconds);
  }
  started.start();
}

// Strangers must not hold the places that operators need.
bool AdminServer::make_room(const AdminSession& newcomer) {
  if (sessions_.size() <= kMaxSessions) return true;
  AdminSession* oldest = nullptr;
  for (const auto& [id, session] : sessions_) {
    if (session.get() == &newcomer || !session->is_stranger()) continue;
    if (oldest == nullptr || id < oldest->id()) oldest = session.get();
  }
  if (oldest != nullptr) oldest->close();
  return oldest != nullptr;
}

bool AdminServer::has_room_for_viewer() const {
  const auto viewers = std::count_if(sessions_.begin(), sessions_.end(),
                                     [](const auto& entry) { return entry.second->is_viewer(); });
  return static_cast<std::size_t>(viewers) < kMaxViewers;
}

void AdminServer::note_refusal(Refusal why, const std::string& peer, const std::string& user) {
  log_refusal(refusal_logs_, now(), "admin console: client", why, peer, user);
}

void AdminServer::on_session_closed(AdminSession& session) {
  const auto found = sessions_.find(session.id());
  if (found == sessions_.end()) return;
  deferred_->destroy(std::move(found->second));
  sessions_.erase(found);
  if (sessions_.empty()) uv_timer_stop(&timer_);
}

void AdminServer::take_calls() {
  std::vector<Call> calls;
  bool stops = false;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(calls_);
    stops = stop_;
  }
  for (const auto& [session, action] : calls) {
    if (sessions_.contains(session)) action();
  }
  if (stops) end();
}

void AdminServer::tick() {
  std::vector<AdminSession*> all;
  for (const auto& [id, session] : sessions_) all.push_back(session.get());
  // One that ends is deleted later, and ends no other.
  for (AdminSession* session : all) session->tick();
}

// Closes what keeps the loop running.
void AdminServer::end() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closing_, true)) return;
  }
  listener_.reset();
  while (!sessions_.empty()) sessions_.begin()->second->close();
  Stream::drop_farewells(&loop_);
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
}

}  // namespace weir
