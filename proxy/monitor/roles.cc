#include "proxy/monitor/roles.h"

#include <algorithm>

#include <fmt/format.h>

namespace weir {
namespace {

bool answered(const Probe& probe) {
  return probe.outcome == Probe::Outcome::answered;
}

bool unasked(const Probe& probe) {
  return probe.outcome == Probe::Outcome::none;
}

// Alive, but not telling whether it is writable.
bool mute(const Probe& probe) {
  return probe.outcome == Probe::Outcome::denied || probe.outcome == Probe::Outcome::refused;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

// One server's part in the explanation why there is no primary.
std::string seen(const ServerConfig& server, const Probe& probe, Role last) {
  const std::string was = last == Role::primary ? " (the primary until now)" : "";
  switch (probe.outcome) {
    case Probe::Outcome::none:
      return fmt::format("{} has not answered yet", server.name);
    case Probe::Outcome::answered:
      if (probe.read_only) return fmt::format("{} is read_only", server.name);
      return fmt::format("{} is writable{}", server.name,
                         server.role == RolePin::replica ? ", but configured as a replica" : "");
    case Probe::Outcome::denied:
      return fmt::format("{}{} refuses the monitor's account: {}", server.name, was, probe.error);
    case Probe::Outcome::refused:
      return fmt::format("{}{} cannot be questioned: {}", server.name, was, probe.error);
    case Probe::Outcome::failed:
      break;
  }
  return fmt::format("{}{} does not answer: {}", server.name, was, probe.error);
}

std::string nobody(const Config& config, const std::vector<Probe>& probes,
                   const std::vector<Role>& last_roles) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    parts.push_back(seen(config.servers[i], probes[i], last_roles[i]));
  }
  if (parts.empty()) return "no server is configured";
  const bool all_asked = std::none_of(probes.begin(), probes.end(), unasked);
  return (all_asked ? "no server is known to be writable: " : "not all servers were asked yet: ") +
         join(parts, "; ");
}

std::string several(const Config& config, const std::vector<Probe>& probes,
                    const std::vector<std::size_t>& writable) {
  std::vector<std::string> parts;
  bool same_id = true;
  for (const std::size_t i : writable) {
    const Probe& probe = probes[i];
    same_id = same_id && probe.server_id == probes[writable.front()].server_id;
    std::string part = config.servers[i].name;
    if (!probe.channels.empty()) {
      const Channel& channel = probe.channels.front();
      part += fmt::format(" (though it follows {}:{})", channel.source_host, channel.source_port);
    }
    parts.push_back(std::move(part));
  }
  return fmt::format(
      "several servers are writable: {}{}; no write is routed until all but one are read_only (SET "
      "GLOBAL "
      "read_only = 1), or the configuration says role = \"primary\" for one",
      join(parts, ", "),
      same_id ? " (all have the same server_id: is one server listed twice?)" : "");
}

// The primary that the configuration names; several is an error there, but must not elect here.
std::optional<std::size_t> pinned_primary(const Config& config, std::string& why) {
  std::optional<std::size_t> pinned;
  for (std::size_t i = 0; i < config.servers.size(); ++i) {
    if (config.servers[i].role != RolePin::primary) continue;
    if (pinned) {
      why = fmt::format("{} and {} are both configured with role = \"primary\"",
                        config.servers[*pinned].name, config.servers[i].name);
    } else {
      pinned = i;
    }
  }
  return pinned;
}

void choose_primary(const Config& config, const std::vector<Probe>& probes,
                    const std::vector<Role>& last_roles, Election& election) {
  const auto pinned = pinned_primary(config, election.no_primary_why);
  if (!election.no_primary_why.empty()) return;
  if (pinned) {
    if (answered(probes[*pinned]) || mute(probes[*pinned])) {
      election.primary = pinned;
    } else {
      election.no_primary_why = "role = \"primary\" is configured, but " +
                                seen(config.servers[*pinned], probes[*pinned], Role::unknown);
    }
    return;
  }
  // Until everybody was asked once, whoever looks like the only writable server may not be it.
  if (std::any_of(probes.begin(), probes.end(), unasked)) {
    election.no_primary_why = nobody(config, probes, last_roles);
    return;
  }
  std::vector<std::size_t> writable;
  std::optional<std::size_t> mute_primary;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    if (config.servers[i].role == RolePin::replica) continue;
    if (answered(probes[i]) && !probes[i].read_only) writable.push_back(i);
    if (mute(probes[i]) && last_roles[i] == Role::primary) mute_primary = i;
  }
  if (writable.size() == 1) {
    election.primary = writable.front();
  } else if (writable.size() > 1) {
    election.no_primary_why = several(config, probes, writable);
  } else if (mute_primary) {
    // It lives, and nobody has taken its place: losing the monitor's account must not stop writes.
    election.primary = mute_primary;
  } else {
    election.no_primary_why = nobody(config, probes, last_roles);
  }
}

Role role_of_other(const ServerConfig& server, const Probe& probe, Role last, bool primary_pinned) {
  if (server.role == RolePin::replica) return Role::replica;
  if (!answered(probe)) return last;
  if (probe.read_only || primary_pinned) return Role::replica;
  return Role::unknown;  // one of several that are writable
}

}  // namespace

Election elect(const Config& config, const std::vector<Probe>& probes,
               const std::vector<Role>& last_roles) {
  Election election;
  choose_primary(config, probes, last_roles, election);
  std::string ignored;
  const bool primary_pinned = pinned_primary(config, ignored).has_value();
  for (std::size_t i = 0; i < probes.size(); ++i) {
    Role role = role_of_other(config.servers[i], probes[i], last_roles[i], primary_pinned);
    // Writable again after a moment's silence, while a unique other server has taken over.
    if (election.primary == i) {
      role = Role::primary;
    } else if (election.primary && role == Role::primary) {
      role = Role::unknown;
    }
    if (config.servers[i].role == RolePin::primary) role = Role::primary;
    election.roles.push_back(role);
  }
  return election;
}

}  // namespace weir
