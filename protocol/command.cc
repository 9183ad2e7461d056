#include "protocol/command.h"

#include <array>

namespace weir::protocol {
namespace {

constexpr CommandInfo kCommands[] = {
    {Command::sleep, "COM_SLEEP", Handling::refuse, ReplyShape::ok},
    {Command::quit, "COM_QUIT", Handling::quit, ReplyShape::none},
    {Command::init_db, "COM_INIT_DB", Handling::init_db, ReplyShape::ok},
    {Command::query, "COM_QUERY", Handling::text, ReplyShape::result},
    {Command::field_list, "COM_FIELD_LIST", Handling::to_primary, ReplyShape::definitions},
    {Command::create_db, "COM_CREATE_DB", Handling::refuse, ReplyShape::ok},
    {Command::drop_db, "COM_DROP_DB", Handling::refuse, ReplyShape::ok},
    {Command::refresh, "COM_REFRESH", Handling::to_primary, ReplyShape::ok},
    {Command::shutdown, "COM_SHUTDOWN", Handling::refuse, ReplyShape::ok},
    {Command::statistics, "COM_STATISTICS", Handling::to_primary, ReplyShape::text},
    {Command::process_info, "COM_PROCESS_INFO", Handling::to_primary, ReplyShape::result},
    {Command::connect, "COM_CONNECT", Handling::refuse, ReplyShape::ok},
    {Command::process_kill, "COM_PROCESS_KILL", Handling::process_kill, ReplyShape::ok},
    {Command::debug, "COM_DEBUG", Handling::refuse, ReplyShape::ok},
    {Command::ping, "COM_PING", Handling::to_primary, ReplyShape::ok},
    {Command::time, "COM_TIME", Handling::refuse, ReplyShape::ok},
    {Command::delayed_insert, "COM_DELAYED_INSERT", Handling::refuse, ReplyShape::ok},
    {Command::change_user, "COM_CHANGE_USER", Handling::change_user, ReplyShape::ok},
    {Command::binlog_dump, "COM_BINLOG_DUMP", Handling::refuse, ReplyShape::ok},
    {Command::table_dump, "COM_TABLE_DUMP", Handling::refuse, ReplyShape::ok},
    {Command::connect_out, "COM_CONNECT_OUT", Handling::refuse, ReplyShape::ok},
    {Command::register_replica, "COM_REGISTER_SLAVE", Handling::refuse, ReplyShape::ok},
    {Command::stmt_prepare, "COM_STMT_PREPARE", Handling::prepare, ReplyShape::prepare},
    {Command::stmt_execute, "COM_STMT_EXECUTE", Handling::execute, ReplyShape::result},
    {Command::stmt_send_long_data, "COM_STMT_SEND_LONG_DATA", Handling::long_data,
     ReplyShape::none},
    {Command::stmt_close, "COM_STMT_CLOSE", Handling::close_statement, ReplyShape::none},
    {Command::stmt_reset, "COM_STMT_RESET", Handling::reset_statement, ReplyShape::ok},
    {Command::set_option, "COM_SET_OPTION", Handling::set_option, ReplyShape::ok},
    {Command::stmt_fetch, "COM_STMT_FETCH", Handling::fetch, ReplyShape::rows},
    {Command::daemon, "COM_DAEMON", Handling::refuse, ReplyShape::ok},
    {Command::binlog_dump_gtid, "COM_BINLOG_DUMP_GTID", Handling::refuse, ReplyShape::ok},
    {Command::reset_connection, "COM_RESET_CONNECTION", Handling::reset_connection, ReplyShape::ok},
    {Command::clone, "COM_CLONE", Handling::refuse, ReplyShape::ok},
    {Command::subscribe_group_replication_stream, "COM_SUBSCRIBE_GROUP_REPLICATION_STREAM",
     Handling::refuse, ReplyShape::ok},
    {Command::stmt_bulk_execute, "COM_STMT_BULK_EXECUTE", Handling::execute, ReplyShape::result},
};

constexpr CommandInfo kUnknown = {Command::sleep, "an unknown command", Handling::refuse,
                                  ReplyShape::ok};

// Row numbers by command byte, so that the look-up on the hot path is one load.
constexpr auto kIndex = [] {
  std::array<const CommandInfo*, 256> index{};
  for (auto& slot : index) slot = &kUnknown;
  for (const CommandInfo& info : kCommands) index[static_cast<std::uint8_t>(info.command)] = &info;
  return index;
}();

}  // namespace

const CommandInfo& command_info(std::uint8_t code) {
  return *kIndex[code];
}

}  // namespace weir::protocol
