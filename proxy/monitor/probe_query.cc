#include "proxy/monitor/probe_query.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "proxy/monitor/membership.h"
#include "proxy/monitor/result_row.h"

namespace weir {
namespace {

// MySQL 8.0.22 renamed "slave" and "master" in statements and columns; 8.4 dropped the old
// statements.
constexpr unsigned kReplicaWords = 80022;
constexpr unsigned kSuperReadOnly = 50708;
// MariaDB 10.5 split the right to see replication status off from REPLICATION CLIENT.
constexpr unsigned kReplicaMonitor = 100502;
// MariaDB 10.10 has collations whose name lacks the character set in information_schema.COLLATIONS.
constexpr unsigned kFullCollationName = 101001;

// A boolean variable: 0, 1, OFF, ON; newer MariaDB has several words for "on".
bool is_on(const std::optional<std::string>& text) {
  return text && *text != "0" && *text != "OFF" && !text->empty();
}

ThreadState thread_state(const std::string& text) {
  if (text == "Yes") return ThreadState::running;
  // "Connecting", and MariaDB's "Preparing": trying, not there yet.
  return text == "No" || text.empty() ? ThreadState::stopped : ThreadState::connecting;
}

// "mysql.plugin,mysql.rds_history": nothing that belongs to users.
bool names_system_tables_only(const std::string& list) {
  constexpr std::array<std::string_view, 5> kSystem = {"mysql", "sys", "performance_schema",
                                                       "information_schema", "innodb_memcache"};
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    const std::string name = list.substr(at, end - at);
    const std::string schema = name.substr(0, name.find('.'));
    if (std::find(kSystem.begin(), kSystem.end(), schema) == kSystem.end()) return false;
    at = end + 1;
  }
  return true;
}

std::string decode_filter(const ResultRow& row) {
  constexpr std::array<const char*, 9> kFilters = {
      "Replicate_Do_DB",        "Replicate_Ignore_DB",         "Replicate_Do_Table",
      "Replicate_Ignore_Table", "Replicate_Wild_Do_Table",     "Replicate_Wild_Ignore_Table",
      "Replicate_Rewrite_DB",   "Replicate_Ignore_Domain_Ids", "Replicate_Do_Domain_Ids"};
  for (const std::string filter : kFilters) {
    const std::string value = row.text(filter);
    if (value.empty()) continue;
    const bool ignores = filter.find("Ignore") != std::string::npos;
    if (!ignores || !names_system_tables_only(value)) return filter + " = " + value;
  }
  return {};
}

Channel decode_channel(const ResultRow& row) {
  Channel channel;
  channel.name = row.text("Channel_Name");
  if (channel.name.empty()) channel.name = row.text("Connection_name");
  channel.source_host = row.text("Source_Host");
  channel.source_port = row.number<std::uint16_t>("Source_Port").value_or(0);
  channel.source_id = row.number<std::uint32_t>("Source_Server_Id").value_or(0);
  channel.source_uuid = row.text("Source_UUID");
  channel.receiver = thread_state(row.text("Replica_IO_Running"));
  channel.applier = thread_state(row.text("Replica_SQL_Running"));
  channel.receiver_error = row.text("Last_IO_Error");
  channel.applier_error = row.text("Last_SQL_Error");
  channel.seconds_behind = row.number<std::uint32_t>("Seconds_Behind_Source");
  channel.delay = row.number<std::uint32_t>("SQL_Delay").value_or(0);
  channel.filter = decode_filter(row);
  return channel;
}

PositionPtr position(std::optional<GtidSet> set) {
  return set ? std::make_shared<const GtidPosition>(std::move(*set)) : nullptr;
}

void decode_mysql_position(const ResultRow& row, Probe& probe) {
  // With OFF and OFF_PERMISSIVE new transactions get no GTID, and the set says nothing about them.
  const std::string mode = row.text("gtid_mode");
  if (mode != "ON" && mode != "ON_PERMISSIVE") return;
  probe.as_primary = position(GtidSet::parse(row.text("executed")));
  probe.as_replica = probe.as_primary;
}

void decode_mariadb_position(const ResultRow& row, Probe& probe) {
  const auto binlog = MariaPosition::parse(row.text("binlog_pos"));
  const auto current = MariaPosition::parse(row.text("current_pos"));
  const auto applied = MariaPosition::parse(row.text("replica_pos"));
  if (binlog && current && is_on(row.get("log_bin"))) {
    probe.as_primary =
        std::make_shared<const GtidPosition>(MariaPosition::of_primary(*binlog, *current));
  }
  if (applied) probe.as_replica = std::make_shared<const GtidPosition>(*applied);
}

std::string missing_privilege(const ServerKind& kind, const Probe& probe,
                              const ServerReply& reply) {
  const bool monitor_right = kind.flavor == Flavor::mariadb && kind.version >= kReplicaMonitor;
  return fmt::format(
      "replication status is hidden from the monitor ({}): run GRANT {} ON *.* TO {}",
      reply.message, monitor_right ? "REPLICA MONITOR" : "REPLICATION CLIENT",
      quoted_account(probe.account));
}

void decode_group_part(const ServerKind& kind, const ServerReply& reply, Probe& probe) {
  if (reply.results.size() < 3) {
    probe.hidden_replication =
        fmt::format("group membership is hidden from the monitor ({}): run {}", reply.message,
                    membership_grants(quoted_account(probe.account)));
    return;
  }
  probe.membership = decode_membership(kind.flavor, reply.results[2]);
  // In a cluster every node may give its own GTIDs to the same changes: they cannot be compared.
  if (probe.membership && kind.flavor == Flavor::mariadb) {
    probe.as_primary = probe.as_replica = probe.membership->position;
  }
}

}  // namespace

