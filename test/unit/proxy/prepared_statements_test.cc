#include "proxy/core/prepared_statements.h"

#include <set>

#include "protocol/byte_writer.h"
#include "sql_classifier/tracked_variables.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir {
namespace {

using test::ExactBytes;
using namespace std::string_literals;

SessionState with_mode(const char* mode) {
  SessionState state;
  state.set_variable(sql::find_tracked_variable("sql_mode").value(), mode);
  return state;
}

TEST_CASE("prepared statements: ids are never given twice at a time") {
  StateTable states;
  StatementStore store(states);
  PreparedStatements statements;
  const StatementPtr shared = store.intern("SELECT ?", {}, {}, 1);
  std::set<std::uint32_t> ids;
  for (int i = 0; i < 100; ++i) {
    const PreparedStatement& made = statements.add(shared);
    CHECK(made.id != 0);
    CHECK(made.shared == shared);
    ids.insert(made.id);
  }
  CHECK(ids.size() == 100);
  CHECK(statements.size() == 100);
  CHECK(statements.text_size() == 800);
  const std::uint32_t one = *ids.begin();
  REQUIRE(statements.find(one) != nullptr);
  CHECK(statements.find(one)->id == one);
  statements.erase(one);
  statements.erase(one);
  CHECK(statements.find(one) == nullptr);
  CHECK(ids.count(statements.add(shared).id) == 0);
  CHECK(statements.find(0) == nullptr);
  CHECK(statements.find(UINT32_MAX) == nullptr);  // MariaDB's word for "the last one prepared"
  CHECK_FALSE(statements.any_cursor());
  statements.add(shared).cursor_open = true;
  CHECK(statements.any_cursor());
  statements.clear();
  CHECK(statements.size() == 0);
  CHECK(statements.text_size() == 0);
}

TEST_CASE("prepared statements: clients share what is read alike") {
  StateTable states;
  StatementStore store(states);
  sql::Classification facts;
  facts.kind = sql::StatementKind::read;
  facts.names_collation = "about to dangle";
  const StatementPtr one = store.intern("SELECT ?", with_mode(""), facts, 1);
  CHECK(one->text == "SELECT ?");
  CHECK(one->parameters == 1);
  CHECK(one->facts.kind == sql::StatementKind::read);
  CHECK(one->facts.names_collation.empty());
  CHECK(store.intern("SELECT ?", with_mode(""), facts, 1) == one);
  CHECK(store.intern("SELECT ?", with_mode("ANSI_QUOTES"), facts, 1) != one);
  CHECK(store.intern("SELECT  ?", with_mode(""), facts, 1) != one);
  SessionState elsewhere = with_mode("");
  elsewhere.set_schema("shop");
  CHECK(store.intern("SELECT ?", elsewhere, facts, 1) != one);
  CHECK(store.size() == 4);
}

TEST_CASE("prepared statements: the store is bounded by what clients hold") {
  StateTable states;
  StatementStore store(states);
  std::vector<StatementPtr> held;
  for (int i = 0; i < 10000; ++i) {
    StatementPtr made = store.intern("SELECT " + std::to_string(i), {}, {}, 0);
    if (i % 100 == 0) held.push_back(std::move(made));
  }
  CHECK(store.size() <= 2048);
  CHECK(store.intern("SELECT 0", {}, {}, 0) == held[0]);
}

TEST_CASE("prepared statements: long data is dropped as a whole") {
  PreparedStatement statement;
  statement.long_data = {"a", "b"};
  statement.long_data_size = 2;
  statement.drop_long_data();
  CHECK(statement.long_data.empty());
  CHECK(statement.long_data_size == 0);
}

TEST_CASE("prepared statements: the one prepared last") {
  StateTable states;
  StatementStore store(states);
  PreparedStatements statements;
  CHECK(statements.last() == nullptr);
  const std::uint32_t first = statements.add(store.intern("SELECT 1", {}, {}, 0)).id;
  CHECK(statements.last()->id == first);
  const std::uint32_t second = statements.add(store.intern("SELECT 2", {}, {}, 0)).id;
  CHECK(statements.last()->id == second);
  statements.erase(first);
  CHECK(statements.last()->id == second);
  statements.erase(second);
  CHECK(statements.last() == nullptr);
  statements.add(store.intern("SELECT 3", {}, {}, 0));
  statements.forget_last();  // another preparation has failed
  CHECK(statements.last() == nullptr);
  statements.add(store.intern("SELECT 4", {}, {}, 0));
  statements.clear();
  CHECK(statements.last() == nullptr);
}

std::string execute(std::uint16_t parameters, const std::string& types, const std::string& values,
                    std::uint8_t flags = 0) {
  std::string out;
  protocol::ByteWriter writer(out);
  writer.int1(0x17).int4(7).int1(flags).int4(1);
  if (parameters > 0) {
    writer.text(std::string((parameters + 7u) / 8u, '\0')).int1(types.empty() ? 0 : 1).text(types);
  }
  writer.text(values);
  return out;
}

TEST_CASE("execute: the layout for any number of parameters") {
  for (const std::uint16_t parameters :
       std::initializer_list<std::uint16_t>{1, 2, 7, 8, 9, 16, 17, 300, 65535}) {
    INFO(parameters);
    const std::string types(parameters * 2u, '\x03');
    const std::size_t bitmap = (parameters + 7u) / 8u;
    const ExactBytes with(execute(parameters, types, "values"));
    const auto layout = parse_execute(with, parameters, 0);
    REQUIRE(layout);
    CHECK(layout->has_types);
    CHECK(layout->types == types);
    CHECK(layout->types_flag_at == 10 + bitmap);

    const std::string bare = execute(parameters, "", "values", 1);
    const ExactBytes without(bare);
    const auto shorter = parse_execute(without, parameters, 0);
    REQUIRE(shorter);
    CHECK_FALSE(shorter->has_types);
    CHECK(shorter->types.empty());
    CHECK(shorter->cursor == 1);
    const std::string inserted = insert_types(without, *shorter, types);
    CHECK(inserted == execute(parameters, types, "values", 1));
  }
}

TEST_CASE("execute: without parameters there is nothing but the head") {
  const ExactBytes bytes(execute(0, "", "", 1));
  const auto layout = parse_execute(bytes, 0, 0);
  REQUIRE(layout);
  CHECK(layout->cursor == 1);
  CHECK_FALSE(layout->has_types);
  CHECK(layout->types_flag_at == 0);
}

TEST_CASE("execute: every truncation up to the values is malformed") {
  for (const std::uint16_t parameters : std::initializer_list<std::uint16_t>{0, 1, 9, 300}) {
    for (const bool has_types : {false, true}) {
      if (parameters == 0 && has_types) continue;
      const std::string types = has_types ? std::string(parameters * 2u, '\x08') : "";
      const std::string bytes = execute(parameters, types, "");
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        const ExactBytes cut(bytes.substr(0, size));
        if (parse_execute(cut, parameters, 0)) {
          INFO(parameters << " parameters, " << size << " bytes");
          FAIL("a truncated command was understood");
        }
      }
      CHECK(parse_execute(ExactBytes(bytes), parameters, 0));
    }
  }
}

