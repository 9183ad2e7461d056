#include "proxy/core/client_error.h"

#include <fmt/format.h>

#include "protocol/frame.h"
#include "protocol/response.h"

namespace weir {

std::string error_payload(const ClientError& error) {
  std::string payload;
  protocol::append_err(payload, {error.code, error.sqlstate, error.message});
  return payload;
}

std::string error_packet(const ClientError& error, std::uint8_t sequence) {
  std::string packet;
  protocol::append_frames(packet, error_payload(error), sequence);
  return packet;
}

std::string error_in_place_of_greeting(ClientError error) {
  error.sqlstate = {};
  return error_packet(error, 0);
}

namespace errors {

ClientError bad_handshake() {
  return {1043, "08S01", "Bad handshake"};
}
ClientError insecure_transport() {
  return {
      3159, "HY000",
      "Connections using insecure transport are prohibited while --require_secure_transport=ON."};
}
ClientError packets_out_of_order() {
  return {1156, "08S01", "Got packets out of order"};
}
ClientError cannot_uncompress() {
  return {1157, "08S01", "Couldn't uncompress communication packet"};
}
ClientError packet_too_large() {
  return {1153, "08S01", "Got a packet bigger than 'max_allowed_packet' bytes"};
}
ClientError unknown_command() {
  return {1047, "08S01", "Unknown command"};
}
ClientError malformed_packet() {
  return {1835, "HY000", "Malformed communication packet."};
}

ClientError unknown_statement(std::uint32_t id, std::string_view command) {
  return {1243, "HY000",
          fmt::format("Unknown prepared statement handler ({}) given to {}", id, command)};
}

ClientError unknown_thread(std::uint32_t id) {
  return {1094, "HY000", fmt::format("Unknown thread id: {}", id)};
}

ClientError not_owner(std::uint32_t id) {
  return {1095, "HY000", fmt::format("You are not owner of thread {}", id)};
}

ClientError query_interrupted() {
  return {1317, "70100", "Query execution was interrupted"};
}

ClientError connection_killed() {
  return {1927, "70100", "Connection was killed"};
}

ClientError no_open_cursor(std::uint32_t id, bool mariadb) {
  return {1421, "HY000",
          fmt::format("The statement ({}) has no open cursor{}", id, mariadb ? "" : ".")};
}

ClientError too_many_statements(std::size_t limit) {
  return {
      1461, "42000",
      fmt::format("Can't create more than max_prepared_stmt_count statements (current value: {})",
                  limit)};
}

ClientError access_denied(std::string_view user, std::string_view host, bool used_password) {
  return {1045, "28000",
          fmt::format("Access denied for user '{}'@'{}' (using password: {})", user, host,
                      used_password ? "YES" : "NO")};
}

ClientError too_many_connections() {
  return {1040, "08004", "Too many connections"};
}

ClientError idle_too_long() {
  return {4031, "HY000",
          "The client was disconnected by the server because of inactivity. See wait_timeout and "
          "interactive_timeout for configuring this behavior."};
}

ClientError query_too_long(bool mariadb) {
  if (mariadb) {
    return {1969, "70100", "Query execution was interrupted (max_statement_time exceeded)"};
  }
  return {3024, "HY000",
          "Query execution was interrupted, maximum statement execution time exceeded"};
}

ClientError local_infile_refused() {
  return {
      1148, "42000",
      "weir: the server asked for a file that no LOAD DATA LOCAL of the statement names; the "
      "connection to the server was closed"};
}

ClientError read_only_transaction() {
  return {1792, "25006", "Cannot execute statement in a READ ONLY transaction."};
}

ClientError command_refused(std::string_view command) {
  return {1047, "08S01",
          fmt::format("weir: {} does not pass the proxy; connect to the server itself for it",
                      command)};
}

ClientError statements_too_large(std::size_t limit) {
  return {1461, "42000",
          fmt::format("weir: the prepared statements of this session are together longer than "
                      "limits.max_packet ({} bytes); close some",
                      limit)};
}

ClientError memory_is_short() {
  return {
      1041, "HY000",
      "weir: memory is short, nothing more is kept for clients; try again later (limits.memory)"};
}

ClientError out_of_memory() {
  return {1041, "HY000",
          "weir: memory has run out, and this session held most of it (limits.memory)"};
}

ClientError user_needs_tls() {
  return {3159, "HY000",
          "weir: connections using insecure transport are prohibited for this user (require_tls); "
          "connect with TLS or through the unix socket"};
}

ClientError too_many_logins() {
  return {1040, "08004", "weir: too many logins have their passwords checked; try again"};
}

ClientError collation_beyond_login(unsigned id) {
  return {
      1115, "42000",
      fmt::format("weir: a change of user to collation {}: only ids up to 255 can be carried to "
                  "other connections; use one of those, and SET NAMES after it",
                  id)};
}

ClientError old_client(std::string_view user) {
  return {1251, "08004",
          fmt::format("weir: '{0}' has to be let in by caching_sha2_password; connect again if the "
                      "client knows it, or else use a newer client library, or give the user's "
                      "password under [[user]] in weir's configuration",
                      user)};
}

ClientError user_limit(std::string_view user, std::size_t limit) {
  return {1203, "42000",
          fmt::format("weir: user '{}' already has {} connections, the max_connections that the "
                      "configuration allows",
                      user, limit)};
}

ClientError no_primary(std::string_view why, long waited_ms) {
  return {1290, "HY000",
          fmt::format("weir: no primary to write to after {} ms ({}); try again when one is back",
                      waited_ms, why)};
}

ClientError no_replica(std::string_view why) {
  return {1290, "HY000",
          fmt::format("weir: no replica may answer this read ({}), and primary_reads = \"never\"",
                      why)};
}

ClientError pool_timeout(std::string_view server, std::size_t limit, long waited_ms) {
  return {1041, "HY000",
          fmt::format("weir: all {} connections to server {} stayed busy for {} ms; raise its "
                      "max_connections or pool.queue_timeout",
                      limit, server, waited_ms)};
}

ClientError server_unreachable(std::string_view server, std::string_view why) {
  return {1290, "HY000", fmt::format("weir: server {} cannot be used: {}", server, why)};
}

ClientError outcome_unknown(std::string_view server, std::string_view why) {
  return {
      1158, "08S01",
      fmt::format("weir: the connection to server {} was lost ({}) after the statement was sent; "
                  "outcome unknown: look whether it took effect before running it again",
                  server, why)};
}

ClientError result_cut(std::string_view server, std::string_view why) {
  return {1158, "08S01",
          fmt::format(
              "weir: the connection to server {} was lost ({}) in the middle of the result; the "
              "rows so far are not all: run the statement again",
              server, why)};
}

ClientError transaction_lost(std::string_view server, std::string_view why) {
  return {1213, "40001",
          fmt::format(
              "weir: the transaction was lost with the connection to server {} ({}), nothing of "
              "it took effect; run it again",
              server, why)};
}

ClientError session_lost(std::string_view server, std::string_view what) {
  return {1158, "08S01",
          fmt::format(
              "weir: the connection to server {} was lost and with it the session's {}; connect "
              "again",
              server, what)};
}

ClientError shutting_down() {
  return {1053, "08S01", "Server shutdown in progress"};
}

ClientError statement_too_long(std::size_t limit) {
  return {
      1153, "08S01",
      fmt::format(
          "weir: a prepared statement's command is longer than the {} bytes that weir keeps of one",
          limit)};
}

ClientError long_data_too_large(std::size_t limit) {
  return {1105, "HY000",
          fmt::format(
              "weir: the long data of the statement is larger than limits.max_packet ({} bytes)",
              limit)};
}

ClientError overloaded(std::string_view server, std::size_t limit, std::size_t in_line,
                       long waited_ms) {
  return {
      1041, "HY000",
      fmt::format("weir: server {} is overloaded: it has {} statements at a time, as many as it "
                  "can do, and {} in line; this one waited {} ms and was not run. Run it again "
                  "later; limits: [overload], pool.queue_timeout",
                  server, limit, in_line, waited_ms)};
}

ClientError spill_timeout(std::string_view why, long waited_ms) {
  return {1041, "HY000",
          fmt::format("weir: no replica can answer this read, and {}; waited {} ms. Bring the "
                      "replicas back, or raise the limit",
                      why, waited_ms)};
}

ClientError rejected(std::string_view rule) {
  return {1142, "42000",
          fmt::format("weir: rule \"{}\" of the configuration rejects this statement", rule)};
}

ClientError not_allowed(std::string_view user, std::string_view why, std::string_view digest) {
  return {1142, "42000",
          fmt::format("weir: the firewall refuses this statement of user '{}'{}{}: {}; if it is "
                      "right, have it learnt or added to the list",
                      user, digest.empty() ? "" : ", digest ", digest, why)};
}

ClientError unknown_setting(std::string_view name) {
  return {1193, "HY000",
          fmt::format("weir: there is no setting 'weir.{}'; there is weir.consistency",
                      name.substr(0, 64))};
}

ClientError wrong_setting(std::string_view name, std::string_view value) {
  return {1231, "42000",
          fmt::format("weir: weir.{} cannot be set to '{}'; write SET weir.{} = 'eventual', "
                      "'session', 'global' or DEFAULT, and nothing else in the statement",
                      name, value.substr(0, 64), name)};
}

}  // namespace errors
}  // namespace weir
