#include "proxy/app.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <uv.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include "protocol/auth/rsa_key.h"
#include "proxy/admin/admin_server.h"
#include "proxy/http/http_server.h"
#include "proxy/monitor/monitor.h"
#include "proxy/process_memory.h"
#include "proxy/session/client_session.h"
#include "proxy/session/status_survey.h"
#include "proxy/worker.h"

namespace weir {
namespace {

// How long sessions may take to end after the first SIGTERM.
constexpr std::uint64_t kDrainMilliseconds = 30000;

constexpr std::uint64_t kMemoryMilliseconds = 100;

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// As servers have it: accounts say who may come in.
constexpr mode_t kForEverybody = 0777;

// Every worker gets a socket of its own for each address.
std::vector<std::vector<ListenSocket>> open_sockets(const Config& config, unsigned workers) {
  std::vector<std::vector<ListenSocket>> sockets(workers);
  for (const Endpoint& address : config.listen.mysql) {
    for (unsigned i = 0; i < workers; ++i) {
      const bool copies = address.is_unix() && i > 0;
      sockets[i].push_back(copies ? sockets[0].back().duplicate()
                                  : ListenSocket::open(address, workers > 1, kForEverybody));
    }
  }
  return sockets;
}

std::vector<std::size_t> server_limits(const Config& config) {
  std::vector<std::size_t> limits;
  for (const ServerConfig& server : config.servers) limits.push_back(server.max_connections);
  limits.resize(server_capacity(config));  // no limit for those that are discovered
  return limits;
}

bool is_local(const Endpoint& address) {
  return address.is_unix() || address.host == "localhost" || address.host == "::1" ||
         address.host.starts_with("127.");
}

void warn_of_unverified_servers(const Config& config) {
  const ServerTlsMode mode = config.tls.server.mode;
  if (mode == ServerTlsMode::verify_ca || mode == ServerTlsMode::verify_identity) return;
  if (std::all_of(config.servers.begin(), config.servers.end(),
                  [](const ServerConfig& server) { return is_local(server.address); })) {
    return;
  }
  spdlog::warn(
      "servers on other machines are not verified: whoever can redirect the network between them "
      "and weir can read and change everything; see tls.server.mode");
}

void warn_of_open_http(const Config& config) {
  const std::optional<Endpoint>& http = config.listen.http;
  if (!http || is_local(*http) || !config.auth.http_token.empty()) return;
  spdlog::warn(
      "HTTP on {} is open to other machines: whoever reaches it may read the metrics and the state "
      "of the servers; set auth.http_token (or _file, _env), or listen on 127.0.0.1",
      http->to_string());
}

class App {
 public:
  App(std::shared_ptr<const Config> config, std::string config_file)
      : config_(std::move(config)),
        config_file_(std::move(config_file)),
        accounts_(config_),
        slots_(server_limits(*config_)),
        drained_servers_(server_capacity(*config_)),
        strangers_(config_->limits),
        memory_(config_->limits.memory),
        process_(config_->routing.spill_limit) {}

  int run();

 private:
  void start_workers();
  void start_console(ConsoleDoor door);
  void watch(uv_signal_t& handle, int number);
  void on_signal(int number);
  void watch_memory();
  void look_at_memory();
  void reload_certificates();
  void start_firewall();
  void on_drained();

