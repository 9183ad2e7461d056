#include "proxy/core/admission.h"

#include <memory>
#include <string>
#include <vector>

#include "test/support/catch.h"

namespace weir {
namespace {

using Answer = Admission::Answer;

OverloadConfig fixed_at(std::size_t limit, std::size_t queue = 100) {
  return {OverloadMode::adaptive, limit, limit, queue};
}

// Two servers, and what is done when somebody is let in.
struct Bed {
  explicit Bed(const OverloadConfig& config, unsigned workers = 1)
      : work(2),
        admission(
            config, workers, work, TimePoint{}, [this] { return now; }, [this] { ++wakes; }) {}

  std::vector<ServerWork> work;
  TimePoint now{std::chrono::hours(1)};
  int wakes = 0;
  std::string admitted;  // the names of those, in order
  Admission admission;
};

struct Statement final : AdmissionWaiter {
  Statement(Bed& of, std::string called) : bed(of), name(std::move(called)) {}
  void on_admitted() override {
    bed.admitted += name;
    if (leaves_at_once) place.leave();
  }

  Bed& bed;
  std::string name;
  bool leaves_at_once = false;
  AdmissionPlace place{*this};
};

TEST_CASE("admission: so many inside, others in line, in the order of arrival", "[admission]") {
  Bed bed(fixed_at(2));
  Statement a(bed, "a"), b(bed, "b"), c(bed, "c"), d(bed, "d"), e(bed, "e");
  CHECK(bed.admission.enter(a.place, 0) == Answer::inside);
  CHECK_FALSE(bed.work[0].full);
  CHECK(bed.admission.enter(b.place, 0) == Answer::inside);
  CHECK(bed.work[0].full);
  CHECK(bed.admission.enter(c.place, 0) == Answer::in_line);
  CHECK(bed.admission.enter(d.place, 0) == Answer::in_line);
  CHECK(bed.work[0].queued == 2);
  CHECK(bed.admission.in_line(0) == 2);
  CHECK(bed.admission.enter(e.place, 1) == Answer::inside);  // another server's door
  CHECK_FALSE(bed.work[1].full);
  bed.admission.serve();
  CHECK(bed.admitted == "");

  CHECK(bed.wakes == 0);
  b.place.leave();
  CHECK(bed.wakes == 1);
  CHECK(bed.work[0].full);  // others come first
  Statement late(bed, "l");
  CHECK(bed.admission.enter(late.place, 0) == Answer::in_line);
  a.place.leave();
  CHECK(bed.wakes == 1);  // once is enough
  bed.admission.serve();
  CHECK(bed.admitted == "cd");
  CHECK(c.place.inside(0));
  CHECK(late.place.in_line());
  CHECK(bed.work[0].queued == 1);
  d.place.leave();
  CHECK(bed.wakes == 2);
  bed.admission.serve();
  CHECK(bed.admitted == "cdl");
}

TEST_CASE("admission: who leaves the line, or dies in it, leaves no trace", "[admission]") {
  Bed bed(fixed_at(1));
  Statement a(bed, "a"), c(bed, "c");
  auto b = std::make_unique<Statement>(bed, "b");
  CHECK(bed.admission.enter(a.place, 0) == Answer::inside);
  CHECK(bed.admission.enter(b->place, 0) == Answer::in_line);
  CHECK(bed.admission.enter(c.place, 0) == Answer::in_line);
  b.reset();
  CHECK(bed.work[0].queued == 1);
  a.place.leave();
  a.place.leave();  // no more than once
  bed.admission.serve();
  CHECK(bed.admitted == "c");
  c.place.leave();
  CHECK_FALSE(bed.work[0].full);
  CHECK(bed.work[0].queued == 0);
  // Inside and destroyed.
  for (int i = 0; i < 3; ++i) {
    Statement one(bed, "x");
    CHECK(bed.admission.enter(one.place, 0) == Answer::inside);
  }
}

TEST_CASE("admission: a place is at one server at a time", "[admission]") {
  Bed bed(fixed_at(1));
  Statement a(bed, "a"), b(bed, "b");
  CHECK(bed.admission.enter(a.place, 0) == Answer::inside);
  CHECK(bed.admission.enter(b.place, 0) == Answer::in_line);
  CHECK(bed.admission.enter(b.place, 1) == Answer::inside);
  CHECK(bed.work[0].queued == 0);
  CHECK(bed.admission.enter(a.place, 1) == Answer::in_line);
  CHECK_FALSE(bed.work[0].full);
}

TEST_CASE("admission: what must not wait passes, and counts", "[admission]") {
  Bed bed(fixed_at(1));
  Statement a(bed, "a"), b(bed, "b"), c(bed, "c");
  bed.admission.pass(a.place, 0);
  bed.admission.pass(b.place, 0);
  CHECK(a.place.inside(0));
  CHECK(b.place.inside(0));
  CHECK(bed.admission.enter(c.place, 0) == Answer::in_line);
  a.place.leave();
  CHECK(bed.wakes == 0);  // one is still inside
  b.place.leave();
  CHECK(bed.wakes == 1);
}

TEST_CASE("admission: a line that is full turns away", "[admission]") {
  Bed bed(fixed_at(1, 1));
  Statement a(bed, "a"), b(bed, "b"), c(bed, "c");
  CHECK(bed.admission.enter(a.place, 0) == Answer::inside);
  CHECK(bed.admission.enter(b.place, 0) == Answer::in_line);
  CHECK(bed.admission.enter(c.place, 0) == Answer::full);
  CHECK_FALSE(c.place.inside());
  CHECK_FALSE(c.place.in_line());
  bed.admission.shed(0);
  ServerLoad load;
  bed.admission.describe(0, load);
  CHECK(load.limit == 1);
  CHECK(load.in_line == 1);
  CHECK(load.shed == 2);
  Bed without(fixed_at(1, 0));
  Statement d(without, "d"), e(without, "e");
  CHECK(without.admission.enter(d.place, 0) == Answer::inside);
  CHECK(without.admission.enter(e.place, 0) == Answer::full);
}

TEST_CASE("admission: statements that end as soon as they are let in", "[admission]") {
  Bed bed(fixed_at(1));
  Statement a(bed, "a"), b(bed, "b"), c(bed, "c"), d(bed, "d");
  CHECK(bed.admission.enter(a.place, 0) == Answer::inside);
  for (Statement* one : {&b, &c, &d}) {
    one->leaves_at_once = one != &d;
    CHECK(bed.admission.enter(one->place, 0) == Answer::in_line);
  }
  a.place.leave();
  bed.admission.serve();
  CHECK(bed.admitted == "bcd");
  CHECK(d.place.inside(0));
}

TEST_CASE("admission: room to spare is half of the limit", "[admission]") {
  Bed bed(fixed_at(4));
  std::vector<std::unique_ptr<Statement>> statements;
  std::string spare;
  for (int i = 0; i < 6; ++i) {
    spare += bed.admission.has_room_to_spare(0) ? 'y' : 'n';
    bed.admission.enter(statements.emplace_back(std::make_unique<Statement>(bed, "x"))->place, 0);
  }
  CHECK(spare == "yynnnn");
}

TEST_CASE("admission: each worker has its share, and at least one", "[admission]") {
  CHECK(Bed(fixed_at(8), 4).admission.limit(0) == 2);
  CHECK(Bed(fixed_at(9), 4).admission.limit(0) == 3);
  CHECK(Bed(fixed_at(1), 4).admission.limit(0) == 1);
}

TEST_CASE("admission: when the limit grows, those in line are let in", "[admission]") {
  Bed bed({OverloadMode::adaptive, 4, 100, 100});
  std::vector<std::unique_ptr<Statement>> statements;
  for (int i = 0; i < 40; ++i) {
    bed.admission.enter(statements.emplace_back(std::make_unique<Statement>(bed, "x"))->place, 0);
  }
  CHECK(bed.admission.in_line(0) == 36);
  for (int i = 0; i < 16; ++i) bed.admission.answered(0, 500);
  bed.now += Milliseconds(200);
  CHECK(bed.wakes == 0);
  bed.admission.answered(0, 500);
  CHECK(bed.wakes == 1);
  bed.admission.serve();
  CHECK(bed.admission.limit(0) == 6);
  CHECK(bed.admitted == "xx");
  // A second in which nothing ends.
  bed.now += Milliseconds(1000);
  bed.admission.tick();
  CHECK(bed.wakes == 2);
  bed.admission.serve();
  CHECK(bed.admission.in_line(0) == 40 - bed.admission.limit(0));
}

}  // namespace
}  // namespace weir
