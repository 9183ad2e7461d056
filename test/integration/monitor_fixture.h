// What the monitor's integration tests share: the cluster that they break and put right again, a
// monitor that is watched, and a writer whose lag is known independently.

#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <sstream>
#include <thread>

#include <spdlog/sinks/ostream_sink.h>

#include "proxy/monitor/monitor.h"
#include "test/support/catch.h"
#include "test/support/cluster.h"
#include "test/support/finally.h"

namespace weir::test {

using namespace std::chrono_literals;

inline constexpr auto kDeadline = 40s;

// A configuration with the cluster's servers, and a monitor that is quicker than usual.
inline std::shared_ptr<Config> monitor_config(const Cluster& cluster) {
  auto config = std::make_shared<Config>();
  for (int n = 1; n <= 3; ++n) {
    ServerConfig server;
    server.name = "db" + std::to_string(n);
    server.address = {"127.0.0.1", cluster.port(n), ""};
    config->servers.push_back(server);
  }
  config->monitor.user = cluster.value("MONITOR_USER");
  config->monitor.password = cluster.value("MONITOR_PASSWORD");
  config->monitor.interval = 100ms;
  config->monitor.timeout = 600ms;
  config->monitor.max_lag = 1500ms;
  return config;
}

// A running monitor and what it published last.
class Watch {
 public:
  explicit Watch(std::shared_ptr<const Config> config)
      : sink_(std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)),
        monitor_(
            std::move(config), [this](auto topology) { take(std::move(topology)); },
            std::make_shared<spdlog::logger>("test", sink_)) {
    monitor_.start();
  }
  ~Watch() { monitor_.stop(); }

  std::shared_ptr<const Topology> now() {
    const std::lock_guard lock(mutex_);
    return topology_;
  }
  template <class Condition>
  bool until(Condition condition, Milliseconds deadline = kDeadline) {
    std::unique_lock lock(mutex_);
    const bool met =
        news_.wait_for(lock, deadline, [&] { return topology_ && condition(*topology_); });
    if (!met && topology_) UNSCOPED_INFO("\n" << print_topology(*topology_));
    return met;
  }
  bool until_all_up() {
    return until([](const Topology& t) {
      return t.primary == 0u && t.servers[0].health == Health::up && t.servers[1].serves_reads() &&
             t.servers[2].serves_reads();
    });
  }
  bool until_health(std::size_t server, Health health) {
    return until([=](const Topology& t) { return t.servers[server].health == health; });
  }
  std::string why(std::size_t server) { return now()->servers[server].why; }
  std::uint64_t publications() { return now() ? now()->version : 0; }
  void stop() { monitor_.stop(); }
  std::string log() {
    stop();
    return log_.str();
  }

 private:
  void take(std::shared_ptr<const Topology> topology) {
    const std::lock_guard lock(mutex_);
    topology_ = std::move(topology);
    news_.notify_all();
  }

  std::ostringstream log_;
  std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::shared_ptr<const Topology> topology_;
  Monitor monitor_;
};

// Writes the test's own clock to the primary, a hundred times per second.
class Writer {
 public:
  explicit Writer(const Cluster& cluster) : cluster_(cluster) {
    cluster.sql(
        1, {"CREATE DATABASE IF NOT EXISTS weir_monitor_test",
            "CREATE TABLE IF NOT EXISTS weir_monitor_test.clock (id INT PRIMARY KEY, ms BIGINT)",
            "REPLACE INTO weir_monitor_test.clock VALUES (1, " + std::to_string(ms()) + ")"});
    thread_ = std::thread([this] {
      while (!stopping_) {
        cluster_.sql(1, {"UPDATE weir_monitor_test.clock SET ms = " + std::to_string(ms())});
        std::this_thread::sleep_for(10ms);
      }
    });
  }
  ~Writer() {
    stopping_ = true;
    thread_.join();
  }
  // How old the newest row is that a replica shows.
  long lag_of(int n) const {
    return ms() - std::stol(cluster_.sql(n, {"SELECT ms FROM weir_monitor_test.clock"}));
  }

 private:
  static long ms() {
    return static_cast<long>(
        std::chrono::duration_cast<Milliseconds>(Clock::now().time_since_epoch()).count());
  }
  const Cluster& cluster_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

inline bool has(const std::string& text, const std::string& part) {
  UNSCOPED_INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace weir::test
