// What the tests share in which the primary changes hands, or its history: a cluster that is whole
// at the beginning of each test, and sessions that write and know what they have written.

#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "test/support/catch.h"
#include "test/support/cluster.h"
#include "test/support/console.h"
#include "test/support/finally.h"
#include "test/support/good_end.h"
#include "test/support/until.h"
#include "test/support/weir_process.h"

namespace weir::test {

using namespace std::chrono_literals;

// Not with the all-powerful account: read_only does not bind that one, so its writes on a former
// primary would be the test's fault.
inline Client connect_writer(const Weir& weir) {
  return weir.connect("PLAIN", "app");
}

class FailoverTest : public GoodEnd {
 public:
  FailoverTest() {
    cluster.sql(1, {"DROP TABLE IF EXISTS app.writes, app.one",
                    "CREATE TABLE app.writes (id INT AUTO_INCREMENT PRIMARY KEY, session INT, n "
                    "INT, KEY (session, n))",
                    "CREATE TABLE app.one (id INT PRIMARY KEY, v INT)",
                    "INSERT INTO app.one VALUES (1, 0)"});
    cluster.catch_up();
  }
  ~FailoverTest() {
    try {
      if (ruined)
        rebuild();
      else
        cluster.tool("promote db1");
    } catch (const std::exception& error) {
      FAIL_CHECK("the cluster is not whole again: " << error.what());
    }
  }
  FailoverTest(const FailoverTest&) = delete;
  FailoverTest& operator=(const FailoverTest&) = delete;

  static WeirOptions options(const std::string& failover_wait = "60s") {
    WeirOptions options;
    options.sections["routing"] = "failover_wait = \"" + failover_wait + "\"\n";
    return with_console(options);
  }
  std::string id(int n) const { return cluster.value("DB" + std::to_string(n) + "_SERVER_ID"); }
  // Everything that a server has executed.
  std::string position(int n) const {
    return cluster.sql(n,
                       {cluster.mariadb() ? "SELECT @@GLOBAL.gtid_current_pos"
                                          : "SELECT REPLACE(@@GLOBAL.gtid_executed, '\\n', '')"});
  }

  Cluster cluster;
  // The servers have different histories, or one of them is gone: they are made anew after the
  // test.
  bool ruined = false;

 private:
  void rebuild() const {
    for (const int n : {1, 2, 3}) {
      try {
        cluster.kill(n, "CONT");
      } catch (const std::exception&) {
        continue;  // it does not run, which is fine
      }
    }
    cluster.tool("stop --wipe");
    cluster.tool("start --flavor " + cluster.value("FLAVOR"));
  }
};

// Sessions that write one number after the other, and read each of them back at once.
class Writers {
 public:
  Writers(const Weir& weir, int sessions) : weir_(weir) {
    for (int i = 0; i < sessions; ++i) threads_.emplace_back([this, i] { run(i); });
  }
  ~Writers() { finish(); }

  // Some more writes have been acknowledged, to all of the sessions together.
  bool go_on(long count = 100) {
    const long goal = acknowledged_ + count;
    return until([&] { return acknowledged_ >= goal || !failures().empty(); }) &&
           failures().empty();
  }
  void finish() {
    stopping_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  // What no session may ever see: errors other than those below.
  std::string failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  long acknowledged() const { return acknowledged_; }
  long refused() const { return refused_; }
  long unknown() const { return unknown_; }

  // Acknowledged, and not in a server's table: what replication has lost, when it may; one name in
  // each line. After finish(), as the next.
  std::string lost(const Cluster& cluster, int n) const { return judge(cluster, n).lost; }
  // What must not be, however much replication has lost: rows that are there twice or were refused,
  // and writes that are there and were not read back by their own session.
  std::string wrong(const Cluster& cluster, int n) const { return judge(cluster, n).wrong; }

 private:
  enum class Outcome : std::uint8_t { acknowledged, unknown };
  using Write = std::pair<int, int>;  // the session and its number
  struct Judgement {
    std::string lost;
    std::string wrong;
  };

  Judgement judge(const Cluster& cluster, int n) const {
    std::map<Write, int> rows;
    Client client = cluster.server(n);
    for (const auto& row : client.query("SELECT session, n FROM app.writes").rows)
      ++rows[{std::stoi(*row[0]), std::stoi(*row[1])}];
    Judgement judgement;
    for (const auto& [write, outcome] : outcomes_) {
      const int times = rows[write];
      if (times > 1) judgement.wrong += name(write) + " is there twice\n";
      if (times == 0 && outcome == Outcome::acknowledged) judgement.lost += name(write) + "\n";
      if (times > 0 && unseen_.count(write) > 0)
        judgement.wrong += name(write) + " was not read back\n";
      rows.erase(write);
    }
    for (const auto& [write, times] : rows)
      judgement.wrong += name(write) + " was refused, and is there\n";
    return judgement;
  }
  static std::string name(const Write& write) {
    return "write " + std::to_string(write.second) + " of session " + std::to_string(write.first);
  }
  void note(int session, int n, Outcome outcome) {
    ++(outcome == Outcome::acknowledged ? acknowledged_ : unknown_);
    const std::lock_guard lock(mutex_);
    outcomes_[{session, n}] = outcome;
  }
  void run(int session) {
    try {
      Client client = connect_writer(weir_);
      for (int n = 1; !stopping_; ++n) write_and_read(client, session, n);
    } catch (const std::exception& error) {
      const std::lock_guard lock(mutex_);
      failures_ += "session " + std::to_string(session) + ": " + error.what() + "\n";
    }
    mysql_thread_end();
  }
  void write_and_read(Client& client, int session, int n) {
    const std::string own = std::to_string(session), number = std::to_string(n);
    const std::string write =
        "INSERT INTO writes (session, n) VALUES (" + own + ", " + number + ")";
    Error error = client.error_of(write);
    // Not executed, in a server's own words: one that is not the primary any more, before weir has
    // seen it.
    for (; error.code == 1290 && !stopping_; error = client.error_of(write)) {
      ++refused_;
      std::this_thread::sleep_for(5ms);
    }
    if (error.code == 1290) return;
    if (error.code == 1158) {
      note(session, n, Outcome::unknown);
      client = connect_writer(weir_);
      return;
    }
    if (error.code != 0) throw std::runtime_error(error.text);
    note(session, n, Outcome::acknowledged);
    const std::string seen = client.value("SELECT MAX(n) FROM writes WHERE session = " + own);
    if (seen == number) return;
    const std::lock_guard lock(mutex_);
    unseen_.insert({session, n});
  }

  const Weir& weir_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::atomic<long> acknowledged_{0};
  std::atomic<long> refused_{0};
  std::atomic<long> unknown_{0};
  mutable std::mutex mutex_;
  // Guarded by mutex_ until finish().
  std::map<Write, Outcome> outcomes_;
  std::set<Write> unseen_;  // not read back
  std::string failures_;
};

}  // namespace weir::test
