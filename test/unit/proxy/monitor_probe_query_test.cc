#include "proxy/monitor/probe_query.h"

#include "proxy/monitor/prober.h"
#include "test/support/catch.h"

using namespace std::chrono_literals;
using namespace weir;

namespace {

using Values = std::vector<std::optional<std::string>>;

ServerReply reply_of(std::vector<std::string> columns, Values values) {
  ServerReply reply;
  reply.results.push_back({std::move(columns), {std::move(values)}});
  return reply;
}

ServerReply mysql_reply(const std::string& gtid_mode, const std::string& executed) {
  return reply_of(
      {"account", "version", "server_id", "collation", "read_only", "super_read_only", "gtid_mode",
       "executed"},
      {"weir@10.0.0.%", "9.7.4", "12", "utf8mb4_0900_ai_ci", "0", "1", gtid_mode, executed});
}

ServerReply mariadb_reply() {
  return reply_of(
      {"account", "version", "server_id", "collation", "read_only", "log_bin", "binlog_pos",
       "current_pos", "replica_pos"},
      {"weir@%", "10.11.6-MariaDB-1", "3", "utf8mb4_general_ci", "0", "1", "0-3-7", "0-3-7", ""});
}

const ServerKind kMysql9{Flavor::mysql, 90704};
const ServerKind kMaria1011{Flavor::mariadb, 101106};

}  // namespace

TEST_CASE("probe: kinds of servers by their greeting", "[monitor]") {
  struct {
    std::string text;
    Flavor flavor;
    unsigned version;
  } const table[] = {
      {"9.7.4", Flavor::mysql, 90704},
      {"8.0.36-28.1", Flavor::mysql, 80036},
      {"5.7.44-log", Flavor::mysql, 50744},
      {"5.5.5-10.11.6-MariaDB-0+deb12u1", Flavor::mariadb, 101106},
      {"10.11.6-MariaDB", Flavor::mariadb, 101106},
      {"11.8.2-MariaDB-ubu", Flavor::mariadb, 110802},
      {"8", Flavor::mysql, 80000},
      {"", Flavor::mysql, 0},
      {"999.999999999999.1", Flavor::mysql, 990001},
  };
  for (const auto& row : table) {
    INFO(row.text);
    CHECK(ServerKind::from_version(row.text).flavor == row.flavor);
    CHECK(ServerKind::from_version(row.text).version == row.version);
  }
}

TEST_CASE("probe: the words that a version understands", "[monitor]") {
  const auto has = [](const ServerKind& kind, const std::string& text) {
    return probe_query(kind).find(text) != std::string::npos;
  };
  CHECK(has(kMysql9, "; SHOW REPLICA STATUS"));
  CHECK(has({Flavor::mysql, 50744}, "; SHOW SLAVE STATUS"));
  CHECK(has({Flavor::mysql, 50744}, "super_read_only"));
  CHECK_FALSE(has({Flavor::mysql, 50650}, "super_read_only"));
  CHECK(has(kMaria1011, "SHOW ALL SLAVES STATUS"));
  CHECK_FALSE(has(kMaria1011, "gtid_executed"));
}

