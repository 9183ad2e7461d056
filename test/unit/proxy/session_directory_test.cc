#include "proxy/session/session_directory.h"

#include <deque>
#include <optional>

#include "proxy/session/pin_survey.h"
#include "test/support/catch.h"

namespace weir {
namespace {

// A worker without a thread: what is posted runs when the test says so.
class FakeWorker final : public SessionHost {
 public:
  bool post(std::function<void()> action) override {
    if (!ended) posted.push_back(std::move(action));
    return !ended;
  }
  ClientSession* find_session(std::uint32_t) override { return nullptr; }
  void for_each_session(const std::function<void(ClientSession&)>&) override {}
  const PinCounts& pin_counts() const override { return counts; }

  void run() {
    while (!posted.empty()) {
      const auto action = std::move(posted.front());
      posted.pop_front();
      action();
    }
  }

  bool ended = false;
  PinCounts counts;
  std::deque<std::function<void()>> posted;
};

// The answers once they are there.
struct Asked {
  explicit Asked(const SessionDirectory& directory) {
    ask_workers<int>(
        directory, [this](SessionHost&) { return ++questions; },
        [this](std::vector<int> all) { answers = std::move(all); });
  }
  int questions = 0;
  std::optional<std::vector<int>> answers;
};

TEST_CASE("session directory: workers are asked on their own threads, the last one answers") {
  SessionDirectory directory;
  FakeWorker first;
  FakeWorker second;
  directory.add_worker(first);
  directory.add_worker(second);
  const Asked asked(directory);
  CHECK(asked.questions == 0);
  second.run();
  CHECK(asked.questions == 1);
  CHECK_FALSE(asked.answers);
  first.run();
  REQUIRE(asked.answers);
  CHECK(*asked.answers == std::vector<int>{2, 1});
}

TEST_CASE("session directory: a worker that has ended holds nobody up") {
  SessionDirectory directory;
  CHECK(Asked(directory).answers == std::vector<int>{});
  FakeWorker ended;
  FakeWorker lives;
  ended.ended = true;
  directory.add_worker(ended);
  CHECK(Asked(directory).answers == std::vector<int>{0});
  directory.add_worker(lives);
  const Asked asked(directory);
  CHECK_FALSE(asked.answers);
  lives.run();
  CHECK(asked.answers == std::vector<int>{0, 1});
  directory.remove_worker(ended);
  directory.remove_worker(lives);
  CHECK(Asked(directory).answers == std::vector<int>{});
}

TEST_CASE("session directory: the pins of all workers are one report") {
  SessionDirectory directory;
  FakeWorker workers[2];
  const PinCause cause = pin_cause("SET @a = 1", {});
  PinSet pins;
  pins.add(Pin::user_variable);
  for (FakeWorker& worker : workers) {
    worker.counts.add(pins, &cause);
    directory.add_worker(worker);
  }
  std::optional<PinReport> report;
  survey_pins(directory, [&](PinReport all) { report = std::move(all); });
  for (FakeWorker& worker : workers) worker.run();
  REQUIRE(report);
  CHECK(report->counts.total(Pin::user_variable) == 2);
  REQUIRE(report->counts.rows().size() == 1);
  CHECK(report->counts.rows()[0].count == 2);
}

}  // namespace
}  // namespace weir
