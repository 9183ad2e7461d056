#include "proxy/backend/pool.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace weir {
namespace {

// An idle connection is spared for this long when another worker waits for its place.
constexpr Milliseconds kSpared{100};

}  // namespace

Pool::Pool(WorkerContext& context)
    : context_(context), servers_(server_capacity(context.config())) {}

void Pool::close_all() {
  closing_ = true;
  for (Idle& parting : std::exchange(parting_, {})) destroy(std::move(parting.connection));
  while (!requests_.empty()) discard(std::move(remove(requests_.begin())->opening));
  for (std::size_t server = 0; server < servers_.size(); ++server) {
    while (!servers_[server].idle.empty()) discard(take(server, servers_[server].idle.end() - 1));
  }
}

std::vector<ServerLoad> Pool::loads() const {
  std::vector<ServerLoad> loads(servers_.size());
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    loads[i].open = servers_[i].open;
    loads[i].idle = servers_[i].idle.size();
  }
  for (const auto& request : requests_) {
    if (request->opening == nullptr) ++loads[request->wish.server].waiting;
  }
  return loads;
}

// --- idle connections ----------------------------------------------------------------------------

bool Pool::fits(const Idle& idle, const ConnectionWish& wish) const {
  const BackendConnection& connection = *idle.connection;
  const BackendConnection::Options& have = connection.options();
  if (have.collation != wish.collation || have.capabilities != wish.capabilities ||
      have.settings < wish.settings || have.client != wish.client) {
    return false;
  }
  // A connection logged in with an older password is still the user's, but only a password proven
  // equal may be given it.
  if (have.credentials != wish.credentials && !(*have.credentials == *wish.credentials))
    return false;
  return can_repair(*connection.state(), *wish.state);
}

std::unique_ptr<BackendConnection> Pool::take_idle(const ConnectionWish& wish) {
  if (wish.fresh) return nullptr;
  // The newest first, so that those which a smaller load does not need grow old; but one that has
  // the session's state before one that would have to be told.
  auto& idle = servers_[wish.server].idle;
  auto best = idle.end();
  for (auto at = idle.end(); at != idle.begin();) {
    --at;
    if (!fits(*at, wish)) continue;
    if (at->connection.get() == wish.preferred) return take(wish.server, at);
    const bool equal = at->connection->state() == wish.state;
    if (equal || best == idle.end()) best = at;
    if (equal && wish.preferred == nullptr) break;
  }
  return best != idle.end() ? take(wish.server, best) : nullptr;
}

std::vector<Pool::Idle>::iterator Pool::find_unused_since(const CommandMark& mark) {
  auto& idle = servers_[mark.server].idle;
  return std::find_if(idle.begin(), idle.end(), [&](const Idle& candidate) {
    return candidate.connection->last_command() == mark;
  });
}

const BackendConnection* Pool::unused_since(const CommandMark& mark) {
  if (mark.session == 0) return nullptr;
  const auto found = find_unused_since(mark);
  return found != servers_[mark.server].idle.end() ? found->connection.get() : nullptr;
}

std::unique_ptr<BackendConnection> Pool::take_unused_since(const CommandMark& mark) {
  if (unused_since(mark) == nullptr) return nullptr;
  return take(mark.server, find_unused_since(mark));
}

std::unique_ptr<BackendConnection> Pool::take(std::size_t server,
                                              std::vector<Idle>::iterator idle) {
  auto connection = std::move(idle->connection);
  servers_[server].idle.erase(idle);
  return connection;
}

std::vector<Pool::Idle>::iterator Pool::find_idle(const BackendConnection& connection) {
  auto& idle = servers_[connection.server()].idle;
  return std::find_if(idle.begin(), idle.end(), [&](const Idle& candidate) {
    return candidate.connection.get() == &connection;
  });
}

bool Pool::may_be_kept(const BackendConnection& connection) const {
  return connection.ready() && connection.idle() && connection.queued() == 0 &&
         !connection.in_transaction() && !connection.doomed() && !context_.draining &&
         context_.loop_time() < connection.options().expires;
}

void Pool::give_back(std::unique_ptr<BackendConnection> connection) {
  if (connection == nullptr) return;
  if (!may_be_kept(*connection)) return discard(std::move(connection));
  const std::size_t server = connection->server();
  connection->set_user(*this);
  connection->resume();
  servers_[server].idle.push_back({std::move(connection), context_.loop_time()});
  if (context_.process->slots->waiting(server) > 0) serve_waiting_later();
}

void Pool::discard(std::unique_ptr<BackendConnection> connection) {
  if (connection == nullptr) return;
  --servers_[connection->server()].open;
  if (!closing_ && connection->close_after_harvest(*this)) {
    parting_.push_back({std::move(connection), context_.loop_time()});
  } else {
    destroy(std::move(connection));
  }
}

void Pool::destroy(std::unique_ptr<BackendConnection> connection) {
  connection->close();
  context_.deferred->destroy(std::move(connection));
}

// --- requests ------------------------------------------------------------------------------------

