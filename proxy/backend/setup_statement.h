// The statement that makes a server report the session's state.

#pragma once

#include <string>

namespace weir {

// Sent once after every login and reset. It lists what the server is to report in OK packets: the
// tracked variables, the schema, and the GTID of each write. It also sets sql_mode to itself, which
// makes the server report the value the session began with.
//
// MySQL ignores variable names that it does not know; MariaDB refuses them, but can report all
// there are without flooding the OK packets ("*" on MySQL reports statement_id after every
// statement).
const std::string& setup_statement(bool mariadb);

}  // namespace weir
