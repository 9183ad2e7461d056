// The errors that weir itself answers with. Each carries a number and SQLSTATE that clients of
// MySQL already handle. Texts of weir's own begin with "weir:" and say what to do; texts that stand
// for what a server would have said to the same bytes are the server's.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

struct ClientError {
  std::uint16_t code = 0;
  std::string_view sqlstate;  // five letters, of static storage
  std::string message;
};

// The error packet's payload, as open() reports and clients are sent it.
std::string error_payload(const ClientError& error);
// The same, framed and ready to send.
std::string error_packet(const ClientError& error, std::uint8_t sequence);
// Sent in place of a greeting: there is no SQLSTATE yet, and the number is 0.
std::string error_in_place_of_greeting(ClientError error);

namespace errors {

// As a server says it (faults at the level of packets and of the handshake).
ClientError bad_handshake();                                                // 1043
ClientError insecure_transport();                                           // with a server's words
ClientError packets_out_of_order();                                         // 1156
ClientError cannot_uncompress();                                            // 1157
ClientError packet_too_large();                                             // 1153
ClientError unknown_command();                                              // 1047
ClientError malformed_packet();                                             // 1835
ClientError unknown_statement(std::uint32_t id, std::string_view command);  // 1243
ClientError unknown_thread(std::uint32_t id);                               // 1094
ClientError not_owner(std::uint32_t id);                                    // 1095
ClientError query_interrupted();                                            // 1317
ClientError connection_killed();                                            // 1927, MariaDB's
ClientError no_open_cursor(std::uint32_t id, bool mariadb);                 // 1421
ClientError too_many_statements(std::size_t limit);                         // 1461
ClientError access_denied(std::string_view user, std::string_view host,
                          bool used_password);  // 1045
ClientError too_many_connections();             // 1040
ClientError idle_too_long();                    // 4031, MySQL's
ClientError query_too_long(bool mariadb);       // 3024, MariaDB's 1969
ClientError local_infile_refused();             // 1148
ClientError read_only_transaction();            // 1792

// weir's own.
ClientError command_refused(std::string_view command);  // 1047
ClientError statements_too_large(std::size_t limit);    // 1461
ClientError memory_is_short();                          // 1041
ClientError out_of_memory();                            // 1041; the session ends
ClientError user_needs_tls();                           // 3159
ClientError too_many_logins();
ClientError collation_beyond_login(unsigned id);                                       // 1115
ClientError old_client(std::string_view user);                                         // 1251
ClientError user_limit(std::string_view user, std::size_t limit);                      // 1203
ClientError no_primary(std::string_view why, long waited_ms);                          // 1290
ClientError no_replica(std::string_view why);                                          // 1290
ClientError pool_timeout(std::string_view server, std::size_t limit, long waited_ms);  // 1041
ClientError spill_timeout(std::string_view why, long waited_ms);                       // 1041
ClientError server_unreachable(std::string_view server, std::string_view why);         // 1290
ClientError outcome_unknown(std::string_view server, std::string_view why);            // 1158
ClientError result_cut(std::string_view server, std::string_view why);                 // 1158
ClientError transaction_lost(std::string_view server, std::string_view why);           // 1213
ClientError session_lost(std::string_view server, std::string_view what);              // 1158
ClientError shutting_down();                                                           // 1053
ClientError statement_too_long(std::size_t limit);                                     // 1153
ClientError long_data_too_large(std::size_t limit);                                    // 1105
ClientError rejected(std::string_view rule);                                           // 1142
// `digest` is that of the statement; empty: it has none.
ClientError not_allowed(std::string_view user, std::string_view why,
                        std::string_view digest);                          // 1142
ClientError unknown_setting(std::string_view name);                        // 1193
ClientError wrong_setting(std::string_view name, std::string_view value);  // 1231
// `limit` statements at a time; so many were in line, and this one was there for so long.
ClientError overloaded(std::string_view server, std::size_t limit, std::size_t in_line,
                       long waited_ms);  // 1041

}  // namespace errors
}  // namespace weir
