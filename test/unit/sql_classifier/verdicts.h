// Tables of statements for the classifier's tests.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "sql_classifier/classifier.h"
#include "test/support/catch.h"

namespace weir::test {

// A statement that is a read; `reason` tells what keeps it from the replicas, plain_read that
// nothing does.
struct ReadRow {
  std::string_view text;
  sql::Reason reason;
  sql::Effect effects = sql::Effect::none;
};

inline void check_reads(std::initializer_list<ReadRow> rows) {
  for (const ReadRow& row : rows) {
    CAPTURE(std::string(row.text));
    const auto got = sql::classify(row.text);
    CHECK(sql::kind_name(got.kind) == "read");
    CHECK(sql::reason_name(got.reason) == sql::reason_name(row.reason));
    CHECK(static_cast<std::uint64_t>(got.effects) == static_cast<std::uint64_t>(row.effects));
    const auto expected = row.reason == sql::Reason::plain_read ? sql::Placement::any
                          : row.reason == sql::Reason::previous_statement
                              ? sql::Placement::last_connection
                              : sql::Placement::primary;
    CHECK(got.placement == expected);
  }
}

// A statement that only the primary may run.
struct PrimaryRow {
  std::string_view text;
  sql::StatementKind kind;
  sql::Effect effects = sql::Effect::none;
};

inline void check_primary(std::initializer_list<PrimaryRow> rows) {
  for (const PrimaryRow& row : rows) {
    CAPTURE(std::string(row.text));
    const auto got = sql::classify(row.text);
    CHECK(sql::kind_name(got.kind) == sql::kind_name(row.kind));
    CHECK(static_cast<std::uint64_t>(got.effects) == static_cast<std::uint64_t>(row.effects));
    CHECK(got.placement == sql::Placement::primary);
  }
}

}  // namespace weir::test
