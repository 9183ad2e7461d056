#include "proxy/monitor/heartbeat.h"

#include <random>

#include <fmt/format.h>

#include "proxy/monitor/probe_query.h"
#include "proxy/monitor/result_row.h"

namespace weir {
namespace {

constexpr unsigned kNoSchema = 1049;
constexpr unsigned kNoTable = 1146;
constexpr unsigned kSchemaDenied = 1044;
constexpr unsigned kTableDenied = 1142;

// So that a server's own default does not leave a transaction open.
constexpr const char* kBegin = "SET SESSION autocommit = 1; ";

std::string random_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace

// The configuration lets no other characters through than letters, digits, "_" and "-".
Heartbeat::Heartbeat(const std::string& table)
    : schema_(table.substr(0, table.find('.'))),
      table_(table.substr(table.find('.') + 1)),
      quoted_(fmt::format("`{}`.`{}`", schema_, table_)),
      row_(random_name()) {}

std::string Heartbeat::write_query(std::uint64_t count) const {
  return fmt::format("{}REPLACE INTO {} (weir, beat) VALUES ('{}', {})", kBegin, quoted_, row_,
                     count);
}

std::string Heartbeat::read_query() const {
  return fmt::format("{}SELECT beat FROM {} WHERE weir = '{}'", kBegin, quoted_, row_);
}

std::string Heartbeat::create_query() const {
  return fmt::format(
      "CREATE TABLE IF NOT EXISTS {} (weir CHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY,"
      " beat BIGINT UNSIGNED NOT NULL, written TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)"
      " ENGINE=InnoDB",
      quoted_);
}

std::string Heartbeat::clean_query() const {
  return fmt::format("{}DELETE FROM {} WHERE written < NOW() - INTERVAL 1 DAY", kBegin, quoted_);
}

std::optional<std::uint64_t> Heartbeat::decode(const ServerReply& reply) {
  if (reply.error != 0 || reply.results.empty() || reply.results[0].rows.empty()) {
    return std::nullopt;
  }
  return ResultRow(reply.results[0], 0).number<std::uint64_t>("beat");
}

bool Heartbeat::is_missing(const ServerReply& reply) {
  return reply.error == kNoTable || reply.error == kNoSchema;
}

std::string Heartbeat::advice(const ServerReply& failed, const std::string& account) const {
  std::string remedy;
  if (failed.error == kNoSchema) {
    remedy = fmt::format(": run CREATE DATABASE `{}`", schema_);
  } else if (failed.error == kNoTable) {
    remedy = ": run " + create_query();
  } else if (failed.error == kSchemaDenied || failed.error == kTableDenied) {
    remedy = fmt::format(": run GRANT SELECT, INSERT, DELETE, CREATE ON {} TO {}", quoted_,
                         quoted_account(account));
  }
  return fmt::format("the heartbeat table {}.{} cannot be used ({}){}", schema_, table_,
                     failed.message, remedy);
}

PositionPtr beat_position(std::uint64_t count) {
  auto set = GtidSet::parse(fmt::format("00000000-0000-0000-0000-000000000000:1-{}", count));
  return set ? std::make_shared<const GtidPosition>(std::move(*set)) : nullptr;
}

}  // namespace weir
