#include "proxy/admin/admin_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "proxy/config/schema.h"
#include "proxy/core/own_setting.h"
#include "proxy/core/rules.h"
#include "proxy/monitor/gtid_set.h"
#include "proxy/monitor/topology_text.h"

namespace weir {
namespace {

using protocol::ColumnType;
using protocol::ResultColumn;
using protocol::ResultSet;
using Value = ResultSet::Value;

ResultColumn text(std::string name) {
  return {std::move(name), ColumnType::text};
}
ResultColumn number(std::string name) {
  return {std::move(name), ColumnType::integer};
}

template <class Integer>
Value of(Integer value) {
  return std::to_string(value);
}

Value unless_empty(std::string_view value) {
  return value.empty() ? Value() : Value(value);
}

ServerLoad load_of(const WorkerStatus& status, std::size_t server) {
  return server < status.servers.size() ? status.servers[server] : ServerLoad{};
}

// A session may hold a connection to a server that has left, or one that it heard of first.
std::string name_of(const Config& config, const Topology& topology, std::size_t server) {
  if (server < topology.servers.size()) return topology.servers[server].name;
  return server < config.servers.size() ? config.servers[server].name : "(new)";
}

ResultSet::Row server_row(const ServerState& server, const ServerLoad& load) {
  Value latency;
  if (server.latency) {
    latency = fmt::format("{:.3f}", static_cast<double>(server.latency->count()) / 1000);
  }
  return {server.name,
          server.address.to_string(),
          std::string(to_string(server.role)),
          std::string(to_string(server.health)),
          server.lag ? of(server.lag->count()) : Value(),
          latency,
          of(load.open),
          of(load.idle),
          of(load.outstanding),
          of(load.waiting),
          of(server.max_connections),
          load.limit > 0 ? of(load.limit) : Value(),
          of(load.in_line),
          of(load.shed),
          of(server.weight),
          server.zone,
          std::string(to_string(server.origin)),
          unless_empty(server.version),
          server.position != nullptr ? Value(to_string(*server.position)) : Value(),
          server.why};
}

bool is_number(const Value& value) {
  constexpr std::size_t kMostDigits = 18;
  return value && !value->empty() && value->size() <= kMostDigits &&
         value->find_first_not_of("0123456789") == std::string::npos;
}

// What clients ask for when they connect, in the words of a MySQL server.
constexpr std::array<std::pair<std::string_view, std::string_view>, 27> kVariables{{
    {"version_comment", "weir admin console"},
    {"max_allowed_packet", "65536"},
    {"autocommit", "1"},
    {"auto_increment_increment", "1"},
    {"character_set_client", "utf8mb4"},
    {"character_set_connection", "utf8mb4"},
    {"character_set_results", "utf8mb4"},
    {"character_set_server", "utf8mb4"},
    {"character_set_database", "utf8mb4"},
    {"collation_connection", "utf8mb4_general_ci"},
    {"collation_server", "utf8mb4_general_ci"},
    {"collation_database", "utf8mb4_general_ci"},
    {"init_connect", ""},
    {"interactive_timeout", "28800"},
    {"wait_timeout", "28800"},
    {"net_write_timeout", "60"},
    {"net_read_timeout", "30"},
    {"license", "Apache-2.0"},
    {"lower_case_table_names", "0"},
    {"performance_schema", "0"},
    {"sql_mode", ""},
    {"system_time_zone", "UTC"},
    {"time_zone", "SYSTEM"},
    {"transaction_isolation", "REPEATABLE-READ"},
    {"tx_isolation", "REPEATABLE-READ"},
    {"transaction_read_only", "0"},
    {"read_only", "0"},
}};

std::optional<std::string> variable(std::string_view name, const ConsoleFacts& facts) {
  if (name == "version") return facts.version;
  const auto found = std::find_if(kVariables.begin(), kVariables.end(),
                                  [&](const auto& row) { return row.first == name; });
  if (found == kVariables.end()) return std::nullopt;
  return std::string(found->second);
}

std::optional<Value> function(std::string_view name, const ConsoleFacts& facts) {
  if (name == "database" || name == "schema") return Value();
  if (name == "version") return facts.version;
  if (name == "connection_id") return of(facts.connection_id);
  if (name == "user" || name == "current_user" || name == "session_user") {
    return facts.user + "@" + facts.client;
  }
  return std::nullopt;
}

std::optional<Value> value_of(const AdminCommand::Item& item, const ConsoleFacts& facts) {
  switch (item.kind) {
    case AdminCommand::Item::Kind::literal:
      return item.text;
    case AdminCommand::Item::Kind::null:
      return Value();
    case AdminCommand::Item::Kind::variable:
      if (auto found = variable(item.text, facts)) return Value(std::move(*found));
      return std::nullopt;
    case AdminCommand::Item::Kind::function:
      return function(item.text, facts);
  }
  return std::nullopt;
}

}  // namespace

ResultSet servers_table(const Config& config, const Topology& topology,
                        const WorkerStatus& status) {
  ResultSet set;
  set.columns = {text("name"),
                 text("address"),
                 text("role"),
                 text("health"),
                 number("lag_ms"),
                 {"latency_ms", ColumnType::real},
                 number("open"),
                 number("idle"),
                 number("outstanding"),
                 number("waiting"),
                 number("max_connections"),
                 number("concurrency_limit"),
                 number("in_line"),
                 number("shed"),
                 number("weight"),
                 text("zone"),
                 text("origin"),
                 text("version"),
                 text("gtid_position"),
                 text("why")};
  for (std::size_t i = 0; i < server_capacity(config); ++i) {
    const auto server = server_shown(config, topology, i);
    if (server) set.rows.push_back(server_row(*server, load_of(status, i)));
  }
  return set;
}

ResultSet pools_table(const Config& config, const Topology& topology, const WorkerStatus& status) {
  ResultSet set;
  set.columns = {text("server"),        number("open"),    number("idle"),
                 number("outstanding"), number("waiting"), number("max_connections")};
  for (std::size_t i = 0; i < server_capacity(config); ++i) {
    const auto server = server_shown(config, topology, i);
    if (!server) continue;
    const ServerLoad load = load_of(status, i);
    set.rows.push_back({server->name, of(load.open), of(load.idle), of(load.outstanding),
                        of(load.waiting), of(server->max_connections)});
  }
  return set;
}

ResultSet sessions_table(const Config& config, const Topology& topology,
                         const std::vector<SessionInfo>& sessions) {
  ResultSet set;
  set.columns = {number("id"),   text("user"),      text("client"),           text("schema"),
                 text("state"),  number("seconds"), number("in_transaction"), text("pins"),
                 text("servers"), number("memory")};
  for (const SessionInfo& session : sessions) {
    std::string pins;
    session.pins.for_each(
        [&](Pin pin) { pins += (pins.empty() ? "" : ",") + std::string(pin_name(pin)); });
    std::string servers;
    for (const std::size_t i : session.servers) {
      servers += (servers.empty() ? "" : ",") + name_of(config, topology, i);
    }
    set.rows.push_back({of(session.id), unless_empty(session.user), session.client,
                        unless_empty(session.schema), std::string(session.state),
                        of(session.since.count() / 1000), session.in_transaction ? "1" : "0", pins,
                        servers, of(session.memory)});
  }
  return set;
}

ResultSet pins_table(const PinReport& pins) {
  ResultSet set;
  set.columns = {text("pin"), number("sessions"), text("digest"), text("text"), number("count")};
  const auto sessions = [&](Pin pin) { return of(pins.sessions[static_cast<std::size_t>(pin)]); };
  for (const PinCounts::Row& row : pins.counts.rows()) {
    set.rows.push_back({std::string(pin_name(row.pin)), sessions(row.pin), digest_text(row.digest),
                        row.text, of(row.count)});
  }
  for (std::size_t i = 0; i < kPinCount; ++i) {
    const Pin pin = static_cast<Pin>(i);
    const std::uint64_t others = pins.counts.others(pin);
    if (others == 0) continue;
    set.rows.push_back(
        {std::string(pin_name(pin)), sessions(pin), Value(), "(other statements)", of(others)});
  }
  return set;
}

ResultSet counters_table(const WorkerStatus& status) {
  ResultSet set;
  set.columns = {text("name"), number("value")};
  const auto add = [&](std::string name, std::uint64_t value) {
    set.rows.push_back({std::move(name), of(value)});
  };
  const WorkerCounters& counters = status.counters;
  add("sessions_now", status.sessions);
  add("sessions", counters.sessions);
  add("tls_sessions", counters.tls_sessions);
  add("tls_failures", counters.tls_failures);
  for (std::size_t i = 0; i < kRefusals; ++i) {
    add(fmt::format("refused.{}", refusal_name(static_cast<Refusal>(i))), counters.refused[i]);
  }
  add("idle_timeouts", counters.idle_timeouts);
  add("query_timeouts", counters.query_timeouts);
  add("memory_refusals", counters.memory_refusals);
  add("memory_ends", counters.memory_ends);
  for (const bool replica : {false, true}) {
    const std::string total = replica ? "statements.replica" : "statements.primary";
    add(total, counters.routed.total(replica));
    for (std::size_t row = 0; row < RoutedCounts::kRows; ++row) {
      const std::uint64_t count = counters.routed.count(row, replica);
      if (count > 0) add(fmt::format("{}.{}", total, RoutedCounts::name(row)), count);
    }
  }
  add("retried_reads", counters.retried_reads);
  add("answered_by_primary_instead", counters.answered_by_primary_instead);
  add("waits", counters.waits);
  add("waits_in_vain", counters.waits_in_vain);
  add("stale_avoided", counters.stale_avoided);
  add("replays", counters.replays);
  add("replays_failed", counters.replays_failed);
  add("held", counters.held);
  add("repairs", counters.repairs);
  add("failed_statements", counters.failed_statements);
  add("firewall_warned", counters.firewall_total().warned);
  add("firewall_refused", counters.firewall_total().refused);
  add("diagnostics_given_up", counters.diagnostics_given_up);
  return set;
}

ResultSet config_table(const Config& config) {
  ResultSet set;
  set.columns = {text("key"), text("value")};
  for (auto& [key, value] : config::print_config(config)) {
    set.rows.push_back({std::move(key), std::move(value)});
  }
  return set;
}

ResultSet rules_table(const Config& config, const WorkerStatus& status) {
  const std::vector<std::uint64_t>& matches = status.counters.rule_matches;
  ResultSet set;
  set.columns = {text("name"),         text("conditions"),  text("to"),
                 number("max_lag_ms"), text("consistency"), number("hits")};
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const RuleConfig& rule = config.rules[i];
    set.rows.push_back({rule.name, conditions_text(rule), unless_empty(rule.to),
                        rule.max_lag ? of(rule.max_lag->count()) : Value(),
                        rule.consistency ? Value(consistency_name(*rule.consistency)) : Value(),
                        of(i < matches.size() ? matches[i] : 0)});
  }
  return set;
}

