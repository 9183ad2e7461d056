#include "proxy/backend/pool.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace weir {

void Pool::close_all() {
  for (auto& request : std::exchange(requests_, {})) {
    if (request->opening) discard(std::move(request->opening));
  }
  for (Idle& idle : std::exchange(idle_, {})) discard(std::move(idle.connection));
}

bool Pool::fits(const Idle& idle, const ConnectionWish& wish) const {
  const BackendConnection::Options& have = idle.connection->options();
  if (idle.resetting || have.server != wish.server || have.collation != wish.collation ||
      have.capabilities != wish.capabilities || have.credentials->user != wish.credentials->user) {
    return false;
  }
  // A connection logged in with an older password is still the user's, but only a password proven
  // equal may be given it.
  if (have.credentials != wish.credentials &&
      have.credentials->password.view() != wish.credentials->password.view()) {
    return false;
  }
  return idle.connection->state().schema().empty() || !wish.schema.empty();
}

std::unique_ptr<BackendConnection> Pool::take_idle(const ConnectionWish& wish) {
  if (wish.fresh) return nullptr;
  // The newest first, so that those which a smaller load does not need grow old.
  for (std::size_t i = idle_.size(); i-- > 0;) {
    if (!fits(idle_[i], wish)) continue;
    auto connection = std::move(idle_[i].connection);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    return connection;
  }
  return nullptr;
}

void Pool::request(PoolWaiter& waiter, const ConnectionWish& wish) {
  requests_.push_back(
      std::make_unique<Request>(Request{&waiter, wish, context_.loop_time(), nullptr}));
  try_open(*requests_.back());
}

void Pool::try_open(Request& request) {
  const ConnectionWish& wish = request.wish;
  ServerSlot slot = context_.process->slots->take(wish.server);
  if (!slot && evict_idle(wish.server)) {
    if (request.opening != nullptr)
      return;  // the place that came free has already been given to it
    slot = context_.process->slots->take(wish.server);
  }
  if (!slot) return;
  const ServerState& server = context_.topology->servers[wish.server];
  BackendConnection::Options options;
  options.server = wish.server;
  options.server_name = server.name;
  options.address = server.address;
  options.credentials = wish.credentials;
  options.schema = wish.schema;
  options.collation = wish.collation;
  options.capabilities = wish.capabilities;
  options.compression = context_.config().servers[wish.server].compression;
  options.shared = context_.compression;
  request.opening = std::make_unique<BackendConnection>(context_.loop, *context_.buffer,
                                                        std::move(options), std::move(slot));
  if (request.opening->open(*this)) return;
  // Tell it from the loop, as every other failure.
  BackendConnection* connection = request.opening.get();
  context_.deferred->call([this, connection] {
    on_backend_failed(*connection,
                      {BackendFailure::Kind::unreachable,
                       "no socket can be opened to " + connection->options().address.to_string(),
                       {}});
  });
}

// Makes room on a server by closing the connection that nobody has used for longest.
bool Pool::evict_idle(std::size_t server) {
  for (auto idle = idle_.begin(); idle != idle_.end(); ++idle) {
    if (idle->connection->server() != server) continue;
    auto connection = std::move(idle->connection);
    idle_.erase(idle);
    discard(std::move(connection));
    return true;
  }
  return false;
}

void Pool::cancel(PoolWaiter& waiter) {
  const auto found = std::find_if(requests_.begin(), requests_.end(),
                                  [&](const auto& request) { return request->waiter == &waiter; });
  if (found == requests_.end()) return;
  auto request = std::move(*found);
  requests_.erase(found);
  if (request->opening) discard(std::move(request->opening));
}