ServerKind ServerKind::from_version(std::string_view text) {
  ServerKind kind;
  kind.flavor = text.find("MariaDB") != std::string_view::npos ? Flavor::mariadb : Flavor::mysql;
  if (kind.flavor == Flavor::mariadb && text.substr(0, 6) == "5.5.5-") text.remove_prefix(6);
  for (int part = 0; part < 3; ++part) {
    unsigned value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) value = 0;
    kind.version = kind.version * 100 + std::min(value, 99u);
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    if (!text.empty() && text.front() == '.') text.remove_prefix(1);
  }
  return kind;
}

std::string probe_query(const ServerKind& kind) {
  const std::string common =
      "SELECT CURRENT_USER() AS account, @@version AS version, @@global.server_id AS server_id,"
      " @@global.collation_server AS collation, @@global.read_only AS read_only";
  const std::string membership = kind.group ? "; " + membership_query(kind.flavor) : "";
  if (kind.flavor == Flavor::mariadb) {
    return common +
           ", @@global.log_bin AS log_bin, @@global.gtid_binlog_pos AS binlog_pos,"
           " @@global.gtid_current_pos AS current_pos, @@global.gtid_slave_pos AS replica_pos,"
           " @@hostname AS host_name, @@port AS port;"
           " SHOW ALL SLAVES STATUS" +
           membership;
  }
  return fmt::format(
      "{}{}, @@global.server_uuid AS uuid, @@global.gtid_mode AS gtid_mode,"
      " @@global.gtid_executed AS executed; SHOW {} STATUS{}",
      common, kind.version >= kSuperReadOnly ? ", @@global.super_read_only AS super_read_only" : "",
      kind.version >= kReplicaWords ? "REPLICA" : "SLAVE", membership);
}

std::string replicas_query(const ServerKind& kind) {
  const bool modern = kind.flavor == Flavor::mysql && kind.version >= kReplicaWords;
  return modern ? "SHOW REPLICAS" : "SHOW SLAVE HOSTS";
}

std::string dump_query() {
  return "SELECT HOST AS host FROM information_schema.PROCESSLIST"
         " WHERE COMMAND IN ('Binlog Dump', 'Binlog Dump GTID')";
}

Followers decode_followers(const ServerKind& kind, const ServerReply& replicas,
                           const std::optional<ServerReply>& dumps, const std::string& account) {
  Followers followers;
  if (replicas.results.empty()) {
    const bool admin = kind.flavor == Flavor::mariadb && kind.version >= kReplicaMonitor;
    followers.hidden =
        fmt::format("its replicas are hidden from the monitor ({}): run GRANT {} ON *.* TO {}",
                    replicas.message, admin ? "REPLICATION MASTER ADMIN" : "REPLICATION SLAVE",
                    quoted_account(account));
    return followers;
  }
  bool homeless = false;
  for (std::size_t i = 0; i < replicas.results[0].rows.size(); ++i) {
    const ResultRow row(replicas.results[0], i);
    const auto id = row.number<std::uint32_t>("Server_Id");  // MySQL's spelling
    followers.replicas.push_back({row.text("Host"), row.number<std::uint16_t>("Port").value_or(0),
                                  (id ? id : row.number<std::uint32_t>("Server_id")).value_or(0),
                                  row.text("Replica_UUID")});
    homeless = homeless || followers.replicas.back().host.empty();
  }
  if (!dumps || dumps->results.empty()) return followers;
  for (std::size_t i = 0; i < dumps->results[0].rows.size(); ++i) {
    const std::string host = ResultRow(dumps->results[0], i).text("host");
    // The client's own port is behind the last colon, also of an IPv6 address.
    followers.hosts.push_back(host.substr(0, host.rfind(':')));
  }
  if (homeless && followers.hosts.empty()) {
    followers.hidden = fmt::format(
        "a replica of it has no report_host, and where it is connected from is hidden "
        "from the monitor: run GRANT PROCESS ON *.* TO {}",
        quoted_account(account));
  }
  return followers;
}