ResultSet firewall_table(const Config& config, const AllowLists* lists,
                         const std::map<std::string, std::uint64_t>& learnt,
                         const WorkerStatus& status) {
  ResultSet set;
  set.columns = {text("user"),     text("mode"),     number("statements"),
                 number("learnt"), number("warned"), number("refused")};
  std::set<std::string> users;
  for (const UserConfig& user : config.users) {
    if (config.firewall_mode(&user) != FirewallMode::off) users.insert(user.name);
  }
  if (lists != nullptr) {
    for (const auto& [user, statements] : lists->users()) users.insert(user);
  }
  for (const auto& [user, counts] : status.counters.firewall) users.insert(user);
  for (const std::string& user : users) {
    const StatementSet* const statements = lists != nullptr ? lists->find(user) : nullptr;
    const auto news = learnt.find(user);
    const auto counted = status.counters.firewall.find(user);
    const FirewallCounts counts =
        counted != status.counters.firewall.end() ? counted->second : FirewallCounts{};
    set.rows.push_back({user, std::string(to_string(config.firewall_mode(config.find_user(user)))),
                        of(statements != nullptr ? statements->size() : 0),
                        of(news != learnt.end() ? news->second : 0), of(counts.warned),
                        of(counts.refused)});
  }
  return set;
}

