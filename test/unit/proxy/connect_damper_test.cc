#include "proxy/backend/connect_damper.h"

#include "proxy/core/spill_guard.h"
#include "test/support/catch.h"

namespace weir {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};

TEST_CASE("connect damper: a server that is well gets as many connections as are wanted") {
  ConnectDamper damper;
  for (int i = 0; i < 100; ++i) CHECK(damper.may_try(kStart));
  damper.succeeded();
  CHECK(damper.may_try(kStart));
}

TEST_CASE("connect damper: after a failure one tries at a time, and pauses grow") {
  ConnectDamper damper;
  TimePoint now = kStart;
  Milliseconds longest{0};
  for (const int most : {25, 50, 100, 200, 400, 400, 400}) {
    damper.failed(now, "Connection refused", 99);
    CHECK(damper.why() == "Connection refused");
    CHECK_FALSE(damper.may_try(now));
    CHECK_FALSE(damper.may_try(now + Milliseconds(most / 2 - 1)));
    now += Milliseconds(most);
    CHECK(damper.may_try(now));
    CHECK_FALSE(damper.may_try(now));
    longest = std::max(longest, Milliseconds(most));
  }
  damper.gave_up();  // nothing was learnt: the next one may try
  CHECK(damper.may_try(now));
  damper.succeeded();
  CHECK(damper.may_try(now));
  CHECK(damper.may_try(now));
  damper.failed(now, "again", 0);
  CHECK(
      damper.may_try(now + Milliseconds(13)));  // from the beginning, and with chance at its least
}

TEST_CASE("spill guard: so many at a time, and no limit when it is 0") {
  SpillGuard guard(2);
  SpillTicket first = guard.take();
  SpillTicket second = guard.take();
  CHECK(first);
  CHECK(second);
  CHECK_FALSE(guard.take());
  CHECK(guard.running() == 2);
  first = std::move(second);
  CHECK(guard.running() == 1);
  CHECK(guard.take());
  first = {};
  CHECK(guard.running() == 0);
  SpillGuard open(0);
  const SpillTicket held = open.take();
  CHECK(held);
  CHECK(open.take());
}

}  // namespace
}  // namespace weir
