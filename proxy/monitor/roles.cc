#include "proxy/monitor/roles.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace weir {
namespace {

bool answered(const Probe& probe) {
  return probe.outcome == Probe::Outcome::answered;
}

bool unasked(const Probe& probe) {
  return probe.outcome == Probe::Outcome::none;
}

bool takes_writes(const Probe& probe) {
  if (!answered(probe) || probe.read_only) return false;
  return !probe.membership ||
         (probe.membership->state == Membership::State::in && probe.membership->may_write);
}

// Others follow this server.
bool is_followed(const std::vector<Probe>& probes, std::size_t server) {
  return std::any_of(probes.begin(), probes.end(), [&](const Probe& other) {
    return answered(other) &&
           std::any_of(other.channels.begin(), other.channels.end(),
                       [&](const Channel& channel) { return follows(channel, probes[server]); });
  });
}

bool is_fetching(const Probe& probe) {
  return std::any_of(probe.channels.begin(), probe.channels.end(), [](const Channel& channel) {
    return channel.receiver != ThreadState::stopped;
  });
}

// Those that may be the primary. A server that was merely discovered must not end the writes of all
// because somebody forgot to make it read_only, or has put it to other uses: it counts when it
// follows nobody, and others follow it or nobody else takes writes.
std::vector<std::size_t> find_writable(const Config& config, const std::vector<Probe>& probes) {
  std::vector<std::size_t> sure;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    const ServerConfig& server = config.servers[i];
    if (server.role == RolePin::replica || !takes_writes(probes[i])) continue;
    if (server.origin == Origin::listed || probes[i].membership) {
      sure.push_back(i);
    } else if (!is_fetching(probes[i])) {
      (is_followed(probes, i) ? sure : others).push_back(i);
    }
  }
  return sure.empty() ? others : sure;
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
      if (probe.membership && !probe.membership->why.empty()) {
        return fmt::format("{}{} {}", server.name, was, probe.membership->why);
      }
      if (probe.read_only) return fmt::format("{} is read_only", server.name);
      if (!takes_writes(probe)) return fmt::format("{} is a secondary of its group", server.name);
      if (server.origin == Origin::discovered) {
        return fmt::format("{} is writable{}, but was only discovered, and follows another server",
                           server.name, was);
      }
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
    if (config.servers[i].origin == Origin::left) continue;
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
  bool same_id = true, members = true;
  for (const std::size_t i : writable) {
    const Probe& probe = probes[i];
    same_id = same_id && probe.server_id == probes[writable.front()].server_id;
    members = members && probe.membership;
    std::string part = config.servers[i].name;
    if (!probe.channels.empty()) {
      const Channel& channel = probe.channels.front();
      part += fmt::format(" (though it follows {}:{})", channel.source_host, channel.source_port);
    }
    parts.push_back(std::move(part));
  }
  if (members) {
    return fmt::format(
        "several members of a group are writable, and do not agree on who belongs to it or leads "
        "it: "
        "{}; no write is routed until they do (is a member about to change, or was the group "
        "started twice?)",
        join(parts, ", "));
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

// Of several members that may write: the one whose server was started first. All weirs see the same
// order, whenever they were started themselves, and a server that comes back is the last in it, so
// that it does not take the writes over from the one that has them.
std::size_t senior(const std::vector<Probe>& probes, const std::vector<std::size_t>& writable) {
  return *std::min_element(writable.begin(), writable.end(), [&](std::size_t a, std::size_t b) {
    const Membership& x = *probes[a].membership;
    const Membership& y = *probes[b].membership;
    return std::tie(x.started, x.id, a) < std::tie(y.started, y.id, b);
  });
}

// Members of one group, which may all write at once.
bool share_writing(const std::vector<Probe>& probes, const std::vector<std::size_t>& writable) {
  return std::all_of(writable.begin(), writable.end(), [&](std::size_t i) {
    return probes[i].membership && !probes[i].membership->single_primary &&
           probes[i].membership->view == probes[writable.front()].membership->view;
  });
}

// What speaks against sending writes to a member although it takes them: it may not show yet what
// the writer before it has acknowledged. Empty: nothing.
std::string not_yet(const Config& config, const std::vector<Probe>& probes, std::size_t chosen,
                    const std::optional<LastWriter>& last) {
  const auto& member = probes[chosen].membership;
  if (!member || !last || last->server == chosen) return {};
  const std::string& name = config.servers[chosen].name;
  const Probe& former = probes[last->server];
  // The other members get the last words of one that has died when they agree that it is gone.
  const bool in_group =
      answered(former) && former.membership && former.membership->view == member->view;
  if (!in_group && !last->view.empty() && member->view == last->view) {
    return fmt::format("{} will take over from {} when their group has noticed that it is gone",
                       name, config.servers[last->server].name);
  }
  if (member->backlog > 0) {
    return fmt::format("{} takes over from {}, but has still to apply {} transactions of it", name,
                       config.servers[last->server].name, member->backlog);
  }
  return {};
}

void choose_primary(const Config& config, const std::vector<Probe>& probes,
                    const std::vector<Role>& last_roles,
                    const std::optional<LastWriter>& last_writer, Election& election) {
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
  const std::vector<std::size_t> writable = find_writable(config, probes);
  std::optional<std::size_t> mute_primary;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    if (config.servers[i].role == RolePin::replica) continue;
    if (mute(probes[i]) && last_roles[i] == Role::primary) mute_primary = i;
  }
  if (writable.size() == 1 || (writable.size() > 1 && share_writing(probes, writable))) {
    const std::size_t chosen = writable.size() == 1 ? writable[0] : senior(probes, writable);
    election.no_primary_why = not_yet(config, probes, chosen, last_writer);
    if (election.no_primary_why.empty()) election.primary = chosen;
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
  if (server.origin == Origin::left) return Role::unknown;
  if (server.role == RolePin::replica) return Role::replica;
  if (!answered(probe)) return last;
  if (probe.read_only || probe.membership || primary_pinned) return Role::replica;
  return Role::unknown;  // one of several that are writable
}

}  // namespace

Election elect(const Config& config, const std::vector<Probe>& probes,
               const std::vector<Role>& last_roles, const std::optional<LastWriter>& last_writer) {
  Election election;
  choose_primary(config, probes, last_roles, last_writer, election);
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
