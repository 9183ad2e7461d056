#include "proxy/core/server_work.h"

#include <vector>

#include "test/support/catch.h"

namespace weir {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};

struct Bed {
  explicit Bed(std::initializer_list<double> latencies) {
    for (const double latency : latencies) {
      ServerState& server = topology.servers.emplace_back();
      server.role = Role::replica;
      server.health = Health::up;
      ServerWork& one = work.emplace_back();
      for (int i = 0; i < 10; ++i) one.latency.add(latency, 1);
    }
  }
  // As judged once, with new samples from all that are not set aside.
  std::vector<std::size_t> judged(TimePoint now) {
    for (ServerWork& one : work) {
      if (!one.outlier && one.latency.known()) {
        one.latency.add(one.latency.microseconds(),
                        static_cast<std::uint32_t>(one.latency.outstanding() + 0.5));
      }
    }
    judge_outliers(topology, work, now);
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < work.size(); ++i) {
      if (work[i].outlier) found.push_back(i);
    }
    return found;
  }
  // As judged for long enough, up to `now`.
  std::vector<std::size_t> outliers(TimePoint now = kStart) {
    for (int i = 20; i > 0; --i) judged(now - Milliseconds(i));
    return judged(now);
  }
  Topology topology;
  std::vector<ServerWork> work;
};

using Found = std::vector<std::size_t>;

TEST_CASE("latency: one slow statement moves the average little, many move it all the way") {
  Latency latency;
  CHECK_FALSE(latency.known());
  for (int i = 0; i < 8; ++i) latency.add(1000, 1);
  REQUIRE(latency.known());
  CHECK(latency.microseconds() == 1000);
  latency.add(60e6, 1);
  CHECK(latency.microseconds() == 1300);
  for (int i = 0; i < 100; ++i) latency.add(20000, 1);
  CHECK(latency.microseconds() > 19000);
  for (int i = 0; i < 8; ++i) latency.add_trial(1000, 1);
  CHECK(latency.microseconds() < 1100);
}

TEST_CASE("outliers: what is several times slower than the others, by more than nothing") {
  CHECK(Bed({5000, 5000, 50000}).outliers() == Found{2});
  CHECK(Bed({5000, 5000, 19000}).outliers().empty());
  CHECK(Bed({100, 100, 900}).outliers().empty());  // ten times, but still fast
  CHECK(Bed({5000, 50000}).outliers() == Found{1});
  CHECK(Bed({50000}).outliers().empty());
  CHECK(Bed({5000, 6000, 90000, 80000}).outliers() == Found{2, 3});
  // Half of them at most: then it is not they that are strange.
  CHECK(Bed({1000, 90000, 90000}).outliers().empty());
}

TEST_CASE("outliers: a server is not slow because it has more to do") {
  const auto bed = [](double first, std::uint32_t with, double second, std::uint32_t and_with) {
    Bed made({0, 0});
    made.work[0].latency = made.work[1].latency = Latency{};
    for (int i = 0; i < 100; ++i) {
      made.work[0].latency.add(first, with);
      made.work[1].latency.add(second, and_with);
    }
    return made;
  };
  CHECK(bed(200, 1, 3000, 16).outliers().empty());     // it computes
  CHECK(bed(10000, 1, 10000, 16).outliers().empty());  // it waits for a disk
  CHECK(bed(10000, 4, 100000, 4).outliers() == Found{1});
  CHECK(bed(10000, 8, 100000, 1).outliers() == Found{1});  // only tried
  CHECK(bed(10000, 2, 100000, 4).outliers() == Found{1});
  CHECK(bed(10000, 2, 100000, 8).outliers().empty());  // cannot be told: 2.5 times
}

TEST_CASE("outliers: servers that serve no reads, or are not known, are none") {
  Bed bed({5000, 5000, 50000});
  bed.topology.servers[2].health = Health::lagging;
  CHECK(bed.outliers().empty());
  bed.topology.servers[2].health = Health::up;
  CHECK(bed.outliers() == Found{2});
  bed.topology.servers[2].role = Role::primary;
  CHECK(bed.outliers().empty());
  bed.topology.servers[2].role = Role::replica;
  bed.work[2].latency = Latency{};
  CHECK(bed.outliers().empty());
}

