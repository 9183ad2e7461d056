// The operator's password when the configuration has none: made at each start, and left in a file
// that only weir's own user can read.

#pragma once

#include <string>
#include <string_view>

#include "protocol/auth/secret.h"
#include "proxy/config/config.h"

namespace weir {

// 128 bits in hexadecimal digits. Empty when there is no randomness to be had.
protocol::Secret make_console_password();

// Where it is written. `config_file` is the path of the configuration, `runtime_directory` what
// systemd has put into RUNTIME_DIRECTORY, or null.
std::string made_password_path(const AuthConfig& auth, const std::string& config_file,
                               const char* runtime_directory);

// An option file for MySQL's clients, with what it takes to reach the console at `address`, which
// is a TCP address with its port.
protocol::Secret option_file(std::string_view user, std::string_view password,
                             const Endpoint& address);

// A file with a made password, which is gone when this object is.
class PasswordFile {
 public:
  // Replaces what an earlier start has left there, and nothing else; `text` begins as
  // option_file() does. Throws std::runtime_error with the cause.
  PasswordFile(std::string path, const protocol::Secret& text);
  PasswordFile(PasswordFile&& other) noexcept;
  PasswordFile& operator=(PasswordFile&&) = delete;
  ~PasswordFile();  // leaves alone what somebody else has put there meanwhile

  const std::string& path() const { return path_; }

 private:
  bool is_still_there() const;

  std::string path_;
  int descriptor_ =
      -1;  // stays open, so that no other file can be taken for this one; -1: moved from
};

}  // namespace weir