  std::shared_ptr<const Config> config_;
  const std::string config_file_;
  AccountStore accounts_;
  ServerSlots slots_;
  DrainedServers drained_servers_;
  SessionDirectory directory_;
  StrangerLimits strangers_;
  MemoryBudget memory_;
  std::unique_ptr<Firewall> firewall_;  // null: nobody has one
  std::optional<protocol::RsaKey> rsa_key_;
  ProcessContext process_;
  std::unique_ptr<AdminServer> console_;  // null: there is none
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<http::HttpServer> http_;  // null without listen.http
  std::unique_ptr<Monitor> monitor_;
  std::thread reaper_;  // waits for the workers once they drain
  uv_loop_t loop_;
  uv_signal_t signals_[3];
  uv_timer_t drain_timer_;
  uv_timer_t memory_timer_;
  std::atomic<bool> making_room_{false};  // a session is being looked for, or its memory freed
  uv_async_t drained_;
};

void App::start_firewall() {
  if (!config_->uses_firewall()) return;
  firewall_ = std::make_unique<Firewall>(config_->firewall.file,
                                         config_->uses_firewall(FirewallMode::learn));
  process_.firewall = firewall_.get();
}

void App::start_workers() {
  const unsigned count = worker_count(*config_);
  for (auto& sockets : open_sockets(*config_, count)) {
    workers_.push_back(std::make_unique<Worker>(process_, std::move(sockets)));
    slots_.watch([worker = workers_.back().get()] { worker->look_for_room(); });
  }
  for (auto& worker : workers_) worker->start();
  std::string addresses;
  for (const Endpoint& address : config_->listen.mysql) addresses += " " + address.to_string();
  spdlog::info("listening on{} with {} worker{}", addresses, count, count == 1 ? "" : "s");
}

void App::start_console(ConsoleDoor door) {
  const std::string address = door.socket.address().to_string();
  console_ = std::make_unique<AdminServer>(
      AdminTargets{process_, drained_servers_, [this] { monitor_->judge_again(); }},
      std::move(door));
  console_->start();
  spdlog::info("admin console on {}", address);
}

int App::run() {
  const std::string& pem = config_->auth.rsa_key;
  rsa_key_ = pem.empty() ? protocol::RsaKey::generate() : protocol::RsaKey::from_pem(pem);
  if (!rsa_key_) throw std::runtime_error("cannot make an RSA key: OpenSSL refuses");
  process_.config = config_;
  process_.accounts = &accounts_;
  process_.slots = &slots_;
  process_.directory = &directory_;
  process_.strangers = &strangers_;
  process_.memory = &memory_;
  for (const std::string& text : config_->listen.proxy_protocol) {
    if (const auto network = parse_network(text)) process_.proxies.push_back(*network);
  }
  process_.rsa_key = &*rsa_key_;
  process_.tls.load(config_->tls);
  start_firewall();
  warn_of_unverified_servers(*config_);
  warn_of_open_http(*config_);

  // Every door that cannot be opened ends the start, so all of them come before the loop.
  auto console = open_console(*config_, config_file_);
  if (config_->listen.http) {
    http_ =
        std::make_unique<http::HttpServer>(*config_->listen.http, process_, worker_count(*config_));
    http_->start();
  }
  start_workers();
  monitor_ = std::make_unique<Monitor>(
      config_,
      [this](std::shared_ptr<const Topology> topology) {
        for (auto& worker : workers_) worker->publish(topology);
        process_.topology.publish(topology);  // who sees it here knows that all workers get it
      },
      spdlog::default_logger(), &process_.routine_changes, &drained_servers_);
  monitor_->start();
  if (console) start_console(std::move(*console));

  uv_loop_init(&loop_);
  drained_.data = drain_timer_.data = this;
  uv_timer_init(&loop_, &drain_timer_);
  uv_async_init(&loop_, &drained_,
                [](uv_async_t* handle) { static_cast<App*>(handle->data)->on_drained(); });
  watch(signals_[0], SIGTERM);
  watch(signals_[1], SIGINT);
  watch(signals_[2], SIGHUP);
  watch_memory();
  uv_run(&loop_, UV_RUN_DEFAULT);

  if (http_) http_->stop();
  if (reaper_.joinable()) reaper_.join();
  if (console_ != nullptr) console_->stop();
  monitor_->stop();
  firewall_.reset();  // what was learnt is in the file then
  uv_loop_close(&loop_);
  spdlog::info("stopped");
  return 0;
}

void App::watch(uv_signal_t& handle, int number) {
  uv_signal_init(&loop_, &handle);
  handle.data = this;
  uv_signal_start(
      &handle, [](uv_signal_t* signal, int n) { static_cast<App*>(signal->data)->on_signal(n); },
      number);
}

void App::watch_memory() {
  uv_timer_init(&loop_, &memory_timer_);
  memory_timer_.data = this;
  if (!memory_.limited()) return;
  uv_timer_start(
      &memory_timer_, [](uv_timer_t* timer) { static_cast<App*>(timer->data)->look_at_memory(); },
      kMemoryMilliseconds, kMemoryMilliseconds);
}

// One session at a time. The figure that decides on the next one is taken when all that the last
// one held has been given back.
void App::look_at_memory() {
  const bool making_room = making_room_;
  memory_.measured(memory_in_use(memory_.least_of_interest()));
  if (memory_.suffices() || making_room) return;
  making_room_ = true;
  find_largest_session(directory_, [this](LargestSession largest) {
    const bool found = directory_.visit(largest.id, [this](ClientSession* session) {
      if (session != nullptr) session->run_out_of_memory();
      // Workers free what has ended before they take orders again.
      directory_.visit_workers([](std::size_t) {}, [](SessionHost&, std::size_t) {},
                               [this] { making_room_ = false; });
    });
    if (!found) making_room_ = false;
  });
}

// Who is connected stays so with what was agreed on.
void App::reload_certificates() {
  try {
    process_.tls.load(config_->tls);
    spdlog::info(
        "SIGHUP: the files of [tls.client] and [tls.server] were read again; everything "
        "else of the configuration, but for firewall.file, is read at start only");
  } catch (const std::exception& error) {
    spdlog::error("SIGHUP: the certificates in use stay: {}", error.what());
  }
}

// The first signal lets what is under way finish, the second does not.
void App::on_signal(int number) {
  if (number == SIGHUP) {
    reload_certificates();
    if (firewall_ != nullptr) firewall_->reload();
    return;
  }
  if (reaper_.joinable()) {
    spdlog::warn("second signal: ending all sessions now");
    for (auto& worker : workers_) worker->stop();
    return;
  }
  spdlog::info("draining: sessions end with their transactions, at the latest in {} s",
               kDrainMilliseconds / 1000);
  process_.draining = true;
  for (auto& worker : workers_) worker->drain();
  uv_timer_start(
      &drain_timer_,
      [](uv_timer_t* timer) {
        spdlog::warn("drain deadline passed: ending the sessions that are left");
        for (auto& worker : static_cast<App*>(timer->data)->workers_) worker->stop();
      },
      kDrainMilliseconds, 0);
  reaper_ = std::thread([this] {
    for (auto& worker : workers_) worker->join();
    uv_async_send(&drained_);
  });
}

void App::on_drained() {
  for (uv_signal_t& signal : signals_) uv_close(reinterpret_cast<uv_handle_t*>(&signal), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&drain_timer_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&memory_timer_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&drained_), nullptr);
}

}  // namespace

int run_proxy(std::shared_ptr<const Config> config, const std::string& config_file) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  return App(std::move(config), config_file).run();
}

}  // namespace weir
