// How long classify() takes per statement, and that it allocates nothing. Prints the median of
// several rounds with the fastest and the slowest; exits with 1 when an allocation was seen.
//
//   classifier_bench                  every statement
//   classifier_bench STATEMENT CALLS  one of them that often and nothing else: for a tool that
//   counts
//                                     instructions, which other load on the machine does not change

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/micro/counted_allocations.h"
#include "sql_classifier/classifier.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Workload {
  std::string_view name;
  std::string text;
};

std::vector<Workload> workloads() {
  std::string rows = "INSERT INTO orders (id, customer, note) VALUES ";
  for (int i = 0; i < 200; ++i) rows += "(1,'someone','it\\'s a longer note, as notes are'),";
  rows.back() = ';';
  return {
      {"point select", "SELECT c FROM sbtest1 WHERE id=4711"},
      {"range select, 120 bytes",
       "SELECT DISTINCT c, pad, id FROM sbtest17 WHERE id BETWEEN 500123 AND 500222 AND k IN (1, "
       "2, 3, 4) ORDER BY c "
       "LIMIT 100"},
      {"mapper select",
       "SELECT `users`.`id` AS `t0_c0`, `users`.`email` AS `t0_c1`, `users`.`created_at` AS "
       "`t0_c2`, COUNT(`o`.`id`) AS "
       "`total` FROM `users` LEFT OUTER JOIN `orders` AS `o` ON `o`.`user_id` = `users`.`id` WHERE "
       "`users`.`email` = "
       "'someone@example.org' AND `users`.`deleted_at` IS NULL GROUP BY `users`.`id` ORDER BY "
       "`users`.`id` ASC LIMIT 1"},
      {"update", "UPDATE sbtest3 SET k=k+1 WHERE id=500123"},
      {"begin", "BEGIN"},
      {"set names", "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_0900_ai_ci'"},
      {"long insert", std::move(rows)},
  };
}

double nanoseconds_per_call(const std::string& text, int calls) {
  const auto start = Clock::now();
  unsigned sink = 0;
  for (int i = 0; i < calls; ++i) {
    sink += static_cast<unsigned>(weir::sql::classify(text).placement);
    asm volatile("" : "+r"(sink) : : "memory");
  }
  const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
  return spent.count() / calls;
}

// False when there is no such statement.
bool call_only(const std::vector<Workload>& all, std::string_view name, int calls) {
  for (const Workload& work : all) {
    if (work.name != name) continue;
    nanoseconds_per_call(work.text, calls);
    return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kRounds = 15;
  const std::vector<Workload> all = workloads();
  if (argc == 3) return call_only(all, argv[1], std::atoi(argv[2])) ? 0 : 2;
  std::printf("%-26s %7s %10s %10s %10s\n", "statement", "bytes", "median ns", "min", "max");
  const std::uint64_t before = weir::counted_allocations();
  for (const Workload& work : all) {
    const int calls = work.text.size() > 1000 ? 5000 : 200000;
    nanoseconds_per_call(work.text, calls / 4);  // caches and branch predictors
    std::array<double, kRounds> rounds{};
    for (double& round : rounds) round = nanoseconds_per_call(work.text, calls);
    std::sort(rounds.begin(), rounds.end());
    std::printf("%-26.*s %7zu %10.1f %10.1f %10.1f\n", static_cast<int>(work.name.size()),
                work.name.data(), work.text.size(), rounds[kRounds / 2], rounds.front(),
                rounds.back());
  }
  const std::uint64_t seen = weir::counted_allocations() - before;
  std::printf("allocations: %llu\n", static_cast<unsigned long long>(seen));
  return seen == 0 ? 0 : 1;
}
