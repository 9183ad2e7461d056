// The limit in front of a simulated server: so many workers, a fixed time for each statement, one
// queue. Nothing here takes real time.

#include "proxy/core/concurrency_limit.h"

#include <deque>
#include <functional>
#include <queue>
#include <vector>

#include "test/support/catch.h"

namespace weir {
namespace {

using std::chrono::microseconds;

constexpr TimePoint kStart{std::chrono::hours(1)};

// Events in the order of their instants; those of the same instant in the order in which they were
// asked for.
class Simulation {
 public:
  TimePoint now() const { return now_; }
  void after(Clock::duration delay, std::function<void()> action) {
    events_.push({now_ + delay, count_++, std::move(action)});
  }
  void run(Clock::duration time) {
    const TimePoint end = now_ + time;
    while (!events_.empty() && events_.top().at <= end) {
      const auto action = events_.top().action;
      now_ = events_.top().at;
      events_.pop();
      action();
    }
    now_ = end;
  }

 private:
  struct Event {
    TimePoint at;
    std::uint64_t order;
    std::function<void()> action;
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  TimePoint now_ = kStart;
  std::uint64_t count_ = 0;
  std::priority_queue<Event> events_;
};

// A server that works on so many statements at a time; the others wait there in line. Several doors
// may share it.
struct Server {
  Simulation& simulation;
  std::size_t workers;
  bool lost = false;  // answers nothing but that it is gone
  std::size_t running = 0;
  std::deque<std::function<void()>> line{};

  void take(Clock::duration service, std::function<void()> answered) {
    line.push_back([this, service, answered = std::move(answered)] {
      ++running;
      simulation.after(service, [this, answered] {
        --running;
        answered();
        work();
      });
    });
    work();
  }
  void work() {
    while (running < workers && !line.empty()) {
      const auto begin = std::move(line.front());
      line.pop_front();
      begin();
    }
  }
};

// What admits statements as the limit says, and has others wait.
class Door {
 public:
  Door(Simulation& simulation, Server& server, ConcurrencyLimit::Range range,
       Clock::duration beat = {})
      : simulation_(simulation), server_(server), limit_(range, kStart + beat) {
    tick();
  }
  // A statement that comes, and what is done when it has been answered.
  void come(Clock::duration service, std::function<void()> done = {}) {
    waiting_.push_back({service, std::move(done)});
    admit();
  }
  // So many clients, each of which sends a statement as soon as its last one is answered.
  void clients(int count, Clock::duration service) {
    for (int i = 0; i < count; ++i) client(service);
  }
  void leave(int count) { leaving_ += count; }

