// Commands to the admin console from whoever has its password: any bytes are understood within
// bounds, and what they say is inside of what was sent.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "proxy/admin/admin_command.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using Kind = AdminCommand::Kind;
  const auto require = [](bool condition) {
    if (!condition) std::abort();
  };
  // A copy of exactly this size, so that a read beyond the end is seen.
  const std::string text(reinterpret_cast<const char*>(data), size);
  const AdminCommand command = parse_admin_command(text);
  const bool names_server =
      command.kind == Kind::drain_server || command.kind == Kind::enable_server;
  require(names_server || command.name.empty());
  require(text.find(command.name) != std::string::npos);
  require(text.find(command.text) != std::string::npos);
  require(command.items.size() <= kMaxAdminItems);
  require(command.items.empty() == (command.kind != Kind::constants));
  if (command.kind == Kind::unknown) require(command.text == text);
  require(unknown_command_text(text).size() < 500);
  if (is_order(command.kind)) {
    const std::string order = order_text(command);
    require(order.size() < 500);
    require(order.find_first_of("\r\n\x1b") == std::string::npos);
  }
  // A command means the same with a semicolon behind it, unless that is part of what it is about.
  if (command.kind != Kind::explain_route && command.kind != Kind::unknown) {
    const Kind again = parse_admin_command(text + "\n;").kind;
    require(again == command.kind);
  }
  return 0;
}
