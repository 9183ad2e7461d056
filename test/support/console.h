// The admin console of a weir under test.

#pragma once

#include <stdexcept>
#include <string>

#include "test/support/until.h"
#include "test/support/weir_process.h"

namespace weir::test {

inline const std::string kConsolePassword = "let me in";

// The same options, and a console on a free port. There must be no [auth] section in them yet.
inline WeirOptions with_console(WeirOptions options = {}) {
  std::string& listen = options.sections["listen"];
  if (listen.empty()) listen = "workers = 2\n";
  listen += "admin = \"127.0.0.1:0\"\n";
  options.sections["auth"] = "admin_password = \"" + kConsolePassword + "\"\n";
  return options;
}

class Console {
 public:
  explicit Console(const Weir& weir) : client_(login(weir)) {}

  Result query(const std::string& command) { return client_.query(command); }
  // A cell of the row whose first column says `row`; "NULL" for NULL, "none" without such a row.
  std::string cell(const std::string& command, const std::string& row, const std::string& column) {
    const Result table = query(command);
    std::size_t at = 0;
    while (table.columns.at(at) != column) ++at;
    for (const auto& each : table.rows) {
      if (each.at(0) == row) return each.at(at).value_or("NULL");
    }
    return "none";
  }
  long counter(const std::string& name) { return std::stol(cell("SHOW COUNTERS", name, "value")); }

 private:
  static Login login(const Weir& weir) {
    const std::string mark = "admin console on 127.0.0.1:";
    std::size_t at = std::string::npos;
    until([&] { return (at = weir.log().find(mark)) != std::string::npos; });
    if (at == std::string::npos) throw std::runtime_error("there is no console:\n" + weir.log());
    Login login;
    login.user = "admin";
    login.password = kConsolePassword;
    login.port = static_cast<std::uint16_t>(std::stoi(weir.log().substr(at + mark.size())));
    return login;
  }

  Client client_;
};

}  // namespace weir::test
