// What is given up when memory becomes little, and in which order.

#include "proxy/core/memory_budget.h"

#include "proxy/process_memory.h"
#include "test/support/catch.h"

namespace weir::test {

TEST_CASE("memory budget: first what nobody sees, then what is new, then what is there") {
  MemoryBudget budget(1000);
  CHECK(budget.limited());
  CHECK(budget.least_of_interest() == 800);
  const struct {
    std::size_t used;
    bool keeps_transactions;
    bool takes_more;
    bool suffices;
  } cases[] = {
      {0, true, true, true},       {799, true, true, true},     {800, false, true, true},
      {899, false, true, true},    {900, false, false, true},   {999, false, false, true},
      {1000, false, false, false}, {5000, false, false, false}, {10, true, true, true},
  };
  for (const auto& c : cases) {
    CAPTURE(c.used);
    budget.measured(c.used);
    CHECK(budget.used() == c.used);
    CHECK(budget.keeps_transactions() == c.keeps_transactions);
    CHECK(budget.takes_more() == c.takes_more);
    CHECK(budget.suffices() == c.suffices);
  }
}

TEST_CASE("memory budget: without a limit nothing is ever given up") {
  MemoryBudget budget(0);
  budget.measured(SIZE_MAX);
  CHECK_FALSE(budget.limited());
  CHECK(budget.keeps_transactions());
  CHECK(budget.takes_more());
  CHECK(budget.suffices());
}

TEST_CASE("memory budget: what is in use is measured") {
  const std::size_t before = memory_in_use(0);
  std::string large(std::size_t{64} << 20, 'x');
  CHECK(large.back() == 'x');
  CHECK(memory_in_use(0) >= before + (std::size_t{64} << 20));
  large = {};
  large.shrink_to_fit();
  CHECK(memory_in_use(0) < before + (std::size_t{32} << 20));
  CHECK(memory_in_use(SIZE_MAX) > 0);  // resident
}

}  // namespace weir::test
