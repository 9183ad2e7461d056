// What the admin console shows, as result sets. Pure: a snapshot in, rows out.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result_set.h"
#include "proxy/admin/admin_command.h"
#include "proxy/config/config.h"
#include "proxy/core/topology.h"
#include "proxy/firewall/allow_list.h"
#include "proxy/session/session_info.h"
#include "proxy/session/status_survey.h"

namespace weir {

// `topology` may know nothing yet; `status` is the sum over all workers.
protocol::ResultSet servers_table(const Config& config, const Topology& topology,
                                  const WorkerStatus& status);
protocol::ResultSet pools_table(const Config& config, const Topology& topology,
                                const WorkerStatus& status);
protocol::ResultSet sessions_table(const Config& config, const Topology& topology,
                                   const std::vector<SessionInfo>& sessions);
protocol::ResultSet pins_table(const PinReport& pins);
protocol::ResultSet counters_table(const WorkerStatus& status);
protocol::ResultSet rules_table(const Config& config, const WorkerStatus& status);
// `lists` is null when there is no firewall; `learnt` by user.
protocol::ResultSet firewall_table(const Config& config, const AllowLists* lists,
                                   const std::map<std::string, std::uint64_t>& learnt,
                                   const WorkerStatus& status);
protocol::ResultSet config_table(const Config& config);
protocol::ResultSet help_table();
// What SHOW WARNINGS answers on a connection that never has any.
protocol::ResultSet no_warnings_table();

// The console itself, for clients that ask what they are connected to.
struct ConsoleFacts {
  std::string version;
  std::string user;
  std::string client;  // address
  std::uint32_t connection_id = 0;
};

// One row with a value for each item. Nothing, with the name in `unknown`, when there is none.
std::optional<protocol::ResultSet> constants_table(const std::vector<AdminCommand::Item>& items,
                                                   const ConsoleFacts& facts,
                                                   const AdminCommand::Item*& unknown);

// The index of a server; nothing when none has this name.
std::optional<std::size_t> find_server(const Config& config, const Topology& topology,
                                       std::string_view name);
// The text of the error for a name that no server has.
std::string unknown_server_text(const Config& config, const Topology& topology,
                                std::string_view name);

}  // namespace weir
