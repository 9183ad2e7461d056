// Every command of the protocol as one row of a table: a new command is one row. Protocol
// documentation: "Command Phase"; MariaDB documentation: "COM_STMT_BULK_EXECUTE".

#pragma once

#include <cstdint>
#include <string_view>

namespace weir::protocol {

enum class Command : std::uint8_t {
  sleep = 0x00,
  quit = 0x01,
  init_db = 0x02,
  query = 0x03,
  field_list = 0x04,
  create_db = 0x05,
  drop_db = 0x06,
  refresh = 0x07,
  shutdown = 0x08,
  statistics = 0x09,
  process_info = 0x0a,
  connect = 0x0b,
  process_kill = 0x0c,
  debug = 0x0d,
  ping = 0x0e,
  time = 0x0f,
  delayed_insert = 0x10,
  change_user = 0x11,
  binlog_dump = 0x12,
  table_dump = 0x13,
  connect_out = 0x14,
  register_replica = 0x15,
  stmt_prepare = 0x16,
  stmt_execute = 0x17,
  stmt_send_long_data = 0x18,
  stmt_close = 0x19,
  stmt_reset = 0x1a,
  set_option = 0x1b,
  stmt_fetch = 0x1c,
  daemon = 0x1d,
  binlog_dump_gtid = 0x1e,
  reset_connection = 0x1f,
  clone = 0x20,
  subscribe_group_replication_stream = 0x21,
  stmt_bulk_execute = 0xfa,
};

// How the reply to a command is built, which is what tells where it ends.
enum class ReplyShape : std::uint8_t {
  none,         // the server answers nothing
  ok,           // one OK, EOF or ERR
  result,       // OK, ERR, LOCAL INFILE, or result sets; then maybe more of them
  prepare,      // PREPARE_OK with parameter and column definitions, or ERR
  definitions,  // column definitions up to an EOF, or ERR
  rows,         // rows up to an EOF, or ERR
  text,         // one packet of plain text, or ERR
};

// What a proxy does with a command.
enum class Handling : std::uint8_t {
  refuse,  // answered with 1047: unknown, obsolete, or never to pass a proxy
  quit,
  text,        // SQL: classified and routed
  to_primary,  // forwarded to the primary as it is
  process_kill,
  init_db,
  change_user,
  reset_connection,
  set_option,
  prepare,
  execute,
  long_data,
  close_statement,
  reset_statement,
  fetch,
};

struct CommandInfo {
  Command command;
  std::string_view name;  // as MySQL spells it, "COM_QUERY"
  Handling handling;
  ReplyShape reply;
};

// The row of a command byte; a byte that no server knows has a row of its own that says `refuse`.
const CommandInfo& command_info(std::uint8_t code);

}  // namespace weir::protocol
