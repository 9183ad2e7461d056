#include "proxy/http/http_server.h"

#include <httplib.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "test/support/catch.h"
#include "test/support/until.h"

namespace weir::http {
namespace {

// A worker that answers when the test says so.
class FakeWorker final : public SessionHost {
 public:
  bool post(std::function<void()> action) override {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(action));
    ++questions_;
    if (answers) run();
    return true;
  }
  ClientSession* find_session(std::uint32_t) override { return nullptr; }
  void for_each_session(const std::function<void(ClientSession&)>&) override {}
  WorkerStatus status() override {
    WorkerStatus status;
    status.workers = 1;
    status.counters.sessions = 4711;
    return status;
  }
  void answer_late() {
    const std::lock_guard lock(mutex_);
    run();
  }
  int questions() {
    const std::lock_guard lock(mutex_);
    return questions_;
  }

  std::atomic<bool> answers{true};

 private:
  void run() {
    for (const auto& action : std::exchange(posted_, {})) action();
  }
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  int questions_ = 0;
};

struct Fixture {
  explicit Fixture(const Endpoint& address = {"127.0.0.1", 0, ""}) {
    process.config = std::make_shared<Config>();
    process.directory = &directory;
    directory.add_worker(worker);
    server.emplace(address, process, 1);
    server->start();
  }
  httplib::Client client() const {
    const Endpoint& address = server->address();
    if (!address.is_unix()) return httplib::Client(address.host, address.port);
    httplib::Client client(address.unix_path);
    client.set_address_family(AF_UNIX);
    return client;
  }
  std::string get(const std::string& path) const {
    const httplib::Result result = client().Get(path);
    return result ? result->body : httplib::to_string(result.error());
  }
  bool complete() const { return get("/metrics").find("\nweir_scrape_complete 1\n") != npos; }
  static constexpr auto npos = std::string::npos;

  FakeWorker worker;
  SessionDirectory directory;
  ProcessContext process;
  std::optional<HttpServer> server;
};

TEST_CASE("http server: metrics hold what the workers count", "[http]") {
  const Fixture fixture;
  CHECK(fixture.server->address().port != 0);
  CHECK(fixture.get("/healthz") == "ok\n");
  CHECK(fixture.complete());
  CHECK(fixture.get("/metrics").find("\nweir_client_sessions_total 4711\n") != Fixture::npos);
}

TEST_CASE("http server: workers that do not answer keep nobody waiting for long", "[http]") {
  Fixture fixture;
  fixture.worker.answers = false;
  bool complete = true;
  std::thread impatient([&] { complete = fixture.complete(); });
  REQUIRE(test::until([&] { return fixture.worker.questions() == 1; }));
  CHECK(fixture.get("/healthz") == "ok\n");  // while the other one waits
  impatient.join();
  CHECK_FALSE(complete);
  CHECK_FALSE(fixture.complete());
  CHECK(fixture.worker.questions() == 1);  // they have one question to answer, and get no second

  fixture.worker.answers = true;
  fixture.worker.answer_late();
  CHECK(test::until([&] { return fixture.complete(); }));
}

TEST_CASE("http server: who asks often does not ask the workers each time", "[http]") {
  Fixture fixture;
  const auto began = Clock::now();
  constexpr int kAsked = 50;
  for (int i = 0; i < kAsked; ++i) CHECK(fixture.complete());
  const auto periods = (Clock::now() - began) / HttpServer::kFreshStatus + 1;
  CHECK(fixture.worker.questions() <= periods + 1);
}

TEST_CASE("http server: what workers count is left out when one of them has ended", "[http]") {
  Fixture fixture;
  fixture.directory.remove_worker(fixture.worker);
  CHECK_FALSE(fixture.complete());
  CHECK(fixture.get("/metrics").find("weir_client_sessions_total") == Fixture::npos);
}

TEST_CASE("http server: it ends while somebody waits for an answer", "[http]") {
  Fixture fixture;
  fixture.worker.answers = false;
  bool complete = true;
  std::thread waiting([&] { complete = fixture.complete(); });
  REQUIRE(test::until([&] { return fixture.worker.questions() == 1; }));
  fixture.server->stop();
  waiting.join();
  CHECK_FALSE(complete);
  fixture.worker.answer_late();  // nobody reads it any more
}

TEST_CASE("http server: a unix socket", "[http]") {
  const std::string path = "/tmp/weir-http-test." + std::to_string(::getpid());
  {
    const Fixture fixture({"", 0, path});
    CHECK(fixture.get("/healthz") == "ok\n");
  }
  ::unlink(path.c_str());
}

TEST_CASE("http server: an address that is taken is refused with what to do", "[http]") {
  const Fixture fixture;
  ProcessContext process;
  const std::string address = fixture.server->address().to_string();
  CHECK_THROWS_WITH(HttpServer(fixture.server->address(), process, 1),
                    "HTTP: cannot listen on " + address +
                        ": bind: Address already in use; give listen.http another address, or "
                        "\"\" to do without");
}

}  // namespace
}  // namespace weir::http