void Pool::release(std::unique_ptr<BackendConnection> connection) {
  if (connection == nullptr) return;
  // MySQL's reset brings back its own default collation, MariaDB's the one of the login.
  const bool keeps_collation = connection->is_mariadb() || connection->options().collation ==
                                                               context_.topology->default_collation;
  const bool reusable =
      keeps_collation && connection->ready() && connection->idle() && connection->queued() == 0 &&
      !context_.draining &&
      context_.loop_time() - connection->created() < context_.config().pool.max_age;
  if (!reusable) return discard(std::move(connection));
  connection->set_user(*this);
  connection->resume();
  connection->reset();
  idle_.push_back({std::move(connection), context_.loop_time(), true});
}

void Pool::discard(std::unique_ptr<BackendConnection> connection) {
  if (connection == nullptr) return;
  connection->close();
  context_.deferred->destroy(std::move(connection));
  open_waiting();
}

void Pool::on_backend_ready(BackendConnection& connection) {
  const auto found = std::find_if(requests_.begin(), requests_.end(), [&](const auto& request) {
    return request->opening.get() == &connection;
  });
  auto request = std::move(*found);
  requests_.erase(found);
  request->waiter->on_connection(std::move(request->opening));
}

void Pool::on_backend_failed(BackendConnection& connection, const BackendFailure& failure) {
  const auto request = std::find_if(requests_.begin(), requests_.end(), [&](const auto& candidate) {
    return candidate->opening.get() == &connection;
  });
  if (request != requests_.end()) {
    auto failed = std::move(*request);
    requests_.erase(request);
    discard(std::move(failed->opening));
    failed->waiter->on_no_connection(failed->wish.server, failure);
    return;
  }
  const auto idle = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& candidate) {
    return candidate.connection.get() == &connection;
  });
  if (idle == idle_.end()) return;
  spdlog::debug("idle connection to {} ended: {}", connection.options().server_name, failure.text);
  auto ended = std::move(idle->connection);
  idle_.erase(idle);
  discard(std::move(ended));
}

// The reset is done: whoever waits for such a connection gets it, else it is idle.
void Pool::on_reply_end(BackendConnection& connection, ReplyPurpose purpose) {
  if (purpose != ReplyPurpose::reset) return;
  const auto idle = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& candidate) {
    return candidate.connection.get() == &connection;
  });
  if (idle == idle_.end()) return;
  idle->resetting = false;
  for (auto& request : requests_) {
    if (request->opening != nullptr || request->wish.fresh || !fits(*idle, request->wish)) continue;
    auto served = std::move(request);
    std::erase(requests_, nullptr);
    auto given = std::move(idle->connection);
    idle_.erase(idle);
    return served->waiter->on_connection(std::move(given));
  }
}

// A place may have come free.
void Pool::open_waiting() {
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i]->opening == nullptr) try_open(*requests_[i]);
  }
}

void Pool::tick() {
  const TimePoint now = context_.loop_time();
  expire_requests(now);
  expire_idle(now);
  open_waiting();
}

void Pool::expire_requests(TimePoint now) {
  const Milliseconds timeout = context_.config().pool.queue_timeout;
  for (;;) {
    const auto late = std::find_if(requests_.begin(), requests_.end(), [&](const auto& request) {
      return now - request->begun >= timeout;
    });
    if (late == requests_.end()) return;
    auto request = std::move(*late);
    requests_.erase(late);
    BackendFailure failure;
    failure.kind =
        request->opening ? BackendFailure::Kind::unreachable : BackendFailure::Kind::full;
    failure.text = fmt::format("no answer to the login within {} ms", timeout.count());
    discard(std::move(request->opening));
    request->waiter->on_no_connection(request->wish.server, failure);
  }
}

void Pool::expire_idle(TimePoint now) {
  const PoolConfig& config = context_.config().pool;
  std::vector<std::unique_ptr<BackendConnection>> old;
  std::erase_if(idle_, [&](Idle& idle) {
    const bool keep = now - idle.since < config.idle_timeout &&
                      now - idle.connection->created() < config.max_age && !context_.draining;
    if (!keep) old.push_back(std::move(idle.connection));
    return !keep;
  });
  for (auto& connection : old) discard(std::move(connection));
}

}  // namespace weir
