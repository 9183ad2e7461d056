// A weir process in front of the test cluster.

#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "test/support/cluster.h"

namespace weir::test {

// What a configuration has beyond the listener, the cluster's servers and the monitor.
struct WeirOptions {
  std::map<std::string, std::string> sections = {};            // lines of TOML by section
  std::vector<std::string> users = {"APP", "PLAIN", "EMPTY"};  // listed accounts; none: passthrough
  std::string user_lines = {};               // further lines for each listed account
  std::string server_lines = {};             // and for each server
  std::map<int, std::string> lines_of = {};  // and for one of them, by its number
  std::vector<int> servers = {1, 2, 3};      // those of the cluster that are listed
  std::map<int, std::uint16_t> ports = {};   // where they are reached, if not at their own
  std::string host = "127.0.0.1";          // of the servers
  bool unix_socket = false;
  std::string http = {};  // address; "127.0.0.1:0": http_port() tells which one it is
  bool wait = true;       // until reads reach both replicas
};

class Weir {
 public:
  explicit Weir(const Cluster& cluster, WeirOptions options = {});
  // Ends it, with force when it does not go; stop() is the one to judge how it ended.
  ~Weir();
  Weir(const Weir&) = delete;
  Weir& operator=(const Weir&) = delete;

  std::uint16_t port() const { return port_; }
  std::string socket() const { return folder_ + "/weir.sock"; }
  std::uint16_t http_port() const;
  Login login(const std::string& account = "APP", const std::string& schema = "weir_test") const;
  Client connect(const std::string& account = "APP",
                 const std::string& schema = "weir_test") const {
    return Client(login(account, schema));
  }
  // Waits until a write reaches the primary and reads reach both replicas; throws when they do not.
  void wait_until_serving() const;
  // The server ids that some fresh sessions' reads are answered by.
  std::vector<int> readers(int sessions = 12) const;

  static constexpr int kStillRunning = -1000;

  bool running();
  void signal(int number) const;
  // Sends SIGTERM and waits. The exit code, minus the signal that ended it, or kStillRunning.
  int stop();
  // Waits for the end after a signal.
  int wait_for_end();
  std::string log() const;
  // What a sanitizer had to say; empty: nothing.
  std::string sanitizer_report() const;

 private:
  std::string configuration() const;
  void start();

  const Cluster& cluster_;
  const WeirOptions options_;
  std::string folder_;
  std::uint16_t port_;
  pid_t pid_ = -1;
  int exit_code_ = -1;
};

}  // namespace weir::test