TEST_CASE("probe: a MySQL answer", "[monitor]") {
  ServerReply reply = mysql_reply("ON", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5");
  reply.results.push_back(
      {{"Replica_IO_Running", "Replica_SQL_Running", "Source_Host", "Source_Port",
        "Source_Server_Id", "Seconds_Behind_Source", "SQL_Delay", "Channel_Name", "Last_IO_Error",
        "Last_SQL_Error"},
       {{"Yes", "No", "db1", "3306", "11", std::nullopt, "30", "", "", "Duplicate"}}});
  Probe probe;
  decode_probe(kMysql9, reply, probe);
  CHECK(probe.outcome == Probe::Outcome::answered);
  CHECK(probe.version == "9.7.4");
  CHECK(probe.server_id == 12);
  CHECK(probe.read_only);
  REQUIRE(probe.as_replica);
  CHECK(to_string(*probe.as_replica) == "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5");
  REQUIRE(probe.channels.size() == 1);
  const Channel& channel = probe.channels[0];
  CHECK(channel.receiver == ThreadState::running);
  CHECK(channel.applier == ThreadState::stopped);
  CHECK(channel.applier_error == "Duplicate");
  CHECK(channel.source_host == "db1");
  CHECK(channel.source_port == 3306);
  CHECK(channel.source_id == 11);
  CHECK_FALSE(channel.seconds_behind);
  CHECK(channel.delay == 30);
  CHECK(collation_name(reply) == "utf8mb4_0900_ai_ci");
}

TEST_CASE("probe: old and new column names mean the same", "[monitor]") {
  ServerReply reply = mariadb_reply();
  reply.results.push_back(
      {{"Connection_name", "Slave_IO_Running", "Slave_SQL_Running", "Master_Host", "Master_Port",
        "Master_Server_Id", "Seconds_Behind_Master"},
       {{"", "Connecting", "Yes", "127.0.0.1", "3307", "1", "4"},
        {"b", "Preparing", "Yes", "127.0.0.1", "3308", "2", "0"}}});
  Probe probe;
  decode_probe(kMaria1011, reply, probe);
  REQUIRE(probe.channels.size() == 2);
  CHECK(probe.channels[0].receiver == ThreadState::connecting);
  CHECK(probe.channels[0].seconds_behind == 4u);
  CHECK(probe.channels[1].name == "b");
  CHECK(probe.channels[1].receiver == ThreadState::connecting);
  REQUIRE(probe.as_primary);
  CHECK(to_string(*probe.as_primary) == "0-3-7");
  CHECK(to_string(*probe.as_replica).empty());
  CHECK_FALSE(probe.read_only);
}

TEST_CASE("probe: without GTIDs there is no position", "[monitor]") {
  for (const std::string mode : {"OFF", "OFF_PERMISSIVE", ""}) {
    Probe probe;
    decode_probe(kMysql9, mysql_reply(mode, ""), probe);
    CHECK_FALSE(probe.as_primary);
  }
  Probe garbled;
  decode_probe(kMysql9, mysql_reply("ON", "not a set"), garbled);
  CHECK(garbled.outcome == Probe::Outcome::answered);
  CHECK_FALSE(garbled.as_replica);
}

TEST_CASE("probe: a missing privilege is named with its GRANT", "[monitor]") {
  ServerReply mysql = mysql_reply("ON", "");
  mysql.error = 1227;
  mysql.message =
      "Access denied; you need (at least one of) the SUPER, REPLICATION CLIENT privilege(s)";
  Probe probe;
  decode_probe(kMysql9, mysql, probe);
  CHECK(probe.outcome == Probe::Outcome::answered);
  CHECK(probe.hidden_replication.find("GRANT REPLICATION CLIENT ON *.* TO 'weir'@'10.0.0.%'") !=
        std::string::npos);
  ServerReply mariadb = mariadb_reply();
  mariadb.error = 1227;
  decode_probe(kMaria1011, mariadb, probe);
  CHECK(probe.hidden_replication.find("GRANT REPLICA MONITOR ON *.* TO 'weir'@'%'") !=
        std::string::npos);
  decode_probe({Flavor::mariadb, 100400}, mariadb, probe);
  CHECK(probe.hidden_replication.find("GRANT REPLICATION CLIENT ON") != std::string::npos);
}

TEST_CASE("probe: answers without rows are no answers", "[monitor]") {
  ServerReply lost;
  lost.error = 2013;
  lost.message = "Lost connection";
  Probe probe;
  decode_probe(kMysql9, lost, probe);
  CHECK(probe.outcome == Probe::Outcome::failed);
  CHECK(probe.error == "Lost connection (2013)");
  ServerReply refused;
  refused.error = 1193;
  refused.message = "Unknown system variable 'gtid_mode'";
  decode_probe(kMysql9, refused, probe);
  CHECK(probe.outcome == Probe::Outcome::refused);
  decode_probe(kMysql9, ServerReply{}, probe);
  CHECK(probe.outcome == Probe::Outcome::refused);
}

TEST_CASE("probe: what a failed login says about the server", "[monitor]") {
  using Outcome = Probe::Outcome;
  struct {
    unsigned error;
    Outcome outcome;
  } const table[] = {
      {1045, Outcome::denied},  {1130, Outcome::denied},  {1129, Outcome::denied},
      {1698, Outcome::denied},  {2059, Outcome::denied},  {3118, Outcome::denied},
      {1040, Outcome::refused}, {1203, Outcome::refused}, {2002, Outcome::failed},
      {2003, Outcome::failed},  {2013, Outcome::failed},  {1053, Outcome::failed},
      {0, Outcome::failed},
  };
  for (const auto& row : table) {
    INFO(row.error);
    CHECK(login_outcome(row.error) == row.outcome);
  }
}

TEST_CASE("probe: collation ids", "[monitor]") {
  CHECK(decode_collation(reply_of({"ID"}, {"255"})) == 255);
  CHECK(decode_collation(reply_of({"ID"}, {"2304"})) == 2304);
  CHECK(decode_collation(reply_of({"ID"}, {std::nullopt})) == 0);
  CHECK(decode_collation(reply_of({"ID"}, {"70000"})) == 0);
  CHECK(decode_collation(ServerReply{}) == 0);
  CHECK(collation_query(kMysql9, "utf8mb4_bin").find("'utf8mb4_bin'") != std::string::npos);
  CHECK(collation_query(kMysql9, "x' OR '1").find("OR") == std::string::npos);
  CHECK(collation_query({Flavor::mariadb, 110802}, "utf8mb4_uca1400_ai_ci")
            .find("FULL_COLLATION_NAME") != std::string::npos);
}

TEST_CASE("probe: the version as a greeting shows it", "[monitor]") {
  CHECK(greeting_version(Flavor::mysql, "9.7.4") == "9.7.4");
  CHECK(greeting_version(Flavor::mariadb, "10.11.6-MariaDB-1") == "5.5.5-10.11.6-MariaDB-1");
  CHECK(greeting_version(Flavor::mariadb, "5.5.5-10.11.6-MariaDB") == "5.5.5-10.11.6-MariaDB");
  CHECK(greeting_version(Flavor::mariadb, "11.8.2-MariaDB") == "11.8.2-MariaDB");
}

TEST_CASE("probe: pauses between attempts grow and stay short", "[monitor]") {
  const auto failed = Probe::Outcome::failed;
  CHECK(retry_pause(failed, 1, 250ms, 1.0) == 250ms);
  CHECK(retry_pause(failed, 1, 250ms, 0.0) == 125ms);
  CHECK(retry_pause(failed, 2, 250ms, 1.0) == 500ms);
  CHECK(retry_pause(failed, 3, 250ms, 1.0) == 1000ms);
  CHECK(retry_pause(failed, 1000000, 250ms, 1.0) == 1000ms);
  CHECK(retry_pause(failed, 9, 3000ms, 1.0) == 3000ms);
  CHECK(retry_pause(Probe::Outcome::denied, 9, 250ms, 1.0) == 5000ms);
}

TEST_CASE("probe: who fetches the binary log", "[monitor][discovery]") {
  const ServerReply replicas = reply_of({"Server_Id", "Host", "Port", "Source_Id", "Replica_UUID"},
                                        {"3", "", "3307", "1", "u-3"});
  const ServerReply dumps = reply_of({"host"}, {"::1:50123"});
  const Followers mysql = decode_followers(kMysql9, replicas, dumps, "weir@%");
  REQUIRE(mysql.replicas.size() == 1);
  CHECK(mysql.replicas[0].host.empty());
  CHECK(mysql.replicas[0].port == 3307);
  CHECK(mysql.replicas[0].id == 3);
  CHECK(mysql.replicas[0].uuid == "u-3");
  CHECK(mysql.hosts == std::vector<std::string>{"::1"});
  CHECK(mysql.hidden.empty());
  const Followers maria = decode_followers(
      kMaria1011, reply_of({"Server_id", "Host", "Port", "Master_id"}, {"2", "db2", "x", "1"}),
      std::nullopt, "weir@%");
  REQUIRE(maria.replicas.size() == 1);
  CHECK(maria.replicas[0].id == 2);
  CHECK(maria.replicas[0].port == 0);
  CHECK(replicas_query(kMysql9) == "SHOW REPLICAS");
  CHECK(replicas_query(kMaria1011) == "SHOW SLAVE HOSTS");
  CHECK(replicas_query({Flavor::mysql, 50744}) == "SHOW SLAVE HOSTS");
}

TEST_CASE("probe: what the monitor may not see of followers is named", "[monitor][discovery]") {
  ServerReply refused;
  refused.error = 1227;
  refused.message = "Access denied";
  CHECK(decode_followers(kMysql9, refused, std::nullopt, "weir@%").hidden ==
        "its replicas are hidden from the monitor (Access denied): run GRANT REPLICATION SLAVE ON "
        "*.* TO 'weir'@'%'");
  CHECK(decode_followers(kMaria1011, refused, std::nullopt, "weir@%")
            .hidden.find("GRANT REPLICATION MASTER ADMIN ON *.* TO 'weir'@'%'") !=
        std::string::npos);
  ServerReply nobody = reply_of({"host"}, {"x"});
  nobody.results[0].rows.clear();
  const ServerReply homeless =
      reply_of({"Server_Id", "Host", "Port", "Source_Id"}, {"3", "", "3307", "1"});
  CHECK(decode_followers(kMysql9, homeless, nobody, "weir@%").hidden.find("GRANT PROCESS ON *.*") !=
        std::string::npos);
}

TEST_CASE("probe: filters that keep users' data away", "[monitor][discovery]") {
  const struct {
    std::string column, value, filter;
  } table[] = {
      {"Replicate_Do_DB", "shop", "Replicate_Do_DB = shop"},
      {"Replicate_Ignore_Table", "shop.log", "Replicate_Ignore_Table = shop.log"},
      {"Replicate_Ignore_Table", "mysql.plugin,mysql.rds_history", ""},
      {"Replicate_Wild_Ignore_Table", "mysql.%,shop.%",
       "Replicate_Wild_Ignore_Table = mysql.%,shop.%"},
      {"Replicate_Do_DB", "mysql", "Replicate_Do_DB = mysql"},
      {"Replicate_Rewrite_DB", "(a,b)", "Replicate_Rewrite_DB = (a,b)"},
      {"Replicate_Do_DB", "", ""},
  };
  for (const auto& row : table) {
    INFO(row.column << " " << row.value);
    ServerReply reply = mysql_reply("ON", "");
    reply.results.push_back(reply_of({"Source_Host", row.column}, {"db1", row.value}).results[0]);
    Probe probe;
    decode_probe(kMysql9, reply, probe);
    REQUIRE(probe.channels.size() == 1);
    CHECK(probe.channels[0].filter == row.filter);
  }
}