void Pool::request(PoolWaiter& waiter, const ConnectionWish& wish) {
  requests_.push_back(
      std::make_unique<Request>(Request{&waiter, wish, context_.loop_time(), nullptr, false}));
  ++context_.work[wish.server].queued;
  try_open(*requests_.back());
}

void Pool::try_open(Request& request) {
  if (!servers_[request.wish.server].damper.may_try(context_.loop_time())) {
    request.hopeless = true;
    return serve_waiting_later();
  }
  ServerSlot slot = context_.process->slots->take(request.wish.server);
  if (!slot && make_room(request.wish.server)) {
    slot = context_.process->slots->take(request.wish.server);
  }
  if (slot) return open(request, std::move(slot));
  servers_[request.wish.server].damper.gave_up();
  set_waiting(request, true);
}

// Tells one of those for whom not even a try was made. False when there is none.
bool Pool::serve_hopeless() {
  const auto found = std::find_if(requests_.begin(), requests_.end(),
                                  [](const auto& request) { return request->hopeless; });
  if (found == requests_.end()) return false;
  const auto request = remove(found);
  const std::size_t server = request->wish.server;
  request->waiter->on_no_connection(
      server, {BackendFailure::Kind::unreachable, servers_[server].damper.why(), {}});
  return true;
}

// What a server answers to a login says that it can be reached.
void Pool::note_failure(std::size_t server, const BackendFailure& failure) {
  ConnectDamper& damper = servers_[server].damper;
  if (failure.kind == BackendFailure::Kind::unreachable ||
      failure.kind == BackendFailure::Kind::lost) {
    damper.failed(context_.loop_time(), failure.text, context_.random());
  } else {
    damper.succeeded();
  }
}

