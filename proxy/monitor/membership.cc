#include "proxy/monitor/membership.h"

#include <algorithm>

#include <fmt/format.h>

#include "proxy/monitor/result_row.h"

namespace weir {
namespace {

struct Count {
  std::size_t all = 0;
  std::size_t reachable = 0;
  std::size_t primaries = 0;
};

Count count_members(const ResultSet& result) {
  Count count;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const ResultRow row(result, i);
    const std::string state = row.text("state");
    ++count.all;
    if (state == "ONLINE" || state == "RECOVERING") ++count.reachable;
    if (row.text("role") == "PRIMARY") ++count.primaries;
  }
  return count;
}

// MySQL documentation: "Group Replication Server States".
void decode_mysql_state(const std::string& state, const Count& count, Membership& member) {
  member.why.clear();
  if (state == "ONLINE" || state == "RECOVERING") {
    // The part of a group that has no majority can neither write nor hear of writes; it keeps its
    // roles.
    if (count.reachable * 2 <= count.all) {
      member.why = fmt::format("its group has lost the majority: it reaches {} of {} members",
                               count.reachable, count.all);
      return;
    }
    member.state = state == "ONLINE" ? Membership::State::in : Membership::State::recovering;
    if (state == "RECOVERING") member.why = "gets what it has missed of its group (RECOVERING)";
    return;
  }
  member.why = fmt::format("is not part of its group ({})", state.empty() ? "no state" : state);
}

std::optional<Membership> decode_mysql(const ResultSet& result) {
  if (result.rows.empty()) return std::nullopt;
  const Count count = count_members(result);
  const std::string self = ResultRow(result, 0).text("self");
  if (self.empty()) return std::nullopt;
  Membership member;
  member.id = self;
  member.started = ResultRow(result, 0).number<std::uint64_t>("started").value_or(0);
  member.why = "is not part of its group (OFFLINE)";
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const ResultRow row(result, i);
    if (row.text("id") != self) {
      member.peers.push_back(
          {row.text("host"), row.number<std::uint16_t>("port").value_or(0), row.text("id")});
      continue;
    }
    decode_mysql_state(row.text("state"), count, member);
    member.may_write = row.text("role") == "PRIMARY";
    member.single_primary = count.primaries < 2;
    member.view = row.text("view_id");
    member.backlog = row.number<std::uint64_t>("backlog").value_or(0);
  }
  return member;
}

// The value of a status variable; empty where it is not among the rows.
std::string status(const ResultSet& result, std::string_view name) {
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const ResultRow row(result, i);
    if (row.text("name") == name) return row.text("value");
  }
  return {};
}

// "10.0.0.1:3306,10.0.0.2:3306", this member among them; "AUTO" or nothing for those that do not
// know where they are.
std::vector<Membership::Peer> decode_addresses(const std::string& list) {
  std::vector<Membership::Peer> peers;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    const std::string address = list.substr(at, end - at);
    at = end + 1;
    const std::size_t colon = address.rfind(':');
    const auto port = parse_number<std::uint16_t>(
        colon == std::string::npos ? "" : std::string_view(address).substr(colon + 1));
    if (port) peers.push_back({address.substr(0, colon), *port, ""});
  }
  return peers;
}

// Galera documentation: "Galera Status Variables", wsrep_local_state.
void decode_galera_state(const ResultSet& result, Membership& member) {
  const std::string cluster = status(result, "WSREP_CLUSTER_STATUS");
  const std::string comment = status(result, "WSREP_LOCAL_STATE_COMMENT");
  const auto state = parse_number<unsigned>(status(result, "WSREP_LOCAL_STATE"));
  constexpr unsigned kDonor = 2, kSynced = 4;
  if (cluster != "Primary") {
    member.why = fmt::format("is in no primary component of its cluster (wsrep_cluster_status {})",
                             cluster.empty() ? "unknown" : cluster);
  } else if (state == kDonor) {
    member.state = Membership::State::lent;
    member.why = fmt::format("may fall behind its cluster: {}", comment);
  } else if (state != kSynced) {
    member.state = Membership::State::recovering;
    member.why = fmt::format("gets what it has missed of its cluster ({})", comment);
  } else if (status(result, "WSREP_READY") != "ON") {
    member.why = "takes no statements (wsrep_ready is not ON)";
  } else {
    member.state = Membership::State::in;
  }
}

