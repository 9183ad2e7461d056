// The tests' own clients share the client library with the monitors that run in this process. weir
// comes first here, as it does in its own: its authentication plugin is not taken later.

#include "proxy/monitor/server_connection.h"

namespace {

const weir::ServerTlsConfig no_tls;
[[maybe_unused]] const weir::ServerConnection first(no_tls, -1);

}  // namespace
