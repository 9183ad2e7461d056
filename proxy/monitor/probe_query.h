// The questions a probe asks, by flavour and version, and how the answers become a Probe. No I/O.

#pragma once

#include <string>
#include <string_view>

#include "proxy/monitor/probe.h"
#include "proxy/monitor/server_reply.h"

namespace weir {

// From the version that a server's greeting shows, e.g. "8.4.3" or "5.5.5-10.11.6-MariaDB".
struct ServerKind {
  Flavor flavor = Flavor::unknown;
  unsigned version = 0;  // 80403, 101106
  bool group = false;    // a member of a group: ask for its membership, too (see membership.h)
  static ServerKind from_version(std::string_view text);
};

// One text of several statements, so that a probe costs one round trip: variables, replication
// status, and the membership where there is one.
std::string probe_query(const ServerKind& kind);

// Who fetches the server's binary log: those who have registered, and all connections that do.
std::string replicas_query(const ServerKind& kind);
std::string dump_query();
// `dumps`: nothing when it was not asked, since nobody has registered.
Followers decode_followers(const ServerKind& kind, const ServerReply& replicas,
                           const std::optional<ServerReply>& dumps, const std::string& account);

// The id of the collation that the server puts into its greeting.
std::string collation_query(const ServerKind& kind, std::string_view collation);
std::uint16_t decode_collation(const ServerReply& reply);

// The name of the server's default collation in the answer to probe_query; empty when it is not
// there.
std::string collation_name(const ServerReply& reply);

// Fills everything but `sequence`, `when` and `default_collation`.
void decode_probe(const ServerKind& kind, const ServerReply& reply, Probe& probe);

// An account as CURRENT_USER() says ("app@10.0.0.%"), as GRANT wants it: 'app'@'10.0.0.%'.
std::string quoted_account(const std::string& account);

// Whether an error at login is about the monitor's account rather than about the server.
Probe::Outcome login_outcome(unsigned error);

// What a server of this version puts into its greeting (MariaDB before 11 hides behind "5.5.5-").
std::string greeting_version(Flavor flavor, const std::string& version);

}  // namespace weir
