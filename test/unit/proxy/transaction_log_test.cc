#include "proxy/core/transaction_log.h"

#include "sql_classifier/classifier.h"
#include "test/support/catch.h"

namespace weir {
namespace {

LoggedCommand command(std::string bytes) {
  LoggedCommand logged;
  logged.bytes = std::move(bytes);
  return logged;
}

std::string_view why_not(std::string_view sql, bool knows_insert_id = true) {
  return why_not_replayed(sql::classify(sql, {}), knows_insert_id);
}

}  // namespace

TEST_CASE("transaction log: commands and their answers, in order") {
  TransactionLog log({}, 100);
  for (const std::string text : {"one", "two"}) {
    log.begin(command(text));
    CHECK(log.pending().bytes == text);
    log.answer().add(protocol::as_bytes(text));
    log.end(true);
  }
  REQUIRE(log.usable());
  REQUIRE(log.commands().size() == 2);
  CHECK(log.commands()[0].bytes == "one");
  CHECK(log.commands()[1].bytes == "two");
  CHECK(log.commands()[0].answer != log.commands()[1].answer);
}

TEST_CASE("transaction log: what is not kept leaves no trace") {
  TransactionLog log({}, 10);
  for (int i = 0; i < 10; ++i) {
    log.begin(command("a ping"));
    log.end(false);
  }
  CHECK(log.usable());
  CHECK(log.commands().empty());
}

TEST_CASE("transaction log: one that was lost under way and comes again counts once") {
  TransactionLog log({}, 10);
  for (int i = 0; i < 10; ++i) log.begin(command("12345678"));
  log.end(true);
  CHECK(log.usable());
  CHECK(log.commands().size() == 1);
}

TEST_CASE("transaction log: it is bounded, and says why it is of no use") {
  TransactionLog log({}, 10);
  log.begin(command("1234567890"));
  log.end(true);
  CHECK(log.usable());
  log.begin(command("1"));
  CHECK_FALSE(log.usable());
  CHECK(log.why_not().find("transaction_replay_size") != std::string_view::npos);
  CHECK(log.commands().empty());
  log.end(true);
  CHECK(log.commands().empty());
  log.spoil("another reason");
  CHECK(log.why_not().find("transaction_replay_size") != std::string_view::npos);
}

TEST_CASE("transaction log: no reason to spoil it is none") {
  TransactionLog log({}, 10);
  log.begin(command("one"));
  log.end(true);
  log.spoil({});
  CHECK(log.usable());
  CHECK(log.commands().size() == 1);
}

TEST_CASE("transaction log: what may run again") {
  for (const char* sql : {
           "SELECT * FROM t",
           "SELECT LAST_INSERT_ID(), ROW_COUNT(), NOW(), RAND()",
           "INSERT INTO t VALUES (NOW())",
           "UPDATE t SET a = a + 1",
           "SAVEPOINT s",
           "ROLLBACK TO s",
           "SET SESSION sort_buffer_size = 1000000",
           "BEGIN",
       }) {
    INFO(sql);
    CHECK(why_not(sql) == "");
    CHECK(why_not(sql, false) == "");
  }
  CHECK(why_not("INSERT INTO t VALUES (LAST_INSERT_ID())") == "");
  CHECK(why_not("INSERT INTO t VALUES (LAST_INSERT_ID())", false) != "");
  for (const char* sql : {
           "LOAD DATA LOCAL INFILE 'f' INTO TABLE t",
           "XA START 'a'",
           "INSERT INTO t VALUES (ROW_COUNT())",
           "INSERT INTO t VALUES (FOUND_ROWS())",
           "FROBNICATE t",
           "KILL 5",
           "FLUSH TABLES",
           "SET GLOBAL sort_buffer_size = 1000000",
           "COMMIT AND CHAIN",
       }) {
    INFO(sql);
    CHECK(why_not(sql) != "");
  }
}

}  // namespace weir
