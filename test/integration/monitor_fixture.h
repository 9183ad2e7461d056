// What the monitor's integration tests share: the cluster that they break and put right again, a
// monitor that is watched, and a writer whose lag is known independently.
//
// WEIR_TEST_CLUSTER names the folder of a running cluster (see test/cluster). WEIR_CLUSTER_TOOL:
// the launcher, when the tests do not run in the source folder.

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <mysql.h>
#include <spdlog/sinks/ostream_sink.h>

#include "proxy/monitor/monitor.h"
#include "test/support/catch.h"

namespace weir::test {

using namespace std::chrono_literals;

inline constexpr auto kDeadline = 40s;

class Cluster {
 public:
  Cluster() {
    const char* dir = std::getenv("WEIR_TEST_CLUSTER");
    REQUIRE(dir != nullptr);
    dir_ = dir;
    std::ifstream file(dir_ + "/cluster.env");
    REQUIRE(file);
    for (std::string line; std::getline(file, line);) {
      if (const auto at = line.find('='); at != std::string::npos) {
        values_[line.substr(0, at)] = line.substr(at + 1);
      }
    }
  }

  const std::string& value(const std::string& key) const { return values_.at(key); }
  bool mariadb() const { return value("FLAVOR") == "mariadb"; }
  std::uint16_t port(int n) const {
    return static_cast<std::uint16_t>(std::stoi(value("DB" + std::to_string(n) + "_PORT")));
  }

  std::shared_ptr<Config> config() const {
    auto config = std::make_shared<Config>();
    for (int n = 1; n <= 3; ++n) {
      ServerConfig server;
      server.name = "db" + std::to_string(n);
      server.address = {"127.0.0.1", port(n), ""};
      config->servers.push_back(server);
    }
    config->monitor.user = value("MONITOR_USER");
    config->monitor.password = value("MONITOR_PASSWORD");
    config->monitor.interval = 100ms;
    config->monitor.timeout = 600ms;
    config->monitor.max_lag = 1500ms;
    return config;
  }

  // Runs statements as root; the first column of the first row of the last one.
  std::string sql(int n, const std::vector<std::string>& statements) const;

  // In MySQL's present words; MariaDB 10.11 knows all of these but the options of CHANGE.
  void replication(int n, const std::string& what) const { sql(n, {what}); }
  void delay(int n, int seconds) const {
    const std::string change = mariadb() ? "CHANGE MASTER TO MASTER_DELAY = "
                                         : "CHANGE REPLICATION SOURCE TO SOURCE_DELAY = ";
    sql(n, {"STOP REPLICA SQL_THREAD"});
    if (mariadb()) sql(n, {"STOP REPLICA"});
    sql(n, {change + std::to_string(seconds), "START REPLICA"});
  }
  void read_only(int n, bool on) const {
    if (mariadb()) {
      sql(n, {std::string("SET GLOBAL read_only = ") + (on ? "1" : "0")});
    } else {
      sql(n, {on ? "SET GLOBAL super_read_only = 1" : "SET GLOBAL read_only = 0"});
    }
  }

  void catch_up() const { tool("catch-up"); }
  void tool(const std::string& arguments) const {
    const char* path = std::getenv("WEIR_CLUSTER_TOOL");
    const std::string command = (path != nullptr ? path : "test/cluster") + (" " + arguments) +
                                " --dir " + dir_ + " >/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }

 private:
  std::string dir_;
  std::map<std::string, std::string> values_;
};

// A connection of root's to one server.
class Session {
 public:
  Session(const Cluster& cluster, int n)
      : name_("db" + std::to_string(n)), mysql_(mysql_init(nullptr)) {
    const unsigned tcp = MYSQL_PROTOCOL_TCP;
    mysql_options(mysql_, MYSQL_OPT_PROTOCOL, &tcp);
    check(mysql_real_connect(mysql_, "127.0.0.1", cluster.value("ROOT_USER").c_str(),
                             cluster.value("ROOT_PASSWORD").c_str(), nullptr, cluster.port(n),
                             nullptr, 0) != nullptr,
          "login");
  }
  ~Session() { mysql_close(mysql_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The first column of the first row; empty when there is none.
  std::string run(const std::string& statement) {
    check(mysql_query(mysql_, statement.c_str()) == 0, statement);
    std::string first;
    if (MYSQL_RES* result = mysql_store_result(mysql_)) {
      const MYSQL_ROW row = mysql_fetch_row(result);
      if (row != nullptr && row[0] != nullptr) first = row[0];
      mysql_free_result(result);
    }
    return first;
  }
  // Does not wait for the answer.
  void send(const std::string& statement) {
    check(mysql_send_query(mysql_, statement.data(), statement.size()) == 0, statement);
  }

 private:
  void check(bool good, const std::string& what) {
    if (!good) throw std::runtime_error(name_ + ": " + what + ": " + mysql_error(mysql_));
  }
  const std::string name_;
  MYSQL* mysql_;
};

inline std::string Cluster::sql(int n, const std::vector<std::string>& statements) const {
  Session session(*this, n);
  std::string first;
  for (const std::string& statement : statements) first = session.run(statement);
  return first;
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

// Puts something right at the end of a test, whatever happened in it.
template <class Action>
struct Finally {
  Action action;
  ~Finally() {
    try {
      action();
    } catch (const std::exception& error) {
      WARN("the cluster was not put right: " << error.what());
    }
  }
};
template <class Action>
Finally(Action) -> Finally<Action>;

inline bool has(const std::string& text, const std::string& part) {
  UNSCOPED_INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace weir::test
