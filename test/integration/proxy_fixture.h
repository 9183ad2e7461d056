// What the tests of the whole proxy share: the cluster, a schema of their own in it, and the
// judgement at the end of every test: weir has ended cleanly, and no replica has written anything
// by itself.

#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "test/support/catch.h"
#include "test/support/cluster.h"
#include "test/support/finally.h"
#include "test/support/good_end.h"
#include "test/support/until.h"
#include "test/support/weir_process.h"

namespace weir::test {

using namespace std::chrono_literals;

// For tests that start weir themselves.
class ClusterTest : public GoodEnd {
 public:
  ClusterTest() {
    cluster.sql(1, {"DROP DATABASE IF EXISTS weir_test", "CREATE DATABASE weir_test"});
    cluster.catch_up();
  }
  ~ClusterTest() {
    try {
      for (const int n : {2, 3}) {
        INFO("db" << n);
        CHECK(cluster.own_transactions(n) == "");
      }
    } catch (const std::exception& error) {
      FAIL_CHECK("the replicas' own transactions cannot be read: " << error.what());
    }
  }
  ClusterTest(const ClusterTest&) = delete;
  ClusterTest& operator=(const ClusterTest&) = delete;

  Cluster cluster;
};

// For tests that are content with weir's defaults.
class ProxyTest : public ClusterTest {
 public:
  ~ProxyTest() { end(weir); }

  // A table that all servers have.
  void table(const std::string& definition) {
    cluster.sql(1, {"USE weir_test", "CREATE TABLE " + definition});
    cluster.catch_up();
  }

  Weir weir{cluster};
};

inline bool is_replica(const std::string& server_id) {
  return server_id == "2" || server_id == "3";
}

// True once the session's reads are answered by a replica: after a write, the primary may answer
// for a while.
inline bool comes_to_a_replica(Client& client) {
  // With a table: MariaDB answers reads without one where the warnings of the statement before are.
  return until([&] { return is_replica(client.value("SELECT @@server_id FROM (SELECT 1) AS t")); });
}

// Runs the same thing in several threads and hands on what any of them throws.
template <class Work>
void in_parallel(int threads, Work work) {
  std::vector<std::thread> running;
  std::vector<std::string> failures(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      try {
        work(i);
      } catch (const std::exception& error) {
        failures[static_cast<std::size_t>(i)] = error.what();
      }
      mysql_thread_end();
    });
  }
  for (std::thread& thread : running) thread.join();
  for (const std::string& failure : failures) CHECK(failure == "");
}

}  // namespace weir::test
