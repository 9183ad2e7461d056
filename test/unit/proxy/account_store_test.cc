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
    const auto lookup = store.find("app", "10.0.0.1");
    REQUIRE(lookup.listed != nullptr);
    CHECK(lookup.listed->name == "app");
    REQUIRE(lookup.credentials[0] != nullptr);
    CHECK(lookup.credentials[0]->user == "app");
    CHECK(lookup.credentials[0]->password.view() == "secret");
    CHECK(store.find("free", "10.0.0.1").listed != nullptr);
    for (const char* stranger : {"", "APP", "app ", "other"}) {
      CHECK(store.find(stranger, "10.0.0.1").listed == nullptr);
      CHECK(store.find(stranger, "10.0.0.1").credentials[0] == nullptr);
    }
  }
}

TEST_CASE("account store: what was learnt is known until it is forgotten") {
  AccountStore store(config(AuthMode::passthrough));
  const auto first = credentials("other", "one");
  store.remember(first);
  CHECK(store.find("other", "10.0.0.1").credentials[0] == first);
  CHECK(store.find("other", "10.0.0.1").listed == nullptr);
  const auto second = credentials("other", "two");
  store.remember(second);
  store.forget(first);  // an old session notices late that its password is no more
  CHECK(store.find("other", "10.0.0.1").credentials[0] == second);
  store.forget(second);
  CHECK(store.find("other", "10.0.0.1").credentials[0] == nullptr);
  store.forget(second);
}

TEST_CASE("account store: what was learnt never outranks the configuration") {
  AccountStore store(config(AuthMode::passthrough));
  store.remember(credentials("app", "claimed"));
  CHECK(store.find("app", "10.0.0.1").credentials[0]->password.view() == "secret");
  AccountStore closed(config(AuthMode::users));
  closed.remember(credentials("other", "one"));
  CHECK(closed.find("other", "10.0.0.1").credentials[0] == nullptr);
}

TEST_CASE("account store: it forgets rather than grows without end") {
  AccountStore store(config(AuthMode::passthrough));
  const auto shared = credentials("x", "y");
  for (int i = 0; i < 10001; ++i) {
    store.remember(credentials(("user" + std::to_string(i)).c_str(), "p"));
  }
  CHECK(store.find("user0", "10.0.0.1").credentials[0] == nullptr);
  CHECK(store.find("user10000", "10.0.0.1").credentials[0] != nullptr);
}

TEST_CASE("account store: places of a user") {
  AccountStore store(config(AuthMode::users));
  const UserConfig& app = *store.find("app", "10.0.0.1").listed;
  CHECK(store.enter(app));
  CHECK(store.enter(app));
  CHECK_FALSE(store.enter(app));
  CHECK_FALSE(store.enter(app));
  store.leave(app);
  CHECK(store.enter(app));
  CHECK_FALSE(store.enter(app));
  const UserConfig& free = *store.find("free", "10.0.0.1").listed;
  for (int i = 0; i < 100; ++i) CHECK(store.enter(free));
  store.leave(free);
}

// "*" and SHA1(SHA1("secret")).
constexpr const char* kNative = "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7";

UserConfig with_verifier(const char* name, const char* verifier) {
  UserConfig user;
  user.name = name;
  user.verifier = verifier;
  return user;
}

AccountStore store_of(std::vector<UserConfig> users) {
  Config made;
  made.auth.mode = AuthMode::users;
  made.users = std::move(users);
  return AccountStore(std::make_shared<const Config>(std::move(made)));
}

TEST_CASE("account store: a verifier's password is known once it was told, and until it fails") {
  AccountStore store = store_of({with_verifier("app", kNative)});
  const auto before = store.find("app", "10.0.0.1");
  REQUIRE(before.listed != nullptr);
  CHECK(before.credentials[0] == nullptr);
  const auto told = credentials("app", "secret");
  store.remember(*before.listed, {0, protocol::KnownPassword::of("secret")}, told);
  CHECK(store.find("app", "10.0.0.1").credentials[0] == told);
  CHECK(store.find("app", "10.0.0.1").credentials[1] == nullptr);
  store.forget(credentials("app", "secret"));  // of another session
  CHECK(store.find("app", "10.0.0.1").credentials[0] == told);
  store.forget(told);
  CHECK(store.find("app", "10.0.0.1").credentials[0] == nullptr);
}

TEST_CASE("account store: the account of the servers that a user is mapped to") {
  UserConfig user = with_verifier("app", kNative);
  user.backend = {"svc", "its own"};
  AccountStore store = store_of({user});
  const auto lookup = store.find("app", "10.0.0.1");
  REQUIRE(lookup.credentials[0] != nullptr);
  CHECK(lookup.credentials[0]->user == "svc");
  CHECK(lookup.credentials[0]->password.view() == "its own");
  CHECK(lookup.listed->name == "app");
  CHECK_FALSE(store.find("svc", "10.0.0.1").listed);
}

TEST_CASE("account store: networks that a user may come from") {
  UserConfig user = with_verifier("app", kNative);
  user.allow_from = {"10.0.0.0/8", "2001:db8::/32"};
  user.require_tls = true;
  const AccountStore store = store_of({user});
  for (const char* inside : {"10.0.0.1", "10.255.0.1", "::ffff:10.0.0.1", "2001:db8::1"}) {
    CAPTURE(inside);
    CHECK(store.find("app", inside).listed != nullptr);
    CHECK(store.find("app", inside).requires_tls);
  }
  for (const char* outside : {"11.0.0.1", "127.0.0.1", "localhost", "2001:db9::1", ""}) {
    CAPTURE(outside);
    const auto lookup = store.find("app", outside);
    CHECK(lookup.listed == nullptr);
    CHECK(lookup.credentials[0] == nullptr);
    CHECK(lookup.requires_tls);  // the same words as inside
  }
  user.allow_from = {"127.0.0.0/8"};
  CHECK(store_of({user}).find("app", "localhost").listed != nullptr);
}

TEST_CASE("account store: an unknown name is as a listed one, and always as the same one") {
  UserConfig open = with_verifier("open", kNative);
  UserConfig closed = with_verifier("closed", kNative);
  closed.require_tls = true;
  const AccountStore store = store_of({open, closed});
  const AccountStore again = store_of({open, closed});
  int required = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "stranger" + std::to_string(i);
    const auto lookup = store.find(name, "10.0.0.1");
    CHECK(lookup.listed == nullptr);
    CHECK(lookup.credentials[0] == nullptr);
    CHECK(again.find(name, "10.0.0.1").requires_tls == lookup.requires_tls);
    required += lookup.requires_tls ? 1 : 0;
  }
  CHECK(required > 20);
  CHECK(required < 80);
}

TEST_CASE("account store: credentials are equal when all that logs in is") {
  const Credentials password{"app", protocol::Secret("secret")};
  CHECK(password == Credentials{"app", protocol::Secret("secret")});
  CHECK_FALSE(password == Credentials{"app", protocol::Secret("secreT")});
  CHECK_FALSE(password == Credentials{"apq", protocol::Secret("secret")});
  CHECK_FALSE(password == Credentials{"app", protocol::Secret(), protocol::Secret("secret")});
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
