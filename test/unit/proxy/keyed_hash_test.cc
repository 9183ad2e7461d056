#include "proxy/core/keyed_hash.h"

#include <functional>
#include <set>
#include <string>

#include "test/support/catch.h"

namespace weir {
namespace {

TEST_CASE("keyed hash: of equal texts the same, of others another one") {
  const std::string text = "SELECT 1";
  CHECK(keyed_hash(text) == keyed_hash(std::string(text)));
  std::set<std::size_t> hashes;
  for (std::size_t size = 0; size < 100; ++size) hashes.insert(keyed_hash(std::string(size, '\0')));
  CHECK(hashes.size() == 100);
}

TEST_CASE("keyed hash: nobody outside can compute it") {
  CHECK(keyed_hash("SELECT 1") != std::hash<std::string_view>()("SELECT 1"));
  // The test vector of SipHash-2-4 whose key is known, for an empty text.
  CHECK(keyed_hash("") != 0x726fdb47dd0e0e31);
}

}  // namespace
}  // namespace weir
