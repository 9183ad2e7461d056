// How one server sees the group that it belongs to: MySQL Group Replication, or a MariaDB Galera
// cluster. The members of a group agree on transactions before these commit, and decide themselves
// who belongs to it. Pure: answers of servers in, plain values out.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/monitor/lag_meter.h"
#include "proxy/monitor/server_reply.h"

namespace weir {

struct Membership {
  enum class State : std::uint8_t {
    in,          // takes part and is up to date as far as the group is concerned
    recovering,  // is getting what it has missed
    lent,        // Galera: gives its data to another one, or was told to fall behind
    out,         // is no member (any more), or its group has lost the majority
  };

  State state = State::out;
  std::string why;         // what keeps it from being used, for people; empty when `in`
  bool may_write = false;  // the group lets it write
  // In single-primary mode at most one member may write.
  bool single_primary = false;
  // Names the set of members as this one knows it; another one whenever somebody joins or leaves.
  std::string view;
  // The others, as far as it tells where they are.
  struct Peer {
    std::string host;
    std::uint16_t port = 0;
    std::string uuid;  // MySQL: @@server_uuid
  };
  std::vector<Peer> peers;
  std::string id;  // of this member, the same for whoever asks
  // When the server was started, in seconds of its own clock: the same for whoever asks.
  std::uint64_t started = 0;
  std::uint64_t backlog = 0;  // transactions that it has received, but not applied
  // Galera numbers all changes of a cluster: the last one that is visible here. Nothing on MySQL,
  // whose GTIDs serve.
  PositionPtr position;
};

// Whether the server takes part in a group at all. Asked now and then: it changes rarely, and the
// answer to membership_query is an error where it is not so.
std::string group_query(Flavor flavor);
bool decode_group(const ServerReply& reply);

std::string membership_query(Flavor flavor);
// Nothing when the answer is none of a member's.
std::optional<Membership> decode_membership(Flavor flavor, const ResultSet& result);

// What the monitor's account needs in order to ask, for people.
std::string membership_grants(const std::string& quoted_account);

}  // namespace weir