  std::uint32_t limit() const { return limit_.value(); }
  const ConcurrencyLimit& law() const { return limit_; }
  std::uint64_t answered() const { return answered_; }
  std::uint32_t in_flight() const { return in_flight_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Statement {
    Clock::duration service;
    std::function<void()> done;
  };

  void client(Clock::duration service) {
    if (leaving_ > 0) {
      --leaving_;
      return;
    }
    come(service, [this, service] { client(service); });
  }
  void admit() {
    while (!waiting_.empty() && in_flight_ < limit_.value()) {
      const Statement statement = std::move(waiting_.front());
      waiting_.pop_front();
      ++in_flight_;
      const TimePoint sent = simulation_.now();
      limit_.begun(in_flight_, sent);
      if (server_.lost) {
        simulation_.after(Milliseconds(1), [this, statement] { end(statement, true, kStart); });
      } else {
        server_.take(statement.service, [this, statement, sent] { end(statement, false, sent); });
      }
    }
  }
  void end(const Statement& statement, bool failed, TimePoint sent) {
    const TimePoint now = simulation_.now();
    if (failed) {
      limit_.failed(in_flight_, now);
    } else {
      ++answered_;
      limit_.answered(std::chrono::duration<double, std::micro>(now - sent).count(), in_flight_,
                      now);
    }
    --in_flight_;
    limit_.ended(in_flight_, now);
    if (statement.done) statement.done();
    admit();
  }
  void tick() {
    limit_.look(in_flight_, simulation_.now());
    admit();
    simulation_.after(Milliseconds(100), [this] { tick(); });
  }

  Simulation& simulation_;
  Server& server_;
  ConcurrencyLimit limit_;
  std::deque<Statement> waiting_;
  std::uint32_t in_flight_ = 0;
  std::uint64_t answered_ = 0;
  int leaving_ = 0;
};

struct Bed {
  explicit Bed(std::size_t workers, ConcurrencyLimit::Range range = {8, 1000})
      : server{simulation, workers}, door(simulation, server, range) {}
  // Statements answered in a second, over so long.
  double rate(std::chrono::seconds time) {
    const std::uint64_t before = door.answered();
    simulation.run(time);
    return static_cast<double>(door.answered() - before) / static_cast<double>(time.count());
  }
  // The lowest and the highest that the limit is from now on, probes left out.
  std::pair<std::uint32_t, std::uint32_t> range(std::chrono::seconds time) {
    std::pair<std::uint32_t, std::uint32_t> seen{1u << 31, 0};
    for (int i = 0; i < 20 * time.count(); ++i) {
      simulation.run(Milliseconds(50));
      if (door.law().probing()) continue;
      seen.first = std::min(seen.first, door.limit());
      seen.second = std::max(seen.second, door.limit());
    }
    return seen;
  }
  Simulation simulation;
  Server server;
  Door door;
};

TEST_CASE("latency median: right to one part in ten, for any latency") {
  for (const double each : {0.0, 1.0, 7.0, 8.0, 9.0, 100.0, 1500.0, 2e6, 9e8}) {
    LatencyMedian median;
    for (int i = 0; i < 9; ++i) median.add(each);
    for (int i = 0; i < 4; ++i) median.add(1e12);
    for (int i = 0; i < 4; ++i) median.add(-5);
    INFO(each);
    CHECK(median.value() >= each * 0.9 - 1);
    CHECK(median.value() <= each * 1.13 + 1);
    CHECK(median.total() == 17);
    median.clear();
    CHECK(median.total() == 0);
    CHECK(median.value() == 0);
  }
}

TEST_CASE("concurrency limit: comes to rest near the knee, and costs no throughput",
          "[concurrency]") {
  struct Case {
    std::size_t workers;
    Milliseconds service;
  };
  for (const Case& each : {Case{16, Milliseconds(100)}, Case{4, Milliseconds(100)},
                           Case{64, Milliseconds(400)}, Case{2, Milliseconds(5)}}) {
    Bed bed(each.workers, {4, 1000});
    bed.door.clients(800, each.service);
    bed.simulation.run(std::chrono::seconds(20));
    const auto [low, high] = bed.range(std::chrono::seconds(20));
    INFO(each.workers << " workers: " << low << " to " << high);
    CHECK(low >= each.workers);
    CHECK(high <= 4 * each.workers);
    const double most =
        1000.0 / static_cast<double>(each.service.count()) * static_cast<double>(each.workers);
    CHECK(bed.rate(std::chrono::seconds(40)) >= 0.97 * most);
  }
}

TEST_CASE("concurrency limit: an hour of overload does not make it drift", "[concurrency]") {
  Bed bed(8, {4, 1000});
  bed.door.clients(400, Milliseconds(200));
  bed.simulation.run(std::chrono::seconds(60));
  for (int minute = 0; minute < 60; ++minute) {
    const auto [low, high] = bed.range(std::chrono::seconds(60));
    INFO("minute " << minute << ": " << low << " to " << high << ", base "
                   << bed.door.law().base());
    REQUIRE(low >= 8);
    REQUIRE(high <= 4 * 8);
  }
}

TEST_CASE("concurrency limit: nor does it when several doors share the server", "[concurrency]") {
  // Workers of one process probe together, those of several need not.
  for (const Milliseconds apart : {Milliseconds(0), Milliseconds(470)}) {
    Simulation simulation;
    Server server{simulation, 16};
    std::deque<Door> doors;
    for (int i = 0; i < 4; ++i) {
      doors.emplace_back(simulation, server, ConcurrencyLimit::Range{2, 250}, -i * apart);
      doors.back().clients(200, Milliseconds(400));
    }
    simulation.run(std::chrono::seconds(65));
    for (int minute = 0; minute < (apart.count() > 0 ? 60 : 10); ++minute) {
      simulation.run(std::chrono::seconds(60));
      std::uint32_t sum = 0;
      for (const Door& door : doors) sum += door.law().probing() ? 8 : door.limit();
      INFO("minute " << minute << ": " << sum << ", " << apart.count() << " ms apart");
      REQUIRE(sum >= 16);
      REQUIRE(sum <= 6 * 16);
    }
  }
}

TEST_CASE("concurrency limit: overload from the first statement on is found out", "[concurrency]") {
  // Others keep the server busy when weir begins, so that the first base is three times too high.
  Bed bed(16);
  for (int i = 0; i < 32; ++i) bed.server.take(std::chrono::seconds(3), [] {});
  bed.door.clients(400, Milliseconds(50));
  bed.simulation.run(std::chrono::seconds(90));
  const auto [low, high] = bed.range(std::chrono::seconds(30));
  INFO(low << " to " << high);
  CHECK(low >= 16);
  CHECK(high <= 3 * 16);
}

TEST_CASE("concurrency limit: follows a server that gets weaker, and one that gets stronger",
          "[concurrency]") {
  Bed bed(64);
  bed.door.clients(800, Milliseconds(100));
  bed.simulation.run(std::chrono::seconds(20));
  CHECK(bed.range(std::chrono::seconds(10)).first >= 64);
  bed.server.workers = 8;
  bed.simulation.run(std::chrono::seconds(40));
  CHECK(bed.range(std::chrono::seconds(10)).second <= 4 * 8);
  bed.server.workers = 64;
  bed.simulation.run(std::chrono::seconds(20));
  CHECK(bed.range(std::chrono::seconds(10)).first >= 64);
  CHECK(bed.rate(std::chrono::seconds(30)) >= 0.97 * 640);
}

TEST_CASE("concurrency limit: recovers after an outage", "[concurrency]") {
  Bed bed(32);
  bed.door.clients(200, Milliseconds(100));
  bed.simulation.run(std::chrono::seconds(20));
  const double base = bed.door.law().base();
  bed.server.lost = true;
  bed.simulation.run(std::chrono::seconds(30));
  CHECK(bed.door.limit() == 8);
  CHECK(bed.door.law().base() == base);  // errors are fast, and are no latencies
  bed.server.lost = false;
  bed.simulation.run(std::chrono::seconds(10));
  CHECK(bed.rate(std::chrono::seconds(30)) >= 0.97 * 320);
}

TEST_CASE("concurrency limit: stays open when idle, and does not grow unused", "[concurrency]") {
  Bed bed(64);
  bed.door.clients(400, Milliseconds(100));
  bed.simulation.run(std::chrono::seconds(20));
  bed.door.leave(400);
  bed.simulation.run(std::chrono::seconds(5));
  const std::uint32_t limit = bed.door.limit();
  CHECK(limit >= 64);
  bed.door.clients(5, Milliseconds(100));
  bed.simulation.run(std::chrono::minutes(10));
  CHECK(bed.door.limit() == limit);
  bed.door.leave(5);
  bed.simulation.run(std::chrono::minutes(10));
  CHECK(bed.door.limit() == limit);
  // All at once: nobody waits in front of the door for longer than the server would take.
  bed.door.clients(64, Milliseconds(100));
  CHECK(bed.door.in_flight() == 64);
}

TEST_CASE("concurrency limit: a server that has all it needs is never held up for long",
          "[concurrency]") {
  Bed bed(256);
  bed.door.clients(200, Milliseconds(200));
  bed.simulation.run(std::chrono::seconds(20));
  CHECK(bed.door.limit() >= 200);
  CHECK(bed.rate(std::chrono::seconds(40)) >= 0.99 * 200 * 5);
}

TEST_CASE("concurrency limit: slow statements do not close it", "[concurrency]") {
  Bed bed(64);
  bed.door.clients(30, Milliseconds(50));
  bed.simulation.run(std::chrono::seconds(10));
  const std::uint32_t limit = bed.door.limit();
  CHECK(limit >= 30);
  // Reports and sleeps, of which twenty always run.
  bed.door.clients(20, std::chrono::seconds(30));
  bed.simulation.run(std::chrono::seconds(100));
  CHECK(bed.door.limit() >= 50);
  CHECK(bed.rate(std::chrono::seconds(60)) >= 0.97 * 30 * 20);
  CHECK(bed.door.law().base() < 60000);
}

TEST_CASE("concurrency limit: slow statements do not stop a probe, nor are stopped by it",
          "[concurrency]") {
  // More slow ones than a probe allows at all, beside an overload of short ones.
  Bed bed(64);
  bed.door.clients(24, std::chrono::seconds(30));
  bed.simulation.run(std::chrono::seconds(1));
  bed.door.clients(400, Milliseconds(50));
  bed.simulation.run(std::chrono::seconds(60));
  CHECK(bed.rate(std::chrono::seconds(60)) >= 0.95 * 40 * 20);
  const auto [low, high] = bed.range(std::chrono::seconds(60));
  INFO(low << " to " << high);
  CHECK(low >= 40);
  CHECK(high <= 3 * 64);
}

TEST_CASE("concurrency limit: another load, ten times as heavy, is not held to the old one's times",
          "[concurrency]") {
  Bed bed(100);
  bed.door.clients(300, Milliseconds(50));
  bed.simulation.run(std::chrono::seconds(20));
  bed.door.leave(300);
  bed.door.clients(300, Milliseconds(500));
  bed.simulation.run(std::chrono::seconds(60));
  INFO("base " << bed.door.law().base() << ", limit " << bed.door.limit());
  CHECK(bed.rate(std::chrono::seconds(60)) >= 0.97 * 200);
}

TEST_CASE("concurrency limit: slow statements that take every place do not keep it",
          "[concurrency]") {
  Bed bed(500, {8, 300});
  bed.door.clients(100, std::chrono::seconds(600));
  bed.simulation.run(std::chrono::seconds(60));
  CHECK(bed.door.in_flight() == 100);
  bed.door.clients(5, Milliseconds(20));
  bed.simulation.run(std::chrono::seconds(5));
  CHECK(bed.rate(std::chrono::seconds(60)) >= 0.99 * 5 * 50);
}

TEST_CASE("concurrency limit: where all statements take a second the knee is found as well",
          "[concurrency]") {
  Bed bed(8);
  bed.door.clients(200, std::chrono::seconds(1));
  bed.simulation.run(std::chrono::minutes(5));
  const auto [low, high] = bed.range(std::chrono::minutes(30));
  INFO(low << " to " << high);
  CHECK(low >= 8);
  CHECK(high <= 4 * 8);
}

TEST_CASE("concurrency limit: a while of nothing but trivial statements is got over",
          "[concurrency]") {
  Bed bed(32);
  bed.door.clients(1, microseconds(500));  // pings of health checks
  bed.simulation.run(std::chrono::seconds(20));
  CHECK(bed.door.law().base() < 600);
  bed.door.leave(1);
  bed.door.clients(200, Milliseconds(50));
  bed.simulation.run(std::chrono::seconds(30));
  INFO("base " << bed.door.law().base() << ", limit " << bed.door.limit());
  CHECK(bed.rate(std::chrono::seconds(60)) >= 0.97 * 640);
}

TEST_CASE("concurrency limit: stays within its range, and is fixed when that is one number",
          "[concurrency]") {
  Bed narrow(64, {10, 20});
  narrow.door.clients(200, Milliseconds(10));
  for (int i = 0; i < 300; ++i) {
    narrow.simulation.run(Milliseconds(100));
    REQUIRE(narrow.door.limit() <= 20);
    REQUIRE((narrow.door.law().probing() || narrow.door.limit() >= 10));
  }
  Bed fixed(2, {5, 5});
  fixed.door.clients(50, Milliseconds(10));
  for (int i = 0; i < 300; ++i) {
    fixed.simulation.run(Milliseconds(100));
    REQUIRE(fixed.door.limit() == 5);
    REQUIRE(fixed.door.in_flight() == 5);
    REQUIRE_FALSE(fixed.door.law().probing());
  }
}

}  // namespace
}  // namespace weir