std::string collation_query(const ServerKind& kind, std::string_view collation) {
  // The name comes from the server itself; a name with other characters than these is none.
  const bool sane = std::all_of(collation.begin(), collation.end(), [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (!sane) collation = "";
  std::string query = fmt::format(
      "SELECT ID FROM information_schema.COLLATIONS WHERE COLLATION_NAME = '{}'", collation);
  if (kind.flavor == Flavor::mariadb && kind.version >= kFullCollationName) {
    query += fmt::format(
        " UNION SELECT ID FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
        " WHERE FULL_COLLATION_NAME = '{}'",
        collation);
  }
  return query;
}

std::uint16_t decode_collation(const ServerReply& reply) {
  for (const ResultSet& result : reply.results) {
    for (const auto& row : result.rows) {
      if (row.empty()) continue;
      const auto id = parse_number<std::uint16_t>(row.front().value_or(""));
      if (id && *id != 0) return *id;
    }
  }
  return 0;
}

std::string collation_name(const ServerReply& reply) {
  if (reply.results.empty() || reply.results[0].rows.empty()) return {};
  return ResultRow(reply.results[0], 0).text("collation");
}

void decode_probe(const ServerKind& kind, const ServerReply& reply, Probe& probe) {
  if (reply.results.empty() || reply.results[0].rows.empty()) {
    // What a Galera node says that has lost its cluster: nobody is served there.
    constexpr unsigned kNotPrepared = 1047;
    const bool down = reply.lost() || reply.error == kNotPrepared;
    probe.outcome = down ? Probe::Outcome::failed : Probe::Outcome::refused;
    probe.error = reply.error != 0 ? fmt::format("{} ({})", reply.message, reply.error)
                                   : "the answer to the probe has no rows";
    return;
  }
  const ResultRow row(reply.results[0], 0);
  probe.outcome = Probe::Outcome::answered;
  probe.account = row.text("account");
  probe.version = row.text("version");
  probe.flavor = kind.flavor;
  probe.server_id = row.number<std::uint32_t>("server_id").value_or(0);
  probe.read_only = is_on(row.get("read_only")) || is_on(row.get("super_read_only"));
  probe.identity = row.text("uuid");
  if (kind.flavor == Flavor::mariadb) {
    probe.identity =
        fmt::format("{} at {}:{}", probe.server_id, row.text("host_name"), row.text("port"));
    decode_mariadb_position(row, probe);
  } else {
    decode_mysql_position(row, probe);
  }
  if (reply.results.size() < 2) {
    probe.hidden_replication = missing_privilege(kind, probe, reply);
    return;
  }
  for (std::size_t i = 0; i < reply.results[1].rows.size(); ++i) {
    Channel channel = decode_channel(ResultRow(reply.results[1], i));
    // A group's own channels have threads of another kind; the membership tells how they fare.
    if (channel.name.rfind("group_replication_", 0) != 0) probe.channels.push_back(channel);
  }
  if (kind.group) decode_group_part(kind, reply, probe);
}

// The host is what follows the last @.
std::string quoted_account(const std::string& account) {
  const std::size_t at = account.rfind('@');
  if (at == std::string::npos) return "'" + account + "'";
  return fmt::format("'{}'@'{}'", account.substr(0, at), account.substr(at + 1));
}

Probe::Outcome login_outcome(unsigned error) {
  // Wrong password, no right, host not allowed or blocked, no password given, expired, locked, no
  // such plugin on either side, TLS demanded.
  constexpr std::array<unsigned, 14> kAccount = {1044, 1045, 1129, 1130, 1251, 1524, 1698,
                                                 1820, 1862, 2059, 2061, 3118, 3159, 4151};
  if (std::find(kAccount.begin(), kAccount.end(), error) != kAccount.end()) {
    return Probe::Outcome::denied;
  }
  constexpr unsigned kShutdownInProgress = 1053;
  const bool client_side = error == 0 || (error >= 2000 && error < 3000);
  return client_side || error == kShutdownInProgress ? Probe::Outcome::failed
                                                     : Probe::Outcome::refused;
}

std::string greeting_version(Flavor flavor, const std::string& version) {
  const bool hides = flavor == Flavor::mariadb &&
                     ServerKind::from_version(version).version < 110000 &&
                     version.rfind("5.5.5-", 0) != 0;
  return hides ? "5.5.5-" + version : version;
}

}  // namespace weir
