#include "proxy/monitor/probe_query.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

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

template <class Number>
std::optional<Number> number(const std::optional<std::string>& text) {
  Number value{};
  if (!text) return std::nullopt;
  const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || stop != text->data() + text->size()) return std::nullopt;
  return value;
}

// A boolean variable: 0, 1, OFF, ON; newer MariaDB has several words for "on".
bool is_on(const std::optional<std::string>& text) {
  return text && *text != "0" && *text != "OFF" && !text->empty();
}

// "Slave_IO_Running" and "Replica_IO_Running" are the same column to us.
std::string modern_name(std::string name) {
  constexpr std::array<std::array<std::string_view, 2>, 2> kWords = {
      {{"Slave", "Replica"}, {"Master", "Source"}}};
  for (const auto& [old_word, new_word] : kWords) {
    for (std::size_t at = 0; (at = name.find(old_word, at)) != std::string::npos;) {
      name.replace(at, old_word.size(), new_word);
      at += new_word.size();
    }
  }
  return name;
}

// One row with its columns by name.
class Row {
 public:
  Row(const ResultSet& result, std::size_t row) : result_(result), row_(result.rows[row]) {}

  std::optional<std::string> get(std::string_view column) const {
    for (std::size_t i = 0; i < result_.columns.size() && i < row_.size(); ++i) {
      if (modern_name(result_.columns[i]) == column) return row_[i];
    }
    return std::nullopt;
  }
  std::string text(std::string_view column) const { return get(column).value_or(""); }

 private:
  const ResultSet& result_;
  const std::vector<std::optional<std::string>>& row_;
};

ThreadState thread_state(const std::string& text) {
  if (text == "Yes") return ThreadState::running;
  // "Connecting", and MariaDB's "Preparing": trying, not there yet.
  return text == "No" || text.empty() ? ThreadState::stopped : ThreadState::connecting;
}

Channel decode_channel(const Row& row) {
  Channel channel;
  channel.name = row.text("Channel_Name");
  if (channel.name.empty()) channel.name = row.text("Connection_name");
  channel.source_host = row.text("Source_Host");
  channel.source_port = number<std::uint16_t>(row.get("Source_Port")).value_or(0);
  channel.source_id = number<std::uint32_t>(row.get("Source_Server_Id")).value_or(0);
  channel.receiver = thread_state(row.text("Replica_IO_Running"));
  channel.applier = thread_state(row.text("Replica_SQL_Running"));
  channel.receiver_error = row.text("Last_IO_Error");
  channel.applier_error = row.text("Last_SQL_Error");
  channel.seconds_behind = number<std::uint32_t>(row.get("Seconds_Behind_Source"));
  channel.delay = number<std::uint32_t>(row.get("SQL_Delay")).value_or(0);
  return channel;
}

PositionPtr position(std::optional<GtidSet> set) {
  return set ? std::make_shared<const GtidPosition>(std::move(*set)) : nullptr;
}

void decode_mysql_position(const Row& row, Probe& probe) {
  // With OFF and OFF_PERMISSIVE new transactions get no GTID, and the set says nothing about them.
  const std::string mode = row.text("gtid_mode");
  if (mode != "ON" && mode != "ON_PERMISSIVE") return;
  probe.as_primary = position(GtidSet::parse(row.text("executed")));
  probe.as_replica = probe.as_primary;
}

void decode_mariadb_position(const Row& row, Probe& probe) {
  const auto binlog = MariaPosition::parse(row.text("binlog_pos"));
  const auto current = MariaPosition::parse(row.text("current_pos"));
  const auto applied = MariaPosition::parse(row.text("replica_pos"));
  if (binlog && current && is_on(row.get("log_bin"))) {
    probe.as_primary =
        std::make_shared<const GtidPosition>(MariaPosition::of_primary(*binlog, *current));
  }
  if (applied) probe.as_replica = std::make_shared<const GtidPosition>(*applied);
}

// "app@10.0.0.%" as GRANT wants it: 'app'@'10.0.0.%'. The host is what follows the last @.
std::string quoted_account(const std::string& account) {
  const std::size_t at = account.rfind('@');
  if (at == std::string::npos) return "'" + account + "'";
  return fmt::format("'{}'@'{}'", account.substr(0, at), account.substr(at + 1));
}

std::string missing_privilege(const ServerKind& kind, const Probe& probe,
                              const ServerReply& reply) {
  const bool monitor_right = kind.flavor == Flavor::mariadb && kind.version >= kReplicaMonitor;
  return fmt::format(
      "replication status is hidden from the monitor ({}): run GRANT {} ON *.* TO {}",
      reply.message, monitor_right ? "REPLICA MONITOR" : "REPLICATION CLIENT",
      quoted_account(probe.account));
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
  if (kind.flavor == Flavor::mariadb) {
    return common +
           ", @@global.log_bin AS log_bin, @@global.gtid_binlog_pos AS binlog_pos,"
           " @@global.gtid_current_pos AS current_pos, @@global.gtid_slave_pos AS replica_pos;"
           " SHOW ALL SLAVES STATUS";
  }
  return fmt::format(
      "{}{}, @@global.gtid_mode AS gtid_mode, @@global.gtid_executed AS executed; SHOW {} STATUS",
      common, kind.version >= kSuperReadOnly ? ", @@global.super_read_only AS super_read_only" : "",
      kind.version >= kReplicaWords ? "REPLICA" : "SLAVE");
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
      if (const auto id = number<std::uint16_t>(row.front()); id && *id != 0) return *id;
    }
  }
  return 0;
}

std::string collation_name(const ServerReply& reply) {
  if (reply.results.empty() || reply.results[0].rows.empty()) return {};
  return Row(reply.results[0], 0).text("collation");
}

void decode_probe(const ServerKind& kind, const ServerReply& reply, Probe& probe) {
  if (reply.results.empty() || reply.results[0].rows.empty()) {
    probe.outcome = reply.lost() ? Probe::Outcome::failed : Probe::Outcome::refused;
    probe.error = reply.error != 0 ? fmt::format("{} ({})", reply.message, reply.error)
                                   : "the answer to the probe has no rows";
    return;
  }
  const Row row(reply.results[0], 0);
  probe.outcome = Probe::Outcome::answered;
  probe.account = row.text("account");
  probe.version = row.text("version");
  probe.flavor = kind.flavor;
  probe.server_id = number<std::uint32_t>(row.get("server_id")).value_or(0);
  probe.read_only = is_on(row.get("read_only")) || is_on(row.get("super_read_only"));
  if (kind.flavor == Flavor::mariadb) {
    decode_mariadb_position(row, probe);
  } else {
    decode_mysql_position(row, probe);
  }
  if (reply.results.size() < 2) {
    probe.hidden_replication = missing_privilege(kind, probe, reply);
    return;
  }
  for (std::size_t i = 0; i < reply.results[1].rows.size(); ++i) {
    probe.channels.push_back(decode_channel(Row(reply.results[1], i)));
  }
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
