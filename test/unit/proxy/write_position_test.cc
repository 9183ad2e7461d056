#include "proxy/core/write_position.h"

#include "proxy/core/global_writes.h"
#include "test/support/catch.h"

namespace weir {
namespace {

std::string added(std::initializer_list<std::string_view> reports) {
  WritePosition position;
  for (const std::string_view report : reports) position.add(report);
  return position.usable() ? position.text() : "unusable";
}

constexpr std::string_view kSource = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

std::string of(std::string_view numbers) {
  return std::string(kSource) + ":" + std::string(numbers);
}

TEST_CASE("write position: MySQL's transactions make sets, those in a row intervals") {
  CHECK(added({of("5")}) == of("5"));
  CHECK(added({of("5"), of("6"), of("7")}) == of("5-7"));
  CHECK(added({of("9"), of("10"), of("12"), of("13")}) == of("9-10:12-13"));
  CHECK(added({of("7"), of("6")}) == of("7:6"));
  CHECK(added({of("7") + "," + of("8")}) == of("7-8"));
  const std::string other = "00000000-0000-0000-0000-000000000001:4";
  CHECK(added({of("5"), other, of("6")}) == of("5-6") + "," + other);
  CHECK(added({of("5"), of("tag:5"), of("6"), of("tag:6")}) == of("5-6") + "," + of("tag:5-6"));
}

TEST_CASE("write position: of MariaDB's domains the newest counts, whichever came last") {
  CHECK(added({"0-1-5", "0-1-6"}) == "0-1-6");
  CHECK(added({"0-1-6", "0-1-5"}) == "0-1-6");
  CHECK(added({"0-1-9", "0-2-10"}) == "0-2-10");
  CHECK(added({"0-1-5", "7-1-3", "0-1-6"}) == "7-1-3,0-1-6");
  CHECK(added({"0-1-5,7-1-3"}) == "0-1-5,7-1-3");
}

TEST_CASE("write position: what is no GTID makes it unusable, until it is cleared") {
  for (const std::string_view bad : {"x", "0-1-", "0-1-a", "a:", "a:1-5", "a:1'", "0-1-5;", "--",
                                     "0-1-99999999999999999999999"}) {
    INFO(bad);
    CHECK(added({"0-1-4", bad}) == "unusable");
  }
  std::string many;
  WritePosition position;
  for (int i = 0; i < 3000; ++i) position.add(of(std::to_string(2 * i)));
  CHECK_FALSE(position.usable());
  CHECK(position.text().size() <= 4096);
  position.clear();
  position.add("0-1-5");
  CHECK(position.usable());
  position.mark_unknown();
  CHECK_FALSE(position.usable());
}

TEST_CASE("write position: a whole position takes the place of what was there") {
  WritePosition position;
  position.mark_unknown();
  CHECK(position.assign(of("1-100:105") + ",\n00000000-0000-0000-0000-000000000001:tag:1-4"));
  CHECK(position.text() == of("1-100:105") + ",00000000-0000-0000-0000-000000000001:tag:1-4");
  CHECK(position.usable());
  position.add(of("106"));
  CHECK(position.text() == of("1-100:105-106") + ",00000000-0000-0000-0000-000000000001:tag:1-4");
  CHECK(position.assign("0-1-5,7-1-3"));
  position.add("0-1-6");
  CHECK(position.text() == "7-1-3,0-1-6");
  for (const std::string& bad :
       {std::string(), std::string("a'b"), std::string("a:1,,b:1"), std::string(5000, 'a')}) {
    INFO(bad);
    CHECK_FALSE(position.assign(bad));
    CHECK_FALSE(position.usable());
  }
}

TEST_CASE("write position: a long row of writes stays short") {
  WritePosition position;
  for (int i = 1; i <= 100000; ++i) position.add(of(std::to_string(i)));
  CHECK(position.text() == of("1-100000"));
}

TEST_CASE("write position: two become one") {
  const auto merged = [](std::string_view a, std::string_view b) {
    WritePosition one;
    WritePosition other;
    one.add(a);
    other.add(b);
    one.merge(other);
    return one.usable() ? one.text() : "unusable";
  };
  CHECK(merged("", "0-1-5") == "0-1-5");
  CHECK(merged("0-1-5", "") == "0-1-5");
  CHECK(merged("0-1-5", "0-1-4,7-1-1") == "0-1-5,7-1-1");
  CHECK(merged(of("7"), of("5") + "," + of("6")) == of("7") + "," + of("5-6"));
  CHECK(merged("", of("7")) == of("7"));
  CHECK(merged("0-1-5", "?") == "unusable");
}

TEST_CASE("global writes: nothing is noted before somebody asks, and then as written now") {
  const TimePoint start{std::chrono::hours(1)};
  const auto at = [&](int ms) { return start + Milliseconds(ms); };
  GlobalWrites writes;
  writes.add(start, "0-1-5");
  CHECK(writes.last() == TimePoint{});
  writes.follow(at(10));
  CHECK(writes.last() == at(10));
  CHECK_FALSE(writes.position_after(at(9)).usable());  // what was written before is not known
  writes.add(at(20), "0-1-6");
  CHECK(writes.last() == at(20));
  CHECK_FALSE(writes.position_after(at(9)).usable());
  CHECK(writes.position_after(at(10)).text() == "0-1-6");
  writes.add(at(15), "0-1-7");  // of another thread
  CHECK(writes.last() == at(20));
  writes.follow(at(500));  // it is followed already
  CHECK(writes.position_after(at(10)).text() == "0-1-7");
}

TEST_CASE("global writes: a replica has to reach what it was not seen to have yet") {
  const TimePoint start{std::chrono::hours(1)};
  const auto at = [&](int ms) { return start + Milliseconds(ms); };
  GlobalWrites writes;
  writes.follow(at(0));
  writes.add(at(100), of("5"));
  writes.add(at(999), of("6"));
  writes.add(at(1000), of("7"));
  CHECK(writes.position_after(at(1000)).text() == of("7"));
  CHECK(writes.position_after(at(999)).text() == of("7") + "," + of("5-6"));
  CHECK(writes.position_after(at(0)).usable());
  writes.add(at(2500), "");  // nobody told what was written
  CHECK_FALSE(writes.position_after(at(2500)).usable());
  CHECK_FALSE(writes.position_after(at(1000)).usable());
  writes.add(at(3500), of("9"));
  CHECK(writes.position_after(at(3500)).text() == of("9"));
  CHECK_FALSE(writes.position_after(at(3499)).usable());
  writes.add(at(4500), of("10"));
  CHECK(writes.position_after(at(3600)).text() == of("10") + "," + of("9"));
  CHECK_FALSE(writes.position_after(at(3499)).usable());  // too long ago
}

}  // namespace
}  // namespace weir
