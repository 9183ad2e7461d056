#include "proxy/http/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <string_view>
#include <utility>
#include <vector>

#include "proxy/core/counters.h"
#include "proxy/core/pins.h"
#include "proxy/monitor/topology_text.h"

namespace weir::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr Role kRoles[] = {Role::unknown, Role::primary, Role::replica};
constexpr Health kHealths[] = {Health::unknown, Health::up,      Health::recovering,
                               Health::lagging, Health::stalled, Health::denied,
                               Health::down,    Health::drained};

// One metric with its samples on the way into a list of them. One without samples is left out.
class Family {
 public:
  Family(std::vector<MetricFamily>& out, MetricType type, std::string name, std::string help)
      : out_(out), family_{std::move(name), std::move(help), type, {}} {}
  ~Family() {
    if (!family_.metric.empty()) out_.push_back(std::move(family_));
  }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  template <class Number>
  Family& add(Number value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (family_.type == MetricType::Counter) {
      metric.counter.value = static_cast<double>(value);
    } else {
      metric.gauge.value = static_cast<double>(value);
    }
    family_.metric.push_back(std::move(metric));
    return *this;
  }
  template <class Number>
  void add_known(const std::optional<Number>& value) {
    if (value) add(*value);
  }

 private:
  std::vector<MetricFamily>& out_;
  MetricFamily family_;
};

class Collector {
 public:
  explicit Collector(const Snapshot& snapshot) : snapshot_(snapshot) {}

  std::vector<MetricFamily> collect() {
    weir_itself();
    process();
    topology();
    roles_and_healths();
    if (snapshot_.workers) {
      server_loads(snapshot_.workers->servers);
      routed(snapshot_.workers->counters.routed);
      counters(snapshot_.workers->counters);
      rules(snapshot_.workers->counters.rule_matches);
      pins(snapshot_.workers->pins);
    }
    return std::move(families_);
  }

 private:
  // A gauge's or a counter's name is the whole name of the metric.
  Family gauge(std::string name, std::string help) {
    return {families_, MetricType::Gauge, std::move(name), std::move(help)};
  }
  Family counter(std::string name, std::string help) {
    return {families_, MetricType::Counter, std::move(name), std::move(help)};
  }
  // Those that take part.
  std::vector<ServerState> servers() const {
    std::vector<ServerState> servers = snapshot_.topology->servers;
    std::erase_if(servers, [](const ServerState& one) { return one.origin == Origin::left; });
    return servers;
  }

  void weir_itself();
  void process();
  void topology();
  void roles_and_healths();
  void server_loads(const std::vector<ServerLoad>& loads);
  void routed(const RoutedCounts& counts);
  void counters(const WorkerCounters& counters);
  void rules(const std::vector<std::uint64_t>& matches);
  void pins(const PinReport& report);

  const Snapshot& snapshot_;
  std::vector<MetricFamily> families_;
};

std::string text(std::string_view view) {
  return std::string(view);
}

void Collector::weir_itself() {
  gauge("weir_build_info", "Always 1; the labels say what is running.")
      .add(1, {{"version", WEIR_VERSION}});
  gauge("weir_uptime_seconds", "Time since weir began.").add(snapshot_.process.uptime.count());
  gauge("weir_draining", "1 from the first SIGTERM on: no new clients are let in.")
      .add(snapshot_.draining);
  gauge("weir_scrape_complete",
        "1 when all workers have answered; 0 when they have not, and what they count is missing.")
      .add(snapshot_.workers.has_value());
  gauge("weir_client_connections", "Clients that are connected now.")
      .add(snapshot_.client_connections);
  gauge("weir_client_connections_limit", "As listen.max_connections says.")
      .add(snapshot_.config->listen.max_connections);
}

