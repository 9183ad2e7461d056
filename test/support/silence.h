// A server that nobody hears from any more, while its connections stay: what a cut cable, a lost
// route or a firewall makes of it.
//
// In a network of the test's own (WEIR_OWN_NETWORK, see scripts/test) packets are dropped without a
// word. Elsewhere the server's process is stopped instead, which looks the same from weir's side
// but for the kernel's acknowledgements, and works in both directions only.

#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "test/support/cluster.h"

namespace weir::test {

class Silence {
 public:
  enum class Of : std::uint8_t { both_directions, answers };

  static bool has_own_network() { return std::getenv("WEIR_OWN_NETWORK") != nullptr; }

  explicit Silence(const Cluster& cluster, int n, Of of = Of::both_directions)
      : cluster_(cluster), n_(n), of_(of) {
    change("-I");
  }
  ~Silence() {
    try {
      end();
    } catch (const std::exception&) {
      // The tests that follow will say so.
    }
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

  void end() {
    if (over_) return;
    over_ = true;
    change("-D");
  }

 private:
  void change(const std::string& action) const {
    if (!has_own_network()) {
      cluster_.kill(n_, action == "-I" ? "STOP" : "CONT");
      return;
    }
    const std::string port = std::to_string(cluster_.port(n_));
    rule(action, "--sport " + port);
    if (of_ == Of::both_directions) rule(action, "--dport " + port);
  }
  static void rule(const std::string& action, const std::string& packets) {
    const std::string command =
        "iptables -w " + action + " INPUT -i lo -p tcp " + packets + " -j DROP";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }

  const Cluster& cluster_;
  const int n_;
  const Of of_;
  bool over_ = false;
};

}  // namespace weir::test
