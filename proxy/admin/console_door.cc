#include "proxy/admin/console_door.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/types.h>

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <utility>

namespace weir {
namespace {

// Where the kernel says who is there, nobody else gets to ask. With passwords, the umask decides.
constexpr mode_t kForOwner = 0600;

ListenSocket open_socket(const Endpoint& address, std::optional<mode_t> mode = std::nullopt) {
  try {
    return ListenSocket::open(address, false, mode);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(
        fmt::format("admin console: {}; give listen.admin another address, or \"\" to do without",
                    error.what()));
  }
}

std::optional<ConsoleDoor> with_made_password(const Config& config, const std::string& config_file,
                                              ListenSocket socket) {
  const Endpoint address = socket.address();
  const std::string path =
      made_password_path(config.auth, config_file, std::getenv("RUNTIME_DIRECTORY"));
  try {
    const protocol::Secret made = make_console_password();
    if (made.empty()) throw std::runtime_error("no randomness to be had from the system");
    PasswordFile file(path, option_file(config.auth.admin.user, made.view(), address));
    spdlog::info(
        "the admin console has no password in the configuration; the one of this start is "
        "in {}",
        path);
    return ConsoleDoor{std::move(socket), ConsoleAccounts(config.auth, made.view()),
                       std::move(file)};
  } catch (const std::runtime_error& error) {
    spdlog::warn(
        "no admin console on {}: a password was made for it and cannot be written to {}: {}; set "
        "auth.admin_password (or _file, _env), or another path in auth.admin_password_out",
        address.to_string(), path, error.what());
    return std::nullopt;
  }
}

}  // namespace

std::optional<ConsoleDoor> open_console(const Config& config, const std::string& config_file) {
  if (!config.listen.admin) return std::nullopt;
  const AuthConfig& auth = config.auth;
  // Nobody has asked for this one, and another weir on this machine may have come first.
  const bool by_default = *config.listen.admin == ListenConfig().admin && !auth.admin.has_secret();
  if (by_default) {
    try {
      return with_made_password(config, config_file, open_socket(*config.listen.admin));
    } catch (const std::runtime_error& error) {
      spdlog::warn("no {}", error.what());
      return std::nullopt;
    }
  }
  const bool passwords = auth.admin.has_secret() || auth.viewer.has_secret();
  ListenSocket socket =
      open_socket(*config.listen.admin, passwords ? std::nullopt : std::optional(kForOwner));
  if (auth.admin.has_secret() || socket.address().is_unix()) {
    return ConsoleDoor{std::move(socket), ConsoleAccounts(auth), std::nullopt};
  }
  return with_made_password(config, config_file, std::move(socket));
}

}  // namespace weir
