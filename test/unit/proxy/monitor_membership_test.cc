// What servers say about their groups, right and wrong.

#include "proxy/monitor/membership.h"

#include "proxy/monitor/probe_query.h"
#include "test/support/catch.h"

using namespace weir;

namespace {

using State = Membership::State;
using Rows = std::vector<std::vector<std::optional<std::string>>>;

const std::string kA = "2aab7307-ec6d-11f1-9fa9-02fc00000001";
const std::string kB = "2cfc7ca9-ec6d-11f1-b59a-02fc00000001";
const std::string kC = "308b1c46-ec6d-11f1-bb60-02fc00000001";

// The members as the server `self` sees them: state and role of A, B, C.
ResultSet group(const std::string& self,
                const std::vector<std::pair<std::string, std::string>>& members) {
  ResultSet result{{"id", "state", "role", "view_id", "backlog", "self", "started"}, {}};
  const std::string ids[] = {kA, kB, kC};
  for (std::size_t i = 0; i < members.size(); ++i) {
    result.rows.push_back({ids[i], members[i].first, members[i].second, "17960089:3",
                           std::to_string(i), self, "1796008903"});
  }
  return result;
}

ResultSet galera(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<std::pair<std::string, std::string>> values = {
      {"WSREP_READY", "ON"},
      {"WSREP_CLUSTER_STATUS", "Primary"},
      {"WSREP_CLUSTER_STATE_UUID", kA},
      {"WSREP_CLUSTER_CONF_ID", "3"},
      {"WSREP_LOCAL_STATE", "4"},
      {"WSREP_LOCAL_STATE_COMMENT", "Synced"},
      {"WSREP_GCOMM_UUID", kB},
      {"WSREP_LAST_COMMITTED", "11"},
      {"WSREP_LOCAL_RECV_QUEUE", "2"},
      {"STARTED", "1796009192"}};
  ResultSet result{{"name", "value"}, {}};
  for (auto& [name, value] : values) {
    for (const auto& [other, changed] : changes) {
      if (other == name) value = changed;
    }
    if (value != "(missing)") result.rows.push_back({name, value});
  }
  return result;
}

}  // namespace

TEST_CASE("membership: a MySQL member in its group", "[monitor]") {
  const auto primary = decode_membership(
      Flavor::mysql,
      group(kA, {{"ONLINE", "PRIMARY"}, {"ONLINE", "SECONDARY"}, {"ONLINE", "SECONDARY"}}));
  REQUIRE(primary);
  CHECK(primary->state == State::in);
  CHECK(primary->may_write);
  CHECK(primary->single_primary);
  CHECK(primary->id == kA);
  CHECK(primary->view == "17960089:3");
  CHECK(primary->started == 1796008903u);
  CHECK(primary->backlog == 0);
  CHECK(primary->why.empty());
  CHECK_FALSE(primary->position);

  const auto secondary = decode_membership(
      Flavor::mysql,
      group(kC, {{"ONLINE", "PRIMARY"}, {"ONLINE", "SECONDARY"}, {"ONLINE", "SECONDARY"}}));
  REQUIRE(secondary);
  CHECK_FALSE(secondary->may_write);
  CHECK(secondary->backlog == 2);

  const auto multi =
      decode_membership(Flavor::mysql, group(kB, {{"ONLINE", "PRIMARY"}, {"ONLINE", "PRIMARY"}}));
  REQUIRE(multi);
  CHECK(multi->may_write);
  CHECK_FALSE(multi->single_primary);
}