ResultSet help_table() {
  ResultSet set;
  set.columns = {text("command"), text("meaning")};
  for (const AdminHelp& row : admin_help()) {
    set.rows.push_back({std::string(row.command), std::string(row.meaning)});
  }
  return set;
}

ResultSet no_warnings_table() {
  ResultSet set;
  set.columns = {text("Level"), number("Code"), text("Message")};
  return set;
}

std::optional<ResultSet> constants_table(const std::vector<AdminCommand::Item>& items,
                                         const ConsoleFacts& facts,
                                         const AdminCommand::Item*& unknown) {
  ResultSet set;
  ResultSet::Row row;
  for (const AdminCommand::Item& item : items) {
    auto value = value_of(item, facts);
    if (!value) {
      unknown = &item;
      return std::nullopt;
    }
    const bool number_like = !item.quoted && is_number(*value);
    set.columns.push_back({item.label, number_like ? ColumnType::integer : ColumnType::text});
    row.push_back(std::move(*value));
  }
  set.rows.push_back(std::move(row));
  return set;
}

std::optional<std::size_t> find_server(const Config& config, const Topology& topology,
                                       std::string_view name) {
  for (std::size_t i = 0; i < server_capacity(config); ++i) {
    const auto server = server_shown(config, topology, i);
    if (server && server->name == name) return i;
  }
  return std::nullopt;
}

std::string unknown_server_text(const Config& config, const Topology& topology,
                                std::string_view name) {
  constexpr std::size_t kQuoted = 64;
  std::string names;
  for (std::size_t i = 0; i < server_capacity(config); ++i) {
    const auto server = server_shown(config, topology, i);
    if (server) names += (names.empty() ? "" : ", ") + server->name;
  }
  return fmt::format("weir: no server is called '{}'; there are {}", name.substr(0, kQuoted),
                     names);
}

}  // namespace weir
