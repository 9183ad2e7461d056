#include "proxy/auth/password_checks.h"

#include <vector>

#include "protocol/auth/stored_password.h"
#include "test/support/catch.h"

namespace weir {
namespace {

protocol::PasswordCheck check_of(std::string_view password) {
  protocol::PasswordCheck check;
  check.password = protocol::Secret(password);
  protocol::CryptedPassword crypted;
  crypted.rounds = 5000;
  crypted.salt.fill('s');
  crypted.text = protocol::sha256_crypt("secret", crypted.salt, crypted.rounds);
  check.crypted = {std::nullopt, crypted};
  return check;
}

class Loop {
 public:
  Loop() { REQUIRE(uv_loop_init(&loop_) == 0); }
  ~Loop() { CHECK(uv_loop_close(&loop_) == 0); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  uv_loop_t* get() { return &loop_; }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

 private:
  uv_loop_t loop_;
};

TEST_CASE("password checks: the loop is told which password it is, and given the check back") {
  Loop loop;
  PasswordChecks checks;
  std::vector<std::optional<std::size_t>> found;
  for (const char* password : {"secret", "other", ""}) {
    const std::string expected = password;
    REQUIRE(checks.start(loop.get(), check_of(password),
                         [&, expected](protocol::PasswordCheck check, auto which) {
                           CHECK(check.password.view() == expected);
                           found.resize(3);
                           found[expected == "secret" ? 0 : expected.empty() ? 2 : 1] = which;
                         }));
  }
  CHECK(found.empty());  // never from inside start()
  loop.run();
  CHECK(found == std::vector<std::optional<std::size_t>>{1, std::nullopt, std::nullopt});
}

TEST_CASE("password checks: no more at a time than may be") {
  Loop loop;
  PasswordChecks checks(2);
  int done = 0;
  const auto start = [&] {
    return checks.start(loop.get(), check_of("secret"), [&](auto, auto) { ++done; });
  };
  CHECK(start());
  CHECK(start());
  CHECK_FALSE(start());
  CHECK_FALSE(start());
  loop.run();
  CHECK(done == 2);
  CHECK(start());
  loop.run();
  CHECK(done == 3);
}

}  // namespace
}  // namespace weir