void Pool::open(Request& request, ServerSlot slot) {
  set_waiting(request, false);
  const ConnectionWish& wish = request.wish;
  const ServerState& server = context_.topology->servers[wish.server];
  const auto max_age = std::chrono::duration_cast<Clock::duration>(context_.config().pool.max_age);
  BackendConnection::Options options;
  options.server = wish.server;
  options.server_name = server.name;
  options.address = server.address;
  options.credentials = wish.credentials;
  options.schema = wish.state->schema();
  options.collation = wish.collation;
  options.capabilities = wish.capabilities;
  options.compression = server.compression;
  options.proxy_protocol = server.proxy_protocol;
  options.client = wish.client;
  options.shared = context_.compression;
  options.tls = context_.process->tls.servers();
  options.tls_optional = context_.config().tls.server.mode == ServerTlsMode::preferred;
  options.tls_shared = context_.tls;
  options.tls_ticket = &context_.tls_tickets[wish.server];
  options.settings = context_.process->settings_version.load();
  // Connections that were opened together do not have to be replaced together.
  options.expires = context_.loop_time() + max_age - max_age / 1000 * (context_.random() % 100);
  request.opening = std::make_unique<BackendConnection>(
      context_.loop, *context_.buffer, context_.states, std::move(options), std::move(slot));
  ++servers_[wish.server].open;
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

// Makes a place free on a server: of the idle connections, of which none fits here, the one that
// nobody has used for longest; else one that a session holds for its own comfort.
bool Pool::make_room(std::size_t server) {
  auto& idle = servers_[server].idle;
  if (!idle.empty()) {
    discard(take(server, idle.begin()));
    return true;
  }
  ask_lenders(server);  // whoever waits is served later
  return false;
}

// Makes a connection idle that a session could do without. False when there is none.
bool Pool::ask_lenders(std::size_t server) {
  const TimePoint now = context_.loop_time();
  const auto lender = std::find_if(lenders_.begin(), lenders_.end(), [&](const PoolLender* one) {
    return one->lent_server() == server && one->keeps_until() <= now;
  });
  if (lender == lenders_.end()) return false;
  (*lender)->give_up_lent();
  return true;
}

void Pool::set_waiting(Request& request, bool waiting) {
  if (std::exchange(request.counted, waiting) == waiting) return;
  if (waiting) {
    context_.process->slots->begin_wait(request.wish.server);
  } else {
    context_.process->slots->end_wait(request.wish.server);
  }
}

std::unique_ptr<Pool::Request> Pool::remove(std::vector<std::unique_ptr<Request>>::iterator at) {
  auto request = std::move(*at);
  requests_.erase(at);
  --context_.work[request->wish.server].queued;
  set_waiting(*request, false);
  return request;
}

void Pool::cancel(PoolWaiter& waiter) {
  const auto found = std::find_if(requests_.begin(), requests_.end(),
                                  [&](const auto& request) { return request->waiter == &waiter; });
  if (found == requests_.end()) return;
  if ((*found)->opening != nullptr) servers_[(*found)->wish.server].damper.gave_up();
  discard(std::move(remove(found)->opening));
}

// Not from inside the call that gives a connection back: its session may be in the middle of
// something.
void Pool::serve_waiting_later() {
  if (std::exchange(serving_later_, true)) return;
  context_.deferred->call([this] {
    serving_later_ = false;
    serve_waiting();
  });
}

// Those who wait get what has become idle, or the place of what has been closed.
void Pool::serve_waiting() {
  while (serve_hopeless()) continue;
  for (std::size_t i = 0; i < requests_.size();) {
    Request& request = *requests_[i];
    if (request.opening != nullptr || request.hopeless) {
      ++i;
    } else if (auto connection = take_idle(request.wish)) {
      const auto served = remove(requests_.begin() + static_cast<std::ptrdiff_t>(i));
      served->waiter->on_connection(std::move(connection));
      i = 0;  // whatever that did, it may have changed the list
    } else {
      try_open(request);
      ++i;
    }
  }
  for (std::size_t server = 0; server < servers_.size(); ++server) yield_to_others(server);
}

// While another worker waits for a place, this one keeps its share, and what it has just used.
void Pool::yield_to_others(std::size_t server) {
  const ServerSlots& slots = *context_.process->slots;
  auto& idle = servers_[server].idle;
  while (slots.waiting(server) > 0 && (!idle.empty() || ask_lenders(server))) {
    if (idle.empty()) return;  // it was not fit to be kept, and so its place is free
    const bool spare = servers_[server].open > slots.fair_share(server) ||
                       context_.loop_time() - idle.front().since >= kSpared;
    if (!spare) return;
    discard(take(server, idle.begin()));
  }
}

void Pool::on_slots_changed() {
  serve_waiting();
}

// --- news of connections -------------------------------------------------------------------------

void Pool::on_backend_ready(BackendConnection& connection) {
  const auto found = std::find_if(requests_.begin(), requests_.end(), [&](const auto& request) {
    return request->opening.get() == &connection;
  });
  auto request = remove(found);
  servers_[connection.server()].damper.succeeded();
  request->waiter->on_connection(std::move(request->opening));
}

void Pool::on_backend_failed(BackendConnection& connection, const BackendFailure& failure) {
  const auto found = std::find_if(requests_.begin(), requests_.end(), [&](const auto& candidate) {
    return candidate->opening.get() == &connection;
  });
  if (found != requests_.end()) {
    auto failed = remove(found);
    note_failure(connection.server(), failure);
    discard(std::move(failed->opening));
    failed->waiter->on_no_connection(failed->wish.server, failure);
    return;
  }
  const auto parting = std::find_if(parting_.begin(), parting_.end(), [&](const Idle& candidate) {
    return candidate.connection.get() == &connection;
  });
  if (parting != parting_.end()) return end_parting(parting);
  const auto idle = find_idle(connection);
  if (idle == servers_[connection.server()].idle.end()) return;
  spdlog::debug("idle connection to {} ended: {}", connection.options().server_name, failure.text);
  discard(take(connection.server(), idle));
}

void Pool::end_parting(std::vector<Idle>::iterator parting) {
  auto connection = std::move(parting->connection);
  parting_.erase(parting);
  destroy(std::move(connection));
}

// --- time ----------------------------------------------------------------------------------------

void Pool::tick() {
  const TimePoint now = context_.loop_time();
  expire_requests(now);
  expire_idle(now);
  expire_parting(now);
  serve_waiting();
}

void Pool::expire_requests(TimePoint now) {
  const Milliseconds timeout = context_.config().pool.queue_timeout;
  for (;;) {
    const auto late = std::find_if(requests_.begin(), requests_.end(), [&](const auto& request) {
      return now - request->begun >= timeout;
    });
    if (late == requests_.end()) return;
    auto request = remove(late);
    BackendFailure failure;
    failure.kind =
        request->opening ? BackendFailure::Kind::unreachable : BackendFailure::Kind::full;
    failure.text = fmt::format("no answer to the login within {} ms", timeout.count());
    if (request->opening) note_failure(request->wish.server, failure);
    discard(std::move(request->opening));
    request->waiter->on_no_connection(request->wish.server, failure);
  }
}

bool Pool::is_drained(std::size_t server) const {
  const auto& servers = context_.topology->servers;
  return server < servers.size() &&
         (servers[server].health == Health::drained || servers[server].origin == Origin::left);
}

// The newest min_idle of each server stay, however long nobody has used them.
void Pool::expire_idle(TimePoint now) {
  const PoolConfig& config = context_.config().pool;
  for (std::size_t server = 0; server < servers_.size(); ++server) {
    auto& idle = servers_[server].idle;
    for (std::size_t i = 0; i < idle.size();) {
      const bool spared = idle.size() - i <= config.min_idle;
      const bool old = now >= idle[i].connection->options().expires || context_.draining ||
                       is_drained(server) ||
                       (now - idle[i].since >= config.idle_timeout && !spared);
      if (old) {
        discard(take(server, idle.begin() + static_cast<std::ptrdiff_t>(i)));
      } else {
        ++i;
      }
    }
  }
}

// A server that does not answer any more has no place to keep.
void Pool::expire_parting(TimePoint now) {
  while (!parting_.empty() &&
         now - parting_.front().since >= context_.config().pool.queue_timeout) {
    end_parting(parting_.begin());
  }
}

}  // namespace weir
