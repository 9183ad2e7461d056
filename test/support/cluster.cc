#include "test/support/cluster.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace weir::test {

Cluster::Cluster() {
  const char* dir = std::getenv("WEIR_TEST_CLUSTER");
  if (dir == nullptr)
    throw std::runtime_error("WEIR_TEST_CLUSTER does not name a cluster's folder");
  dir_ = dir;
  std::ifstream file(dir_ + "/cluster.env");
  if (!file) throw std::runtime_error("no cluster in " + dir_);
  for (std::string line; std::getline(file, line);) {
    if (const auto at = line.find('='); at != std::string::npos) {
      values_[line.substr(0, at)] = line.substr(at + 1);
    }
  }
}

std::uint16_t Cluster::port(int n) const {
  return static_cast<std::uint16_t>(std::stoi(value("DB" + std::to_string(n) + "_PORT")));
}

Login Cluster::login(const std::string& account, std::uint16_t port) const {
  Login login;
  login.user = value(account + "_USER");
  login.password = value(account + "_PASSWORD");
  login.port = port;
  return login;
}

std::string Cluster::sql(int n, const std::vector<std::string>& statements) const {
  Client client = server(n);
  std::string first;
  for (const std::string& statement : statements) {
    const Result result = client.query(statement);
    first = result.rows.empty() ? "" : result.value();
  }
  return first;
}

long Cluster::counter(int n, const std::string& name) const {
  Client client = server(n);
  return std::stol(client.query("SHOW GLOBAL STATUS LIKE '" + name + "'").rows.at(0).at(1).value());
}

void Cluster::catch_up() const {
  const std::string position =
      sql(1, {mariadb() ? "SELECT @@GLOBAL.gtid_current_pos"
                        : "SELECT REPLACE(@@GLOBAL.gtid_executed, '\\n', '')"});
  const std::string wait =
      mariadb() ? "SELECT MASTER_GTID_WAIT('" : "SELECT WAIT_FOR_EXECUTED_GTID_SET('";
  for (const int n : {2, 3}) {
    if (sql(n, {wait + position + "', 60)"}) != "0") {
      throw std::runtime_error("db" + std::to_string(n) + " does not catch up with " + position);
    }
  }
}

std::string Cluster::own_transactions(int n) const {
  // MariaDB names every server that ever wrote to this binary log: domain-server-number.
  const std::string own = mariadb() ? "-" + value("DB" + std::to_string(n) + "_SERVER_ID") + "-"
                                    : sql(n, {"SELECT @@server_uuid"}) + ":";
  const std::string all =
      sql(n, {mariadb() ? "SELECT @@GLOBAL.gtid_binlog_state" : "SELECT @@GLOBAL.gtid_executed"});
  return all.find(own) == std::string::npos ? "" : all;
}

void Cluster::delay(int n, int seconds) const {
  const std::string change = mariadb() ? "CHANGE MASTER TO MASTER_DELAY = "
                                       : "CHANGE REPLICATION SOURCE TO SOURCE_DELAY = ";
  sql(n, {"STOP REPLICA SQL_THREAD"});
  if (mariadb()) sql(n, {"STOP REPLICA"});
  sql(n, {change + std::to_string(seconds), "START REPLICA"});
}

void Cluster::read_only(int n, bool on) const {
  if (mariadb()) {
    sql(n, {std::string("SET GLOBAL read_only = ") + (on ? "1" : "0")});
  } else {
    sql(n, {on ? "SET GLOBAL super_read_only = 1" : "SET GLOBAL read_only = 0"});
  }
}

void Cluster::kill(int n, const std::string& signal) const {
  tool("kill --signal " + signal + " db" + std::to_string(n));
}

void Cluster::restart(int n) const {
  tool("restart db" + std::to_string(n));
  // Replicas wait a while before they call a new process; they are told not to.
  for (const int replica : {2, 3}) {
    if (n == replica) sql(replica, {"START REPLICA"});
    if (n == 1) sql(replica, {"STOP REPLICA", "START REPLICA"});
  }
}

void Cluster::tool(const std::string& arguments) const {
  const char* path = std::getenv("WEIR_CLUSTER_TOOL");
  const std::string command = (path != nullptr ? path : "test/cluster") + (" " + arguments) +
                              " --dir " + dir_ + " >/dev/null";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

}  // namespace weir::test
