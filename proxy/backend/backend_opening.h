// What a BackendConnection needs until it is ready, and no longer.

#pragma once

#include "protocol/auth/client_auth.h"
#include "proxy/backend/backend_connection.h"

namespace weir {

struct BackendConnection::Login {
  std::string attributes;  // of the connection
  protocol::ClientAuth auth;
  std::string kept;  // a packet that has not come whole
  bool greeted = false;
  bool wants_tls = false;  // the response to the greeting goes through TLS

  explicit Login(const Options& options);
};

struct BackendConnection::Resolve {
  uv_getaddrinfo_t request;
  BackendConnection* owner;  // null once it no longer waits
};

struct BackendConnection::Connect {
  uv_connect_t request;
  BackendConnection* owner;  // null once it no longer waits
};

// The text of a server's error packet, for people.
std::string err_text(Bytes payload);

}  // namespace weir
