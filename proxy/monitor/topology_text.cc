#include "proxy/monitor/topology_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace weir {
namespace {

constexpr std::size_t kColumns = 8;
using Line = std::array<std::string, kColumns>;

Line describe(const ServerState& server) {
  return {server.name,
          server.address.to_string(),
          std::string(to_string(server.role)),
          std::string(to_string(server.health)),
          server.lag ? fmt::format("{} ms", server.lag->count()) : "-",
          std::string(to_string(server.origin)),
          server.version.empty() ? "-" : server.version,
          server.why};
}

// Width in characters, not bytes: server names and error texts may hold UTF-8.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::unknown:
      return "unknown";
    case Role::primary:
      return "primary";
    case Role::replica:
      return "replica";
  }
  return "?";
}

std::string_view to_string(Health health) {
  switch (health) {
    case Health::unknown:
      return "unknown";
    case Health::up:
      return "up";
    case Health::recovering:
      return "recovering";
    case Health::lagging:
      return "lagging";
    case Health::stalled:
      return "stalled";
    case Health::denied:
      return "denied";
    case Health::down:
      return "down";
    case Health::drained:
      return "drained";
  }
  return "?";
}

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::listed:
      return "listed";
    case Origin::discovered:
      return "discovered";
    case Origin::left:
      return "left";
  }
  return "?";
}

std::string print_topology(const Topology& topology) {
  std::vector<Line> lines = {
      {"server", "address", "role", "health", "lag", "origin", "version", "why"}};
  for (const ServerState& server : topology.servers) {
    if (server.origin != Origin::left) lines.push_back(describe(server));
  }
  std::array<std::size_t, kColumns> widths{};
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], width(line[i]));
  }
  std::string text;
  for (const Line& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < kColumns; ++i) {
      row += line[i] + std::string(widths[i] - width(line[i]) + 2, ' ');
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  text += topology.primary
              ? fmt::format("The primary is {}.\n", topology.servers[*topology.primary].name)
              : fmt::format("There is no primary: {}.\n", topology.no_primary_why);
  return text;
}

}  // namespace weir
