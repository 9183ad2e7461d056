// What people and their clients say to the admin console, as values. Pure; any bytes are accepted.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct AdminCommand {
  enum class Kind : std::uint8_t {
    show_servers,
    show_pools,
    show_sessions,
    show_pins,
    show_counters,
    show_rules,
    show_firewall,
    show_config,
    show_warnings,  // there never are any
    help,
    drain_server,   // `name`
    enable_server,  // `name`
    kill_session,   // `session`
    explain_route,  // `text`
    constants,      // SELECT of `items`: what clients ask for by themselves when they connect
    accept,         // SET, USE, COMMIT and the like, which have nothing to change here
    empty,          // nothing but white space and comments
    unknown,        // `text`: what was not understood
  };

  // One expression of a SELECT.
  struct Item {
    enum class Kind : std::uint8_t { literal, null, variable, function };
    Kind kind = Kind::literal;
    std::string text;     // the value; the name of the variable or function, in lower case
    std::string label;    // what its column is called
    bool quoted = false;  // a literal that is no number
  };

  Kind kind = Kind::unknown;
  std::string name;
  std::uint32_t session = 0;
  std::string text;
  std::vector<Item> items;
};

// At most so many expressions are understood in one SELECT.
inline constexpr std::size_t kMaxAdminItems = 64;

AdminCommand parse_admin_command(std::string_view text);

// Whether it is the operator's: it changes something. Everything else is for viewers, too.
bool is_order(AdminCommand::Kind kind);
// An order in one short line, safe to print.
std::string order_text(const AdminCommand& command);

struct AdminHelp {
  std::string_view command;
  std::string_view meaning;
};

// The commands that are for people, in the order in which they are told.
const std::vector<AdminHelp>& admin_help();

// The text of the error that answers an unknown command.
std::string unknown_command_text(std::string_view text);

}  // namespace weir
