#include "proxy/backend/server_slots.h"

#include "test/support/catch.h"

namespace weir {
namespace {

TEST_CASE("server slots: a place comes back when its holder goes") {
  ServerSlots slots({2, 0});
  ServerSlot first = slots.take(0);
  ServerSlot second = slots.take(0);
  CHECK(first);
  CHECK(second);
  CHECK_FALSE(slots.take(0));
  CHECK(slots.used(0) == 2);
  const ServerSlot moved = std::move(first);
  CHECK_FALSE(first);
  CHECK_FALSE(slots.take(0));
  second = {};
  CHECK(slots.used(0) == 1);
  CHECK(slots.take(0));
  for (int i = 0; i < 100; ++i) CHECK(slots.take(1));
  CHECK(slots.used(1) == 0);
}

TEST_CASE("server slots: everybody hears of a waiting one, and of free places while it waits") {
  ServerSlots slots({8});
  int heard = 0;
  slots.watch([&] { ++heard; });
  slots.watch([&] { ++heard; });
  CHECK(slots.fair_share(0) == 4);
  { const ServerSlot quiet = slots.take(0); }
  CHECK(heard == 0);
  slots.begin_wait(0);
  CHECK(slots.waiting(0) == 1);
  CHECK(heard == 2);
  { const ServerSlot told = slots.take(0); }
  CHECK(heard == 4);
  slots.end_wait(0);
  { const ServerSlot quiet = slots.take(0); }
  CHECK(heard == 4);
}

}  // namespace
}  // namespace weir
