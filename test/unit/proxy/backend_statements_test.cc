#include "proxy/backend/backend_connection.h"
#include "test/support/catch.h"

namespace weir {
namespace {

TEST_CASE("backend statements: the one not used for longest makes room") {
  BackendStatements statements;
  CHECK_FALSE(statements.make_room(1));
  statements.add(10, 1);
  statements.add(11, 2);
  statements.add(12, 3);
  CHECK_FALSE(statements.make_room(4));
  REQUIRE(statements.find(10) != nullptr);
  CHECK(statements.find(10)->id == 1);
  CHECK(statements.make_room(3) == 2u);
  CHECK(statements.find(11) == nullptr);
  CHECK(statements.size() == 2);
  CHECK(statements.erase(12) == 3u);
  CHECK_FALSE(statements.erase(12));
  statements.clear();
  CHECK(statements.find(10) == nullptr);
}

TEST_CASE("backend statements: prepared again, only the newer id counts") {
  BackendStatements statements;
  statements.add(10, 1);
  statements.find(10)->types_version = 7;
  statements.add(10, 2);
  CHECK(statements.find(10)->id == 2);
  CHECK(statements.find(10)->types_version == 0);
  CHECK(statements.size() == 1);
}

}  // namespace
}  // namespace weir
