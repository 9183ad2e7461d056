// The cluster that the integration tests run against. WEIR_TEST_CLUSTER names its folder (see
// test/cluster), WEIR_CLUSTER_TOOL the launcher, when the tests do not run in the source folder.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "test/support/client.h"

namespace weir::test {

class Cluster {
 public:
  // Reads cluster.env; throws when there is none.
  Cluster();

  const std::string& value(const std::string& key) const { return values_.at(key); }
  bool mariadb() const { return value("FLAVOR") == "mariadb"; }
  std::uint16_t port(int n) const;
  // An account of the cluster ("APP", "PLAIN") at a port; root on the server db`n` itself.
  Login login(const std::string& account, std::uint16_t port) const;
  Login root(int n) const { return login("ROOT", port(n)); }
  Client server(int n) const { return Client(root(n)); }

  // Runs statements as root on db`n`; the first column of the first row of the last one, or "".
  std::string sql(int n, const std::vector<std::string>& statements) const;
  // A global status variable.
  long counter(int n, const std::string& name) const;
  // Waits until both replicas have all that the primary has.
  void catch_up() const;
  // GTIDs that a server made itself, which a replica must never do. Empty: none.
  std::string own_transactions(int n) const;

  // In MySQL's present words; MariaDB 10.11 knows all of these but the options of CHANGE.
  void delay(int n, int seconds) const;
  void read_only(int n, bool on) const;
  void kill(int n, const std::string& signal) const;
  // Starts a killed server again. Replication begins anew where that is needed to be quick.
  void restart(int n) const;
  void tool(const std::string& arguments) const;

 private:
  std::string dir_;
  std::map<std::string, std::string> values_;
};

}  // namespace weir::test