TEST_CASE("membership: states of MySQL members, and the majority", "[monitor]") {
  struct {
    std::vector<std::string> states;  // of A, which is asked, and the others
    State state;
    std::string why;
  } const table[] = {
      {{"ONLINE"}, State::in, ""},
      {{"ONLINE", "ONLINE", "UNREACHABLE"}, State::in, ""},
      {{"ONLINE", "RECOVERING", "UNREACHABLE"}, State::in, ""},
      {{"RECOVERING", "ONLINE", "ONLINE"}, State::recovering, "RECOVERING"},
      {{"ONLINE", "UNREACHABLE", "UNREACHABLE"}, State::out, "reaches 1 of 3"},
      {{"ONLINE", "UNREACHABLE"}, State::out, "reaches 1 of 2"},
      {{"RECOVERING", "UNREACHABLE", "UNREACHABLE"}, State::out, "lost the majority"},
      {{"ONLINE", "ERROR", "UNREACHABLE"}, State::out, "lost the majority"},
      {{"ERROR"}, State::out, "(ERROR)"},
      {{"OFFLINE"}, State::out, "(OFFLINE)"},
      {{"UNREACHABLE", "ONLINE", "ONLINE"}, State::out, "(UNREACHABLE)"},
      {{""}, State::out, "(no state)"},
      {{"SOMETHING NEW"}, State::out, "(SOMETHING NEW)"},
  };
  for (const auto& row : table) {
    std::vector<std::pair<std::string, std::string>> members;
    for (const std::string& state : row.states) members.emplace_back(state, "PRIMARY");
    const auto member = decode_membership(Flavor::mysql, group(kA, members));
    REQUIRE(member);
    INFO(member->why);
    CHECK(member->state == row.state);
    CHECK(member->why.empty() == row.why.empty());
    CHECK(member->why.find(row.why) != std::string::npos);
  }
}

TEST_CASE("membership: bad answers of MySQL servers", "[monitor]") {
  CHECK_FALSE(decode_membership(Flavor::mysql, {}));
  CHECK_FALSE(decode_membership(Flavor::mysql, {{"id"}, {{kA}}}));  // who it is itself, is missing
  // Not among the members it lists.
  const auto stranger = decode_membership(Flavor::mysql, group("nobody", {{"ONLINE", "PRIMARY"}}));
  REQUIRE(stranger);
  CHECK(stranger->state == State::out);
  CHECK_FALSE(stranger->may_write);
  ResultSet torn = group(kA, {{"ONLINE", "PRIMARY"}});
  torn.rows[0][6] = "-5";
  torn.rows[0][4] = std::nullopt;
  torn.rows.push_back({});  // a row without columns
  const auto member = decode_membership(Flavor::mysql, torn);
  REQUIRE(member);
  CHECK(member->started == 0);
  CHECK(member->backlog == 0);
  CHECK(member->state == State::out);  // one of two members says nothing
}

TEST_CASE("membership: a Galera node in its cluster", "[monitor]") {
  const auto node = decode_membership(Flavor::mariadb, galera({}));
  REQUIRE(node);
  CHECK(node->state == State::in);
  CHECK(node->may_write);
  CHECK_FALSE(node->single_primary);
  CHECK(node->id == kB);
  CHECK(node->view == kA + ":3");
  CHECK(node->started == 1796009192u);
  CHECK(node->backlog == 2);
  REQUIRE(node->position);
  CHECK(to_string(*node->position) == kA + ":1-11");
}

TEST_CASE("membership: states of Galera nodes, and bad answers", "[monitor]") {
  struct {
    std::vector<std::pair<std::string, std::string>> changes;
    State state;
    std::string why;
  } const table[] = {
      {{{"WSREP_CLUSTER_STATUS", "non-Primary"}}, State::out, "wsrep_cluster_status non-Primary"},
      {{{"WSREP_CLUSTER_STATUS", "Disconnected"}}, State::out, "Disconnected"},
      {{{"WSREP_CLUSTER_STATUS", "(missing)"}}, State::out, "unknown"},
      {{{"WSREP_READY", "OFF"}}, State::out, "wsrep_ready is not ON"},
      {{{"WSREP_READY", "(missing)"}}, State::out, "wsrep_ready is not ON"},
      {{{"WSREP_LOCAL_STATE", "2"}, {"WSREP_LOCAL_STATE_COMMENT", "Donor/Desynced"}},
       State::lent,
       "Donor/Desynced"},
      {{{"WSREP_LOCAL_STATE", "1"}, {"WSREP_LOCAL_STATE_COMMENT", "Joining"}},
       State::recovering,
       "Joining"},
      {{{"WSREP_LOCAL_STATE", "3"}, {"WSREP_LOCAL_STATE_COMMENT", "Joined"}},
       State::recovering,
       "Joined"},
      {{{"WSREP_LOCAL_STATE", "4x"}}, State::recovering, ""},
      {{{"WSREP_LOCAL_STATE", "(missing)"}}, State::recovering, ""},
  };
  for (const auto& row : table) {
    const auto node = decode_membership(Flavor::mariadb, galera(row.changes));
    REQUIRE(node);
    INFO(node->why);
    CHECK(node->state == row.state);
    CHECK(node->why.find(row.why) != std::string::npos);
  }
  for (const std::string last : {"-1", "0", "18446744073709551616", "(missing)", "x"}) {
    const auto node = decode_membership(Flavor::mariadb, galera({{"WSREP_LAST_COMMITTED", last}}));
    REQUIRE(node);
    CHECK_FALSE(node->position);
  }
  const auto nowhere =
      decode_membership(Flavor::mariadb, galera({{"WSREP_CLUSTER_STATE_UUID", "no uuid"}}));
  REQUIRE(nowhere);
  CHECK_FALSE(nowhere->position);
  CHECK_FALSE(
      decode_membership(Flavor::mariadb, galera({{"WSREP_CLUSTER_STATE_UUID", "(missing)"}})));
  CHECK_FALSE(decode_membership(Flavor::mariadb, {}));
}