void Collector::process() {
  const ProcessUsage& usage = snapshot_.process;
  counter("process_cpu_seconds_total", "User and system time of all threads.")
      .add_known(usage.cpu_seconds);
  gauge("process_resident_memory_bytes", "Memory that is resident.")
      .add_known(usage.resident_bytes);
  gauge("process_open_fds", "Open files and sockets.").add_known(usage.open_descriptors);
  gauge("process_max_fds", "Limit of open files and sockets.").add_known(usage.descriptor_limit);
  gauge("process_start_time_seconds", "Start of the process, since 1970.")
      .add(std::chrono::duration<double>(usage.started.time_since_epoch()).count());
}

void Collector::topology() {
  gauge("weir_primary_known", "1 while there is one server that takes writes.")
      .add(snapshot_.topology->primary.has_value());
  gauge("weir_topology_version",
        "Grows whenever the monitor publishes what it believes of the servers.")
      .add(snapshot_.topology->version);
  Family up = gauge("weir_server_up", "1 when the server takes part; why not: weir_server_health.");
  Family lag = gauge("weir_server_lag_seconds", "How far a replica is behind; missing: unknown.");
  Family weight = gauge("weir_server_weight", "As server.weight says.");
  Family limit = gauge("weir_server_connections_limit",
                       "As server.max_connections says; missing: there is none.");
  for (const ServerState& server : servers()) {
    const Labels labels = {{"server", server.name}};
    up.add(server.health == Health::up, labels);
    if (server.lag) lag.add(static_cast<double>(server.lag->count()) / 1000, labels);
    weight.add(server.weight, labels);
    if (server.max_connections > 0) limit.add(server.max_connections, labels);
  }
}

void Collector::roles_and_healths() {
  Family role = gauge("weir_server_role", "1 for the role that the server has, 0 for others.");
  Family health =
      gauge("weir_server_health", "1 for the state that the server is in, 0 for others.");
  for (const ServerState& server : servers()) {
    for (const Role each : kRoles) {
      role.add(server.role == each, {{"server", server.name}, {"role", text(to_string(each))}});
    }
    for (const Health each : kHealths) {
      health.add(server.health == each,
                 {{"server", server.name}, {"health", text(to_string(each))}});
    }
  }
}

void Collector::server_loads(const std::vector<ServerLoad>& loads) {
  Family open = gauge("weir_server_connections_open",
                      "Connections to the server, those that log in included.");
  Family idle = gauge("weir_server_connections_idle", "Of them, those that nobody holds.");
  Family outstanding = gauge("weir_server_statements_outstanding", "Statements under way there.");
  Family waiting =
      gauge("weir_server_connections_waiting", "Requests for a connection that wait for a place.");
  Family limit = gauge("weir_server_concurrency_limit",
                       "Statements that the server gets at a time; missing: any number.");
  Family in_line =
      gauge("weir_server_statements_in_line", "Statements that wait to be let in there.");
  Family shed = counter("weir_server_shed_total", "Statements that were turned away there.");
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const auto server = server_shown(*snapshot_.config, *snapshot_.topology, i);
    if (!server) continue;
    const Labels labels = {{"server", server->name}};
    open.add(loads[i].open, labels);
    idle.add(loads[i].idle, labels);
    outstanding.add(loads[i].outstanding, labels);
    waiting.add(loads[i].waiting, labels);
    if (loads[i].limit == 0) continue;
    limit.add(loads[i].limit, labels);
    in_line.add(loads[i].in_line, labels);
    shed.add(loads[i].shed, labels);
  }
}

void Collector::routed(const RoutedCounts& counts) {
  Family routed = counter("weir_statements_routed_total",
                          "Statements sent to servers, by where they went and why.");
  for (const bool to_replica : {false, true}) {
    for (std::size_t row = 0; row < RoutedCounts::kRows; ++row) {
      const std::uint64_t count = counts.count(row, to_replica);
      if (count == 0) continue;
      routed.add(count, {{"destination", to_replica ? "replica" : "primary"},
                         {"reason", text(RoutedCounts::name(row))}});
    }
  }
}

