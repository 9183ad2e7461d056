#include "proxy/auth/account_store.h"

#include "proxy/backend/server_slots.h"
#include "test/support/catch.h"

namespace weir {
namespace {

std::shared_ptr<const Config> config(AuthMode mode) {
  Config made;
  made.auth.mode = mode;
  made.users.push_back({.name = "app",
                        .password = "secret",
                        .route = {},
                        .max_connections = 2,
                        .consistency = {},
                        .query_timeout = {}});
  made.users.push_back({.name = "free",
                        .password = "",
                        .route = {},
                        .max_connections = 0,
                        .consistency = {},
                        .query_timeout = {}});
  return std::make_shared<const Config>(std::move(made));
}

CredentialsPtr credentials(const char* user, const char* password) {
  return std::make_shared<const Credentials>(
      Credentials{user, protocol::Secret(std::string(password))});
}

TEST_CASE("account store: listed users") {
  for (const AuthMode mode : {AuthMode::users, AuthMode::passthrough}) {
    const AccountStore store(config(mode));
    const auto lookup = store.find("app");
    REQUIRE(lookup.listed != nullptr);
    CHECK(lookup.listed->name == "app");
    REQUIRE(lookup.credentials != nullptr);
    CHECK(lookup.credentials->user == "app");
    CHECK(lookup.credentials->password.view() == "secret");
    CHECK(store.find("free").listed != nullptr);
    for (const char* stranger : {"", "APP", "app ", "other"}) {
      CHECK(store.find(stranger).listed == nullptr);
      CHECK(store.find(stranger).credentials == nullptr);
    }
  }
}

TEST_CASE("account store: what was learnt is known until it is forgotten") {
  AccountStore store(config(AuthMode::passthrough));
  const auto first = credentials("other", "one");
  store.remember(first);
  CHECK(store.find("other").credentials == first);
  CHECK(store.find("other").listed == nullptr);
  const auto second = credentials("other", "two");
  store.remember(second);
  store.forget(first);  // an old session notices late that its password is no more
  CHECK(store.find("other").credentials == second);
  store.forget(second);
  CHECK(store.find("other").credentials == nullptr);
  store.forget(second);
}

TEST_CASE("account store: what was learnt never outranks the configuration") {
  AccountStore store(config(AuthMode::passthrough));
  store.remember(credentials("app", "claimed"));
  CHECK(store.find("app").credentials->password.view() == "secret");
  AccountStore closed(config(AuthMode::users));
  closed.remember(credentials("other", "one"));
  CHECK(closed.find("other").credentials == nullptr);
}

TEST_CASE("account store: it forgets rather than grows without end") {
  AccountStore store(config(AuthMode::passthrough));
  const auto shared = credentials("x", "y");
  for (int i = 0; i < 10001; ++i) {
    store.remember(credentials(("user" + std::to_string(i)).c_str(), "p"));
  }
  CHECK(store.find("user0").credentials == nullptr);
  CHECK(store.find("user10000").credentials != nullptr);
}

TEST_CASE("account store: places of a user") {
  AccountStore store(config(AuthMode::users));
  const UserConfig& app = *store.find("app").listed;
  CHECK(store.enter(app));
  CHECK(store.enter(app));
  CHECK_FALSE(store.enter(app));
  CHECK_FALSE(store.enter(app));
  store.leave(app);
  CHECK(store.enter(app));
  CHECK_FALSE(store.enter(app));
  const UserConfig& free = *store.find("free").listed;
  for (int i = 0; i < 100; ++i) CHECK(store.enter(free));
  store.leave(free);
}

TEST_CASE("server slots: a place is given back by its holder's end") {
  ServerSlots slots({2, 0});
  CHECK(slots.limit(0) == 2);
  ServerSlot first = slots.take(0);
  {
    const ServerSlot second = slots.take(0);
    CHECK(first);
    CHECK(second);
    CHECK_FALSE(slots.take(0));
    CHECK(slots.used(0) == 2);
  }
  CHECK(slots.used(0) == 1);
  ServerSlot moved = std::move(first);
  CHECK(slots.used(0) == 1);
  moved = slots.take(0);
  CHECK(moved);
  CHECK(slots.used(0) == 1);
  moved = {};
  CHECK(slots.used(0) == 0);
  CHECK(slots.used(1) == 0);
}

TEST_CASE("server slots: no limit is none") {
  ServerSlots slots({0});
  std::vector<ServerSlot> taken;
  for (int i = 0; i < 100; ++i) taken.push_back(slots.take(0));
  CHECK(slots.used(0) == 100);
  for (const ServerSlot& slot : taken) CHECK(slot);
  taken.clear();
  CHECK(slots.used(0) == 0);
}

}  // namespace
}  // namespace weir
