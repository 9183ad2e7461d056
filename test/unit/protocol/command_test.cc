#include "protocol/command.h"

#include <set>

#include "test/support/catch.h"

namespace weir::protocol {
namespace {

struct Row {
  std::uint8_t code;
  const char* name;
  Handling handling;
  ReplyShape reply;
};

// The rows that are not refused.
constexpr Row kServed[] = {
    {0x01, "COM_QUIT", Handling::quit, ReplyShape::none},
    {0x02, "COM_INIT_DB", Handling::init_db, ReplyShape::ok},
    {0x03, "COM_QUERY", Handling::text, ReplyShape::result},
    {0x04, "COM_FIELD_LIST", Handling::to_primary, ReplyShape::definitions},
    {0x07, "COM_REFRESH", Handling::to_primary, ReplyShape::ok},
    {0x09, "COM_STATISTICS", Handling::to_primary, ReplyShape::text},
    {0x0a, "COM_PROCESS_INFO", Handling::to_primary, ReplyShape::result},
    {0x0c, "COM_PROCESS_KILL", Handling::process_kill, ReplyShape::ok},
    {0x0e, "COM_PING", Handling::to_primary, ReplyShape::ok},
    {0x11, "COM_CHANGE_USER", Handling::change_user, ReplyShape::ok},
    {0x16, "COM_STMT_PREPARE", Handling::prepare, ReplyShape::prepare},
    {0x17, "COM_STMT_EXECUTE", Handling::execute, ReplyShape::result},
    {0x18, "COM_STMT_SEND_LONG_DATA", Handling::long_data, ReplyShape::none},
    {0x19, "COM_STMT_CLOSE", Handling::close_statement, ReplyShape::none},
    {0x1a, "COM_STMT_RESET", Handling::reset_statement, ReplyShape::ok},
    {0x1b, "COM_SET_OPTION", Handling::set_option, ReplyShape::ok},
    {0x1c, "COM_STMT_FETCH", Handling::fetch, ReplyShape::rows},
    {0x1f, "COM_RESET_CONNECTION", Handling::reset_connection, ReplyShape::ok},
    {0xfa, "COM_STMT_BULK_EXECUTE", Handling::execute, ReplyShape::result},
};

struct Name {
  std::uint8_t code;
  const char* name;
};

constexpr Name kRefused[] = {
    {0x00, "COM_SLEEP"},       {0x05, "COM_CREATE_DB"},
    {0x06, "COM_DROP_DB"},     {0x08, "COM_SHUTDOWN"},
    {0x0b, "COM_CONNECT"},     {0x0d, "COM_DEBUG"},
    {0x0f, "COM_TIME"},        {0x10, "COM_DELAYED_INSERT"},
    {0x12, "COM_BINLOG_DUMP"}, {0x13, "COM_TABLE_DUMP"},
    {0x14, "COM_CONNECT_OUT"}, {0x15, "COM_REGISTER_SLAVE"},
    {0x1d, "COM_DAEMON"},      {0x1e, "COM_BINLOG_DUMP_GTID"},
    {0x20, "COM_CLONE"},       {0x21, "COM_SUBSCRIBE_GROUP_REPLICATION_STREAM"},
};

TEST_CASE("commands: every byte has the row it should") {
  std::set<unsigned> known;
  for (const Row& row : kServed) {
    INFO(row.name);
    known.insert(row.code);
    const CommandInfo& info = command_info(row.code);
    CHECK(static_cast<std::uint8_t>(info.command) == row.code);
    CHECK(info.name == row.name);
    CHECK(info.handling == row.handling);
    CHECK(info.reply == row.reply);
  }
  for (const Name& row : kRefused) {
    INFO(row.name);
    known.insert(row.code);
    CHECK(static_cast<std::uint8_t>(command_info(row.code).command) == row.code);
    CHECK(command_info(row.code).name == row.name);
    CHECK(command_info(row.code).handling == Handling::refuse);
  }
  CHECK(known.size() == std::size(kServed) + std::size(kRefused));
  for (unsigned code = 0; code < 256; ++code) {
    if (known.count(code) > 0) continue;
    INFO(code);
    CHECK(command_info(static_cast<std::uint8_t>(code)).handling == Handling::refuse);
    CHECK(command_info(static_cast<std::uint8_t>(code)).name == "an unknown command");
  }
}

}  // namespace
}  // namespace weir::protocol