TEST_CASE("execute: any flag but 0 announces types") {
  std::string bytes = execute(1, "", "");
  bytes.back() = '\2';
  CHECK_FALSE(parse_execute(ExactBytes(bytes), 1, 0));
  const ExactBytes with(bytes + "\3" + '\0');
  const auto layout = parse_execute(with, 1, 0);
  REQUIRE(layout);
  CHECK(layout->has_types);
}

// What MySQL 9.7 takes and refuses on a connection with query attributes.
TEST_CASE("execute: with query attributes") {
  const std::string head = test::from_hex("17 07000000 08 01000000");
  const std::string own = test::from_hex("fe00 00");
  const std::string attribute = test::from_hex("0300 01 62");
  const auto parse = [](const std::string& bytes, std::uint16_t parameters) {
    return parse_execute(protocol::as_bytes(bytes), parameters, protocol::kQueryAttributes);
  };
  SECTION("the attributes' types are not the statement's") {
    const std::string bytes = head + test::from_hex("02 00 01") + own + attribute + "values";
    const auto layout = parse(bytes, 1);
    REQUIRE(layout);
    CHECK(layout->cursor == 0);
    CHECK(layout->has_types);
    CHECK(layout->types == own);
    for (std::size_t size = 10; size < head.size() + 3 + own.size(); ++size) {
      CHECK_FALSE(parse_execute(ExactBytes(bytes.substr(0, size)), 1, protocol::kQueryAttributes));
    }
  }
  SECTION("missing types are put in behind the count") {
    const std::string bytes = head + test::from_hex("01 00 00") + "values";
    const auto layout = parse(bytes, 1);
    REQUIRE(layout);
    CHECK_FALSE(layout->has_types);
    CHECK(insert_types(protocol::as_bytes(bytes), *layout, own) ==
          head + test::from_hex("01 00 01") + own + "values");
  }
  SECTION("the count is there without the flag, too") {
    const auto layout = parse(test::from_hex("17 07000000 00 01000000 01 00 01 fe00 00"), 1);
    REQUIRE(layout);
    CHECK(layout->has_types);
  }
  SECTION("nothing can be put in that the server would take") {
    for (const char* rest : {"00", "02 00 00 6869"}) {
      const auto layout = parse(head + test::from_hex(rest), 1);
      REQUIRE(layout);
      CHECK(layout->types_flag_at == 0);
    }
    CHECK(parse(head + test::from_hex("01 00 01 fe00 0162 026869"), 0)->types_flag_at == 0);
  }
}

TEST_CASE("execute: a bulk of rows") {
  // INSERT of (1, "hi"), as MariaDB 10.11 takes it.
  const std::string types = test::from_hex("0300 fe00");
  const std::string rows = test::from_hex("00 01000000 00 026869");
  const std::string with = test::from_hex("fa 07000000 8000") + types + rows;
  const auto layout = parse_execute(protocol::as_bytes(with), 2, 0);
  REQUIRE(layout);
  CHECK(layout->has_types);
  CHECK(layout->types == types);
  CHECK(layout->cursor == 0);
  for (std::size_t size = 7; size < 11; ++size)
    CHECK_FALSE(parse_execute(ExactBytes(with.substr(0, size)), 2, 0));

  const std::string without = test::from_hex("fa 07000000 4000") + rows;
  const auto shorter = parse_execute(protocol::as_bytes(without), 2, 0);
  REQUIRE(shorter);
  CHECK_FALSE(shorter->has_types);
  CHECK(insert_types(protocol::as_bytes(without), *shorter, types) ==
        test::from_hex("fa 07000000 c000") + types + rows);
  CHECK_FALSE(parse_execute(ExactBytes(without.substr(0, 6)), 2, 0));
  CHECK(fixed_execute_size(protocol::Command::stmt_bulk_execute) == 7);
  CHECK(fixed_execute_size(protocol::Command::stmt_execute) == 10);
}

}  // namespace
}  // namespace weir