void Collector::counters(const WorkerCounters& counters) {
  const struct {
    const char* name;
    const char* help;
    std::uint64_t value;
  } rows[] = {
      {"weir_client_sessions_total", "Clients that were let in.", counters.sessions},
      {"weir_client_tls_sessions_total", "Clients that logged in through TLS.",
       counters.tls_sessions},
      {"weir_client_tls_failures_total", "Clients with whom TLS could not be begun, or broke.",
       counters.tls_failures},
      {"weir_reads_retried_total", "Reads that were run again because their server was lost.",
       counters.retried_reads},
      {"weir_replica_errors_answered_by_primary_total",
       "Errors of replicas that the client was not shown: the primary ran the statement.",
       counters.answered_by_primary_instead},
      {"weir_waits_total", "Reads sent to a replica behind a wait for the session's own write.",
       counters.waits},
      {"weir_waits_in_vain_total", "Of them, those that the primary answered after all.",
       counters.waits_in_vain},
      {"weir_stale_answers_avoided_total",
       "Reads for which a replica that is up was not fresh enough.", counters.stale_avoided},
      {"weir_transactions_replayed_total",
       "Transactions that were lost with their server and went on on another one.",
       counters.replays},
      {"weir_transactions_not_replayed_total",
       "Transactions that were lost and came out differently when they were run again.",
       counters.replays_failed},
      {"weir_statements_held_total", "Statements that waited for a server.", counters.held},
      {"weir_repairs_total",
       "Statements of weir's own that gave a connection the state of its session.",
       counters.repairs},
      {"weir_errors_total", "Statements answered with an error of weir's own.",
       counters.failed_statements},
      {"weir_diagnostics_given_up_total",
       "Warnings that nobody had asked for before others needed the connection.",
       counters.diagnostics_given_up},
      {"weir_idle_timeouts_total", "Sessions that limits.idle_timeout has ended.",
       counters.idle_timeouts},
      {"weir_query_timeouts_total", "Statements that had run too long and were ended.",
       counters.query_timeouts},
      {"weir_memory_refusals_total",
       "Prepared statements and long data that were not kept for limits.memory.",
       counters.memory_refusals},
      {"weir_memory_ends_total", "Sessions that were ended for limits.memory.",
       counters.memory_ends},
      {"weir_firewall_warned_total",
       "Statements that are not in the firewall's list of their user, and passed.",
       counters.firewall_total().warned},
      {"weir_firewall_refused_total", "Those that did not pass.",
       counters.firewall_total().refused},
  };
  for (const auto& row : rows) counter(row.name, row.help).add(row.value);
  Family refused =
      counter("weir_clients_refused_total", "Clients that were turned away before their login.");
  for (std::size_t i = 0; i < kRefusals; ++i) {
    refused.add(counters.refused[i], {{"reason", text(refusal_name(static_cast<Refusal>(i)))}});
  }
}

void Collector::rules(const std::vector<std::uint64_t>& matches) {
  Family matched = counter("weir_rule_matches_total", "Statements that fell under the rule.");
  for (std::size_t i = 0; i < matches.size() && i < snapshot_.config->rules.size(); ++i) {
    matched.add(matches[i], {{"rule", snapshot_.config->rules[i].name}});
  }
}

void Collector::pins(const PinReport& report) {
  Family made = counter("weir_pins_total", "Times that a session was pinned to the primary.");
  Family now = gauge("weir_pinned_sessions", "Sessions that have the pin now.");
  for (std::size_t i = 0; i < kPinCount; ++i) {
    const Pin pin = static_cast<Pin>(i);
    const Labels labels = {{"reason", text(pin_name(pin))}};
    made.add(report.counts.total(pin), labels);
    now.add(report.sessions[i], labels);
  }
}

}  // namespace

std::string metrics_text(const Snapshot& snapshot) {
  return prometheus::TextSerializer().Serialize(Collector(snapshot).collect());
}

}  // namespace weir::http
