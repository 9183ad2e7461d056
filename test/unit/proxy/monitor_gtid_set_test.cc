#include "proxy/monitor/gtid_set.h"

#include "test/support/catch.h"

using weir::GtidPosition;
using weir::GtidSet;
using weir::MariaPosition;

namespace {

const std::string kA = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const std::string kB = "4350f323-71ca-11e1-9e33-c80aa9429562";

GtidSet set(const std::string& text) {
  const auto parsed = GtidSet::parse(text);
  INFO(text);
  REQUIRE(parsed);
  return *parsed;
}

MariaPosition position(const std::string& text) {
  const auto parsed = MariaPosition::parse(text);
  INFO(text);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("gtid set: spellings of the same set are equal", "[monitor]") {
  const std::string upper = "3E11FA47-71CA-11E1-9E33-C80AA9429562";
  const std::string bare = "3e11fa4771ca11e19e33c80aa9429562";
  struct {
    std::string text, normal;
  } const table[] = {
      {"", ""},
      {" \n", ""},
      {kA + ":1", kA + ":1"},
      {upper + ":1-5", kA + ":1-5"},
      {bare + ":1-5", kA + ":1-5"},
      {kA + ":4-5:1-3", kA + ":1-5"},
      {kA + ":1-3:3-9:20", kA + ":1-9:20"},
      {kA + ":1-3,\n" + kA + ":4", kA + ":1-4"},
      {kB + ":7," + kA + ":1", kA + ":1," + kB + ":7"},
      {kA + ":5-3", ""},
      {kA + ":1-3:App:1-2:other:9", kA + ":1-3:app:1-2:other:9"},
      {kA + ":app:3," + kA + ":1," + kA + ":app:1-2", kA + ":1:app:1-3"},
      {kA + ":9223372036854775806", kA + ":9223372036854775806"},
      {" " + kA + " : 1 - 3 , ", kA + ":1-3"},
  };
  for (const auto& row : table) CHECK(set(row.text).to_string() == row.normal);
}

TEST_CASE("gtid set: what is none is refused", "[monitor]") {
  const std::string table[] = {"x",
                               kA.substr(1) + ":1",
                               kA + ":0",
                               kA + ":-1",
                               kA + ":1-",
                               kA + ":1-2-3",
                               kA + "::1",
                               kA + ":1x",
                               kA + ":9223372036854775807",
                               kA + ":99999999999999999999999",
                               kA + ":1-0x5",
                               "3e11fa47071ca-11e1-9e33-c80aa9429562:1",
                               kA + ":tag-with-dash:1",
                               kA + ":a23456789012345678901234567890123:1",
                               "ge11fa47-71ca-11e1-9e33-c80aa9429562:1",
                               "0-1-5",
                               std::string("\0\xff:1", 4)};
  for (const auto& text : table) {
    INFO(text);
    CHECK_FALSE(GtidSet::parse(text));
  }
}

TEST_CASE("gtid set: size is bounded", "[monitor]") {
  std::string many = kA;
  for (std::size_t i = 0; i <= weir::kMaxGtidIntervals; ++i) many += ":1";
  CHECK_FALSE(GtidSet::parse(many));
  CHECK_FALSE(GtidSet::parse(std::string(weir::kMaxGtidText + 1, ' ')));
}

TEST_CASE("gtid set: containment", "[monitor]") {
  struct {
    std::string whole, part;
    bool contains;
  } const table[] = {
      {"", "", true},
      {kA + ":1-5", "", true},
      {"", kA + ":1", false},
      {kA + ":1-5", kA + ":1-5", true},
      {kA + ":1-5", kA + ":2:4-5", true},
      {kA + ":1-5", kA + ":1-6", false},
      {kA + ":1-5:7-9", kA + ":5-7", false},
      {kA + ":1-5:7-9", kA + ":1:3:8-9", true},
      {kA + ":2-5", kA + ":1", false},
      {kA + ":1-5", kB + ":1", false},
      {kA + ":1-5," + kB + ":1-3", kB + ":3", true},
      {kB + ":1-3", kA + ":1," + kB + ":1", false},
      {kA + ":1-5", kA + ":app:1", false},
      {kA + ":app:1-5", kA + ":1", false},
      {kA + ":1-2:app:1-5", kA + ":app:4", true},
  };
  for (const auto& row : table) {
    INFO(row.whole << " contains " << row.part);
    CHECK(set(row.whole).contains(set(row.part)) == row.contains);
  }
}

TEST_CASE("gtid set: containment agrees with counting", "[monitor]") {
  // Every pair of subsets of {1..6}, as sets of single numbers and through the parser's merging.
  const auto text_of = [](unsigned bits) {
    std::string text;
    for (unsigned i = 0; i < 6; ++i) {
      if ((bits >> i & 1) != 0) text += ":" + std::to_string(i + 1);
    }
    return text.empty() ? text : kA + text;
  };
  for (unsigned whole = 0; whole < 64; ++whole) {
    for (unsigned part = 0; part < 64; ++part) {
      if (set(text_of(whole)).contains(set(text_of(part))) != ((whole & part) == part)) {
        FAIL("wrong for " << text_of(whole) << " and " << text_of(part));
      }
    }
  }
}

TEST_CASE("mariadb position: parse and compare", "[monitor]") {
  CHECK(position("").empty());
  CHECK(position("7-2-99, 0-1-5").to_string() == "0-1-5,7-2-99");
  CHECK(position("0-1-5,0-2-9").to_string() == "0-2-9");
  for (const std::string text : {"0-1", "0-1-", "a-1-5", "0-1-5-6", "-1-5", "0--5",
                                 "4294967296-1-1", "0-1-18446744073709551616", "0-1-5;0-1-6"}) {
    INFO(text);
    CHECK_FALSE(MariaPosition::parse(text));
  }
  struct {
    std::string whole, part;
    bool contains;
  } const table[] = {
      {"", "", true},
      {"0-1-5", "", true},
      {"", "0-1-5", false},
      {"0-1-5", "0-1-5", true},
      {"0-2-5", "0-1-4", true},
      {"0-1-4", "0-1-5", false},
      {"0-1-9", "0-1-5,1-1-1", false},
      {"0-1-9,1-1-1", "0-1-5", true},
  };
  for (const auto& row : table) {
    INFO(row.whole << " contains " << row.part);
    CHECK(position(row.whole).contains(position(row.part)) == row.contains);
  }
}

TEST_CASE("mariadb position: of a primary", "[monitor]") {
  struct {
    std::string binlog, current, result;
  } const table[] = {
      {"0-1-5", "0-1-5", "0-1-5"},
      {"", "0-1-5", "0-1-5"},       // promoted, has not written yet
      {"0-2-3", "0-1-9", "0-1-9"},  // promoted, had written long ago
      {"0-2-10", "0-1-9", "0-2-10"},
      {"0-2-10", "0-1-9,5-1-1", "0-2-10"},  // a domain that its replicas will not hear of
  };
  for (const auto& row : table) {
    CHECK(MariaPosition::of_primary(position(row.binlog), position(row.current)).to_string() ==
          row.result);
  }
}

TEST_CASE("positions of different flavours prove nothing", "[monitor]") {
  const GtidPosition mysql = set(kA + ":1-5");
  const GtidPosition mariadb = position("");
  CHECK_FALSE(comparable(mysql, mariadb));
  CHECK_FALSE(contains(mysql, mariadb));
  CHECK_FALSE(went_backwards(mysql, mariadb));
}

TEST_CASE("a position that went backwards is noticed", "[monitor]") {
  CHECK(went_backwards(set(kA + ":1-5"), set(kA + ":1-4")));
  CHECK(went_backwards(set(kA + ":1-5"), set("")));
  CHECK_FALSE(went_backwards(set(kA + ":1-5"), set(kA + ":1-6," + kB + ":1")));
  CHECK(went_backwards(position("0-1-5"), position("0-1-4")));
  CHECK(went_backwards(position("0-1-5,1-1-1"), position("0-1-9")));
  CHECK_FALSE(went_backwards(position("0-1-5"), position("0-2-5")));
}