TEST_CASE("membership: whether there is a group at all", "[monitor]") {
  const auto says = [](std::optional<std::string> value) {
    ServerReply reply;
    reply.results.push_back({{"value"}, {{std::move(value)}}});
    return decode_group(reply);
  };
  CHECK(says("ON"));
  CHECK(says("ACTIVE"));
  CHECK_FALSE(says("OFF"));
  CHECK_FALSE(says("DISABLED"));
  CHECK_FALSE(says(std::nullopt));
  CHECK_FALSE(decode_group({}));
  ServerReply empty;
  empty.results.push_back({{"value"}, {}});
  CHECK_FALSE(decode_group(empty));
}

TEST_CASE("membership: as part of a probe", "[monitor]") {
  const ServerKind mysql{Flavor::mysql, 90704, true};
  const ServerKind mariadb{Flavor::mariadb, 101106, true};
  CHECK(probe_query({Flavor::mysql, 90704}).find("group") == std::string::npos);
  CHECK(probe_query(mysql).find("replication_group_members") != std::string::npos);
  CHECK(probe_query(mariadb).find("WSREP_LOCAL_STATE") != std::string::npos);

  ServerReply reply;
  reply.results.push_back({{"account", "version", "gtid_mode", "executed", "read_only"},
                           {{"weir@%", "9.7.4", "ON", kA + ":1-5", "0"}}});
  reply.results.push_back({{"Channel_Name", "Replica_IO_Running"},
                           {{"group_replication_recovery", "No"}, {"other", "Yes"}}});
  ServerReply hidden = reply;
  hidden.error = 1142;
  hidden.message = "SELECT command denied";
  Probe blind;
  decode_probe(mysql, hidden, blind);
  CHECK(blind.outcome == Probe::Outcome::answered);
  CHECK_FALSE(blind.membership);
  CHECK(blind.hidden_replication ==
        "group membership is hidden from the monitor (SELECT command denied): run GRANT SELECT ON "
        "performance_schema.replication_group_members TO 'weir'@'%' and GRANT SELECT ON "
        "performance_schema.replication_group_member_stats TO 'weir'@'%'");

  reply.results.push_back(group(kA, {{"ONLINE", "PRIMARY"}}));
  Probe member;
  decode_probe(mysql, reply, member);
  REQUIRE(member.membership);
  CHECK(member.membership->id == kA);
  REQUIRE(member.channels.size() == 1);
  CHECK(member.channels[0].name == "other");
  CHECK(to_string(*member.as_primary) == kA + ":1-5");

  reply.results[0] = {{"account", "version", "log_bin", "binlog_pos", "current_pos", "replica_pos"},
                      {{"weir@%", "10.11.6-MariaDB", "1", "0-1-5", "0-1-5", ""}}};
  reply.results[2] = galera({});
  Probe node;
  decode_probe(mariadb, reply, node);
  REQUIRE(node.as_replica);
  CHECK(to_string(*node.as_replica) == kA + ":1-11");
  CHECK(node.as_primary == node.as_replica);

  ServerReply unprepared;
  unprepared.error = 1047;
  unprepared.message = "WSREP has not yet prepared node for application use";
  Probe lost;
  decode_probe(mariadb, unprepared, lost);
  CHECK(lost.outcome == Probe::Outcome::failed);
}
