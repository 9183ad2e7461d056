#include "proxy/session/session_directory.h"

#include <deque>
#include <optional>

#include "proxy/session/status_survey.h"
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
  WorkerStatus status() override { return answer; }

  void run() {
    while (!posted.empty()) {
      const auto action = std::move(posted.front());
      posted.pop_front();
      action();
    }
  }

  bool ended = false;
  WorkerStatus answer;
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

TEST_CASE("session directory: the status of all workers is one sum") {
  SessionDirectory directory;
  FakeWorker workers[2];
  const PinCause cause = pin_cause("SET @a = 1", {});
  PinSet pins;
  pins.add(Pin::user_variable);
  for (FakeWorker& worker : workers) {
    worker.answer.pins.counts.add(pins, &cause);
    worker.answer.sessions = 3;
    worker.answer.servers = {{2, 1, 1, 0}, {4, 0, 4, 5}};
    worker.answer.counters.waits = 7;
    worker.answer.counters.routed.add(
        {Destination::replica, RouteCause::statement, sql::Reason::plain_read, {}}, true);
    worker.answer.counters.routed.add(
        {Destination::primary, RouteCause::pinned, sql::Reason::plain_read, {}}, false);
    directory.add_worker(worker);
  }
  std::optional<WorkerStatus> status;
  survey_status(directory, [&](WorkerStatus all) { status = std::move(all); });
  for (FakeWorker& worker : workers) worker.run();
  REQUIRE(status);
  CHECK(status->sessions == 6);
  CHECK(status->servers == std::vector<ServerLoad>{{4, 2, 2, 0}, {8, 0, 8, 10}});
  CHECK(status->counters.waits == 14);
  CHECK(status->counters.routed.total(true) == 2);
  CHECK(status->counters.routed.total(false) == 2);
  for (std::size_t row = 0; row < RoutedCounts::kRows; ++row) {
    const std::string_view name = RoutedCounts::name(row);
    CHECK(status->counters.routed.count(row, true) == (name == "plain_read" ? 2 : 0));
    CHECK(status->counters.routed.count(row, false) == (name == "pinned" ? 2 : 0));
  }
  CHECK(status->pins.counts.total(Pin::user_variable) == 2);
  REQUIRE(status->pins.counts.rows().size() == 1);
  CHECK(status->pins.counts.rows()[0].count == 2);
}

TEST_CASE("session directory: who waits for a status gets none from workers that do not answer") {
  SessionDirectory directory;
  CHECK(ask_status(directory, Milliseconds(0)));  // no workers, nothing to wait for
  FakeWorker hangs;
  directory.add_worker(hangs);
  CHECK_FALSE(ask_status(directory, Milliseconds(1)));
  hangs.run();  // the late answer finds nobody, and no harm is done
}

}  // namespace
}  // namespace weir