TEST_CASE("outliers: only what is slow for a while, by new answers") {
  Bed bed({5000, 5000, 50000});
  for (int i = 0; i < 9; ++i) CHECK(bed.judged(kStart).empty());
  for (int i = 0; i < 20; ++i) {
    judge_outliers(bed.topology, bed.work, kStart);  // nothing new was heard
    CHECK_FALSE(bed.work[2].outlier);
  }
  CHECK(bed.judged(kStart) == Found{2});
  Bed cold({5000, 5000, 50000});
  for (int i = 0; i < 9; ++i) CHECK(cold.judged(kStart).empty());
  for (int i = 0; i < 50; ++i) cold.work[2].latency.add(5000, 1);  // it has warmed up
  CHECK(cold.judged(kStart).empty());
}

TEST_CASE("outliers: what is slow and hardly asked any more, too, or nobody would see it recover") {
  Bed bed({5000, 5000, 50000});
  CHECK(bed.judged(kStart).empty());
  const auto judged_later = [&](int milliseconds) {
    judge_outliers(bed.topology, bed.work, kStart + Milliseconds(milliseconds));
    return bed.work[2].outlier;
  };
  CHECK_FALSE(judged_later(1999));
  bed.work[2].latency = Latency{};  // it is not known for a moment
  CHECK_FALSE(judged_later(2000));
  bed = Bed({5000, 5000, 50000});
  CHECK_FALSE(judged_later(2001));
  CHECK_FALSE(judged_later(4000));
  CHECK(judged_later(4001));
  CHECK_FALSE(bed.work[2].trial);
  judged_later(5001);
  CHECK(bed.work[2].trial);
}

TEST_CASE("outliers: they get a trial a second, and come back when they are fast again") {
  Bed bed({5000, 5000, 50000});
  REQUIRE(bed.outliers(kStart) == Found{2});
  const TimePoint since = bed.work[2].tried_at;
  CHECK_FALSE(bed.work[2].trial);
  bed.judged(since + Milliseconds(999));
  CHECK_FALSE(bed.work[2].trial);
  bed.judged(since + Milliseconds(1000));
  CHECK(bed.work[2].trial);
  bed.work[2].trial = false;  // somebody has tried
  bed.work[2].latency.add_trial(15000, 1);
  CHECK(bed.judged(since + Milliseconds(1100)) == Found{2});
  for (int i = 0; i < 8; ++i) bed.work[2].latency.add_trial(12000, 1);
  CHECK(bed.judged(since + Milliseconds(1200)) == Found{2});  // above twice the others'
  for (int i = 0; i < 8; ++i) bed.work[2].latency.add_trial(6000, 1);
  CHECK(bed.judged(since + Milliseconds(1300)).empty());
}

TEST_CASE("outliers: one that nobody can try is taken back after a while") {
  Bed bed({5000, 5000, 50000});
  REQUIRE(bed.outliers(kStart) == Found{2});
  const TimePoint heard = bed.work[2].heard_at;
  CHECK(bed.judged(heard + Milliseconds(9999)) == Found{2});
  bed.judged(heard + Milliseconds(10000));
  CHECK(bed.judged(heard + Milliseconds(10100)).empty());
  CHECK_FALSE(bed.work[2].latency.known());
}

TEST_CASE("wait tickets count while they live") {
  std::uint32_t count = 0;
  {
    WaitTicket ticket(count);
    CHECK(count == 1);
    WaitTicket moved = std::move(ticket);
    CHECK(count == 1);
    moved = WaitTicket(count);
    CHECK(count == 1);
    moved = {};
    CHECK(count == 0);
  }
  CHECK(count == 0);
}

}  // namespace
}  // namespace weir
