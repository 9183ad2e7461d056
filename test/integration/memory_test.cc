// limits.memory: what a few clients may keep together, and who gives way.

#include <fmt/format.h>

#include "test/integration/proxy_fixture.h"
#include "test/support/console.h"
#include "test/support/statement.h"

using namespace weir::test;

namespace {

// What weir needs for itself here is a few MiB.
WeirOptions with_memory(const std::string& more = {}) {
  WeirOptions options;
  options.sections["limits"] = "memory = \"96MiB\"\n" + more;
  return with_console(options);
}

long memory_of(Console& console, const std::string& session) {
  const std::string value = console.cell("SHOW SESSIONS", session, "memory");
  return value == "none" ? 0 : std::stol(value);
}

}  // namespace

TEST_CASE_METHOD(ClusterTest, "memory: when it is short, nothing new is kept", "[memory]") {
  Weir weir(cluster, with_memory("max_packet = \"256MiB\"\n"));
  Console console(weir);
  Client other = weir.connect();
  Client large = weir.connect();
  {
    Statement statement(large, "SELECT LENGTH(?)");
    const std::string part(1000000, 'x');
    CHECK(until([&] {
      statement.send_long(0, part);
      return console.counter("memory_refusals") > 0;
    }));
    // All of it is dropped, and there is room again.
    CHECK(statement.error_of_execute({Long{}}).code == 1041);
    CHECK(until([&] { return login_error(weir.login()).code == 0; }));
    statement.reset();
    CHECK(statement.execute({std::string("abc")}).value() == "3");
  }
  CHECK(other.value("SELECT 1") == "1");
  CHECK(large.value("SELECT 1") == "1");
  CHECK(console.counter("memory_ends") == 0);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "memory: when it is short, nobody new comes in", "[memory]") {
  Weir weir(cluster, with_memory("max_packet = \"256MiB\"\n"));
  Console console(weir);
  Client other = weir.connect();
  Client large = weir.connect();
  const std::string id = large.value("SELECT CONNECTION_ID()");
  {
    Statement statement(large, "SELECT LENGTH(?)");
    // Most of it at once, the rest in pieces that are much smaller than what is between 90 % and
    // all, with a pause in which weir looks.
    const std::string part(1000000, 'x');
    const auto fill = [&] {
      for (int i = 0; i < 75; ++i) statement.send_long(0, part);
      for (int i = 0; i < 20; ++i) {
        std::this_thread::sleep_for(250ms);
        if (login_error(weir.login()).code == 1040) return true;
        statement.send_long(0, part);
      }
      statement.reset();  // the pause was too short, and all of it was dropped
      return false;
    };
    CHECK((fill() || fill() || fill()));
    CHECK(memory_of(console, id) > 40l << 20);
    CHECK(console.counter("refused.memory") > 0);
    CHECK(other.value("SELECT 1") == "1");
    CHECK(Statement::prepare_error(other, "SELECT 2").code == 1041);
  }
  // With the statement its data is gone.
  CHECK(until([&] { return login_error(weir.login()).code == 0; }));
  CHECK(Statement(other, "SELECT 2").execute().value() == "2");
  CHECK(weir.log().find("memory is short (limits.memory)") != std::string::npos);
  end(weir);
}

TEST_CASE_METHOD(ClusterTest, "memory: when it has run out, the largest session goes", "[memory]") {
  Weir weir(cluster, with_memory("write_buffer = \"1GiB\"\n"));
  Console console(weir);
  Client other = weir.connect();
  Client small = weir.connect();
  Client large = weir.connect();
  // It does not take its answer.
  const std::string numbers = "(SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4)";
  large.send(fmt::format("SELECT REPEAT('x', 1048576) FROM {0} a, {0} b, {0} c, {0} d", numbers));
  CHECK(until([&] { return console.counter("memory_ends") > 0; }));
  CHECK_THROWS_AS(large.receive(), ServerError);
  CHECK(until([&] { return login_error(weir.login()).code == 0; }));
  CHECK(other.value("SELECT 1") == "1");
  CHECK(small.value("SELECT 1") == "1");
  CHECK(console.counter("memory_ends") == 1);
  CHECK(weir.log().find("is disconnected: memory has run out (limits.memory)") !=
        std::string::npos);
  end(weir);
}
