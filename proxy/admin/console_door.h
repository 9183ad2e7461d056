// The admin console's way in, before anybody stands there: its socket, and who may come.

#pragma once

#include <optional>
#include <string>

#include "proxy/admin/console_accounts.h"
#include "proxy/admin/made_password.h"
#include "proxy/config/config.h"
#include "proxy/net/listener.h"

namespace weir {

struct ConsoleDoor {
  ListenSocket socket;
  ConsoleAccounts accounts;
  std::optional<PasswordFile> password;  // where a made one can be read
};

// Listens. When the operator has no password, and the socket does not tell who is there, one is
// made and written to a file. Nothing when there is to be no console, or the file cannot be
// written, which the log says then. Throws std::runtime_error, with a text for people, when the
// address cannot be had.
std::optional<ConsoleDoor> open_console(const Config& config, const std::string& config_file);

}  // namespace weir