std::optional<Membership> decode_galera(const ResultSet& result) {
  const std::string cluster = status(result, "WSREP_CLUSTER_STATE_UUID");
  if (cluster.empty()) return std::nullopt;
  Membership member;
  member.id = status(result, "WSREP_GCOMM_UUID");
  member.view = fmt::format("{}:{}", cluster, status(result, "WSREP_CLUSTER_CONF_ID"));
  member.may_write = true;
  member.started = parse_number<std::uint64_t>(status(result, "STARTED")).value_or(0);
  member.backlog =
      parse_number<std::uint64_t>(status(result, "WSREP_LOCAL_RECV_QUEUE")).value_or(0);
  member.peers = decode_addresses(status(result, "WSREP_INCOMING_ADDRESSES"));
  decode_galera_state(result, member);
  // The numbers 1 to n of a cluster are a set of transactions like any other. A node that has
  // joined no cluster yet says -1.
  const auto last = parse_number<std::uint64_t>(status(result, "WSREP_LAST_COMMITTED"));
  if (last && *last > 0) {
    if (auto set = GtidSet::parse(fmt::format("{}:1-{}", cluster, *last))) {
      member.position = std::make_shared<const GtidPosition>(std::move(*set));
    }
  }
  return member;
}

}  // namespace

std::string group_query(Flavor flavor) {
  return flavor == Flavor::mariadb
             ? "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_VARIABLES"
               " WHERE VARIABLE_NAME = 'WSREP_ON'"
             : "SELECT PLUGIN_STATUS FROM information_schema.PLUGINS"
               " WHERE PLUGIN_NAME = 'group_replication'";
}

bool decode_group(const ServerReply& reply) {
  if (reply.results.empty() || reply.results[0].rows.empty()) return false;
  const auto& row = reply.results[0].rows[0];
  return !row.empty() && (row[0] == "ON" || row[0] == "ACTIVE");
}

// Uptime is counted from the same instant of the same clock that UNIX_TIMESTAMP() shows: what is
// left is the instant of the start, always the same second.
std::string membership_query(Flavor flavor) {
  if (flavor == Flavor::mariadb) {
    return "SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS value"
           " FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ('WSREP_READY',"
           " 'WSREP_CLUSTER_STATUS', 'WSREP_CLUSTER_STATE_UUID', 'WSREP_CLUSTER_CONF_ID',"
           " 'WSREP_LOCAL_STATE', 'WSREP_LOCAL_STATE_COMMENT', 'WSREP_GCOMM_UUID',"
           " 'WSREP_LAST_COMMITTED', 'WSREP_LOCAL_RECV_QUEUE', 'WSREP_INCOMING_ADDRESSES')"
           " UNION ALL SELECT 'STARTED', UNIX_TIMESTAMP() - CAST(VARIABLE_VALUE AS UNSIGNED)"
           " FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'";
  }
  return "SELECT m.MEMBER_ID AS id, m.MEMBER_HOST AS host, m.MEMBER_PORT AS port, m.MEMBER_STATE "
         "AS state, m.MEMBER_ROLE AS role,"
         " s.VIEW_ID AS view_id, s.COUNT_TRANSACTIONS_REMOTE_IN_APPLIER_QUEUE AS backlog,"
         " @@global.server_uuid AS self, UNIX_TIMESTAMP() - CAST((SELECT VARIABLE_VALUE"
         " FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime') AS UNSIGNED)"
         " AS started FROM performance_schema.replication_group_members m"
         " LEFT JOIN performance_schema.replication_group_member_stats s"
         " ON s.MEMBER_ID = m.MEMBER_ID";
}

std::optional<Membership> decode_membership(Flavor flavor, const ResultSet& result) {
  return flavor == Flavor::mariadb ? decode_galera(result) : decode_mysql(result);
}

std::string membership_grants(const std::string& quoted_account) {
  return fmt::format(
      "GRANT SELECT ON performance_schema.replication_group_members TO {0} and "
      "GRANT SELECT ON performance_schema.replication_group_member_stats TO {0}",
      quoted_account);
}

}  // namespace weir
