#include "proxy/worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "protocol/frame.h"
#include "protocol/response.h"
#include "proxy/core/worker_share.h"
#include "proxy/session/refusals.h"
#include "proxy/session/statement_kill.h"

namespace weir {
namespace {

constexpr std::uint64_t kTickMilliseconds = 100;

constexpr Milliseconds kBeat{30000};

// An instant of the past that all processes agree on whose clocks are right, in weir's own time.
TimePoint last_beat() {
  const auto since = std::chrono::system_clock::now().time_since_epoch() % kBeat;
  return Clock::now() - std::chrono::duration_cast<Clock::duration>(since);
}

}  // namespace

unsigned worker_count(const Config& config) {
  if (config.listen.workers > 0) return config.listen.workers;
  return std::max(1u, std::thread::hardware_concurrency());
}

Worker::Worker(ProcessContext& process, std::vector<ListenSocket> sockets)
    : process_(process), sockets_(std::move(sockets)) {
  if (uv_loop_init(&loop_) != 0) throw std::runtime_error("cannot create an event loop");
  uv_async_init(&loop_, &wake_,
                [](uv_async_t* handle) { static_cast<Worker*>(handle->data)->take_orders(); });
  wake_.data = this;
  uv_timer_init(&loop_, &timer_);
  timer_.data = this;
}

Worker::~Worker() {
  join();
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

// False when the loop takes no more orders.
bool Worker::give(const std::function<void(Orders&)>& order) {
  const std::lock_guard lock(mutex_);
  if (closing_) return false;  // libuv aborts the program when a loop that is gone is woken
  order(orders_);
  uv_async_send(&wake_);
  return true;
}

bool Worker::post(std::function<void()> action) {
  return give([&](Orders& orders) { orders.calls.push_back(std::move(action)); });
}

ClientSession* Worker::find_session(std::uint32_t id) {
  const auto found = sessions_.find(id);
  return found != sessions_.end() ? found->second.get() : nullptr;
}

// Sessions and their pins are counted when somebody asks, so that statements need not.
WorkerStatus Worker::status() {
  WorkerStatus status;
  status.workers = 1;
  status.sessions = sessions_.size();
  status.counters = context_.counters;
  status.pins.counts = context_.pins;
  for_each_session([&](ClientSession& session) { status.pins.add_session(session.pins()); });
  if (pool_) status.servers = pool_->loads();
  for (std::size_t i = 0; i < status.servers.size(); ++i) {
    status.servers[i].outstanding = context_.work[i].outstanding;
    if (admission_) admission_->describe(i, status.servers[i]);
  }
  return status;
}

void Worker::publish(std::shared_ptr<const Topology> topology) {
  give([&](Orders& orders) { orders.topology = std::move(topology); });
}

void Worker::drain() {
  give([](Orders& orders) { orders.drain = true; });
}

void Worker::stop() {
  give([](Orders& orders) { orders.stop = true; });
}

void Worker::look_for_room() {
  give([](Orders& orders) { orders.room = true; });
}

void Worker::run() {
  context_.loop = &loop_;
  context_.buffer = &buffer_;
  context_.compression = &compression_;
  context_.tls = &tls_;
  context_.process = &process_;
  context_.topology = std::make_shared<const Topology>();
  context_.work.resize(server_capacity(*process_.config));
  context_.tls_tickets = std::vector<TlsTicket>(server_capacity(*process_.config));
  context_.most_waits =
      worker_share(process_.config->routing.max_waits, worker_count(*process_.config));
  context_.rules = RuleSet::make(*process_.config);
  context_.counters.rule_matches.resize(process_.config->rules.size());
  context_.random_state ^= reinterpret_cast<std::uintptr_t>(this);
  deferred_.emplace(&loop_);
  context_.deferred = &*deferred_;
  begin_admission();
  pool_.emplace(context_);
  for (ListenSocket& socket : sockets_) {
    listeners_.push_back(std::make_unique<Listener>(
        &loop_, std::move(socket), buffer_,
        [this](std::unique_ptr<Stream> stream) { accept(std::move(stream)); }));
  }
  uv_timer_start(
      &timer_, [](uv_timer_t* handle) { static_cast<Worker*>(handle->data)->tick(); },
      kTickMilliseconds, kTickMilliseconds);
  process_.directory->add_worker(*this);
  uv_run(&loop_, UV_RUN_DEFAULT);

  pool_.reset();
  context_.admission = nullptr;
  deferred_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);  // the close callbacks of what was just closed
  uv_loop_close(&loop_);
  const WorkerCounters& counters = context_.counters;
  spdlog::info(
      "worker done: {} sessions, {} statements to the primary, {} to replicas, {} reads retried, "
      "{} "
      "reads behind a wait ({} in vain), {} answered by the primary in a replica's place, {} "
      "answered with an error of weir's own",
      counters.sessions, counters.routed.total(false), counters.routed.total(true),
      counters.retried_reads, counters.waits, counters.waits_in_vain,
      counters.answered_by_primary_instead, counters.failed_statements);
  if (!context_.pins.empty()) {
    spdlog::info("worker done: sessions pinned to the primary: {}", print_pins(context_.pins));
  }
}

void Worker::begin_admission() {
  const OverloadConfig& config = process_.config->overload;
  if (config.mode == OverloadMode::off) return;
  admission_.emplace(
      config, worker_count(*process_.config), context_.work, last_beat(),
      [this] { return context_.loop_time(); },
      [this] { deferred_->call([this] { admission_->serve(); }); });
  context_.admission = &*admission_;
}

void Worker::take_orders() {
  Orders orders;
  {
    const std::lock_guard lock(mutex_);
    orders = std::exchange(orders_, {});
  }
  if (orders.topology != nullptr) {
    context_.topology = std::move(orders.topology);
    for_each_session([](ClientSession& session) { session.on_topology_changed(); });
  }
  for (const auto& call : orders.calls) call();
  if (orders.room && pool_) pool_->on_slots_changed();
  if (orders.drain) begin_drain();
  if (orders.stop) end_all();
}

void Worker::accept(std::unique_ptr<Stream> stream) {
  if (process_.client_connections.fetch_add(1) >= process_.config->listen.max_connections) {
    process_.client_connections.fetch_sub(1);
    return turn_away(*stream, Refusal::full);
  }
  if (!process_.memory->takes_more()) {
    process_.client_connections.fetch_sub(1);
    return turn_away(*stream, Refusal::memory);
  }
  auto session = std::make_unique<ClientSession>(
      context_, *pool_, relay_, static_cast<SessionOwner&>(*this), std::move(stream));
  ClientSession& started = *session;
  sessions_.emplace(started.id(), std::move(session));
  process_.directory->add(started.id(), *this);
  started.start();
}

void Worker::turn_away(Stream& stream, Refusal why) {
  note_refusal(context_, why, stream.peer());
  stream.write(error_in_place_of_greeting(errors::too_many_connections()));
  stream.close_after_writing();
}

void Worker::on_session_closed(ClientSession& session) {
  const auto found = sessions_.find(session.id());
  if (found == sessions_.end()) return;
  process_.directory->remove(session.id());
  process_.client_connections.fetch_sub(1);
  deferred_->destroy(std::move(found->second));
  sessions_.erase(found);
  if (context_.draining && sessions_.empty()) close_handles();
}

void Worker::for_each_session(const std::function<void(ClientSession&)>& action) {
  // An action may end its session and others', so they are looked up again one by one.
  std::vector<std::uint32_t> all;
  all.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) all.push_back(id);
  for (const std::uint32_t id : all) {
    if (ClientSession* session = find_session(id)) action(*session);
  }
}

void Worker::begin_drain() {
  if (context_.draining) return;
  context_.draining = true;
  listeners_.clear();
  for_each_session([](ClientSession& session) { session.drain(); });
  if (sessions_.empty()) close_handles();
}

void Worker::end_all() {
  begin_drain();
  for_each_session([](ClientSession& session) { session.shut_down(); });
}

void Worker::tick() {
  const TimePoint now = context_.loop_time();
  for_each_session([now](ClientSession& session) { session.tick(now); });
  pool_->tick();
  if (admission_) admission_->tick();
  for (const auto& kill : std::vector(context_.kills)) kill->tick(now);
  judge_outliers(*context_.topology, context_.work, now);
}

// What keeps the loop running.
void Worker::close_handles() {
  if (std::exchange(handles_closed_, true)) return;
  for (const auto& kill : std::vector(context_.kills)) kill->stop();
  pool_->close_all();
  Stream::drop_farewells(&loop_);
  process_.directory->remove_worker(*this);
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    calls.swap(orders_.calls);
  }
  for (const auto& call : calls) call();  // others may wait for the answers
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
}

}  // namespace weir
