// One connection to a server through the client library, driven without blocking: every wait has a
// deadline in milliseconds and ends at once when the monitor stops.

#pragma once

#include <memory>
#include <string>

#include "protocol/capabilities.h"
#include "proxy/config/config.h"
#include "proxy/core/topology.h"
#include "proxy/monitor/server_reply.h"

struct st_mysql;

namespace weir {

// Used by one thread at a time.
class ServerConnection {
 public:
  // `wake_fd` becomes readable when the monitor stops; both have to outlive this object.
  ServerConnection(const ServerTlsConfig& tls, int wake_fd);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  struct Login {
    const Endpoint& address;
    const std::string& user;
    const std::string& password;
    bool proxy_protocol = false;  // see ServerConfig
  };
  // Number and text of what went wrong; number 0 when nothing did.
  struct Failure {
    unsigned error = 0;
    std::string message;
    explicit operator bool() const { return error != 0; }
  };

  // Replaces a connection that was open before. Resolving a host name is the one thing that the
  // deadline does not bound.
  Failure connect(const Login& login, TimePoint deadline);

  // Runs one text of several statements. Closes the connection when it is of no further use.
  ServerReply query(const std::string& text, TimePoint deadline);

  bool open() const { return connected_; }
  // As the greeting says; empty while not open.
  std::string greeting_version() const;
  // The low byte of the id of the server's default collation, which is all that the greeting has.
  unsigned greeting_collation() const;
  // What the server can do, MariaDB's further flags included; 0 while not open.
  protocol::Capabilities greeting_capabilities() const;
  void close();

 private:
  template <class Step>
  void drive(int waiting_for, TimePoint deadline, Step step);
  int wait(int waiting_for, TimePoint deadline);
  void prepare_options();
  void ask_for_tls();
  Failure ask_for_echo(TimePoint deadline);
  void read_results(ServerReply& reply, TimePoint deadline);
  Failure failure() const;

  st_mysql* mysql_ = nullptr;
  const ServerTlsConfig& tls_;
  const int wake_fd_;
  const bool keeps_passwords_;  // use_auth_plugins()
  bool connected_ = false;
  bool gave_up_ = false;  // the deadline passed or the monitor stops: unwind
  std::string gave_up_why_;
};

}  // namespace weir
