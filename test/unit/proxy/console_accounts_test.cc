// Who comes in to the admin console, with the client half of the protocol library on the other
// side.

#include "proxy/admin/console_accounts.h"

#include <string>

#include "test/support/catch.h"
#include "test/support/conversation.h"
#include "test/support/login.h"

namespace weir {
namespace {

using namespace protocol;
using Kind = Login::Step::Kind;

constexpr const char* kNative = "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7";  // "secret"
constexpr const char* kCrypted =                                              // the same
    "0x244124303041241F51676A2D3F65140C09435C3D153E7B462545514E4538734F444232376A38716D6457613878"
    "6D49314664473676704D616169532E67364350592E64696D36";

// How a login ends; a slow comparison is made on the spot.
Kind log_in(const AccountSource& accounts, std::string_view user, std::string_view password,
            bool secure = false) {
  Login login(accounts, &test::shared_key(), "127.0.0.1", secure);
  ClientAuth::Options options;
  options.user = user;
  options.password = password;
  options.secure_channel = secure;
  options.capabilities = kTransactions | kDeprecateEof;
  ClientAuth client(options);
  const Offer offer{"8.4.0-weir", test::kLoginCapabilities, 45};
  Login::Step step = test::converse(login, client, login.greeting(offer, 77));
  if (step.kind == Kind::check) {
    const auto which = step.check.run();
    step = login.checked(std::move(step.check), which);
  }
  if (step.kind == Kind::refused) CHECK(step.error.code == 1045);
  return step.kind;
}

AuthConfig with_password(const std::string& password) {
  AuthConfig config;
  config.admin.password = password;
  return config;
}

TEST_CASE("console accounts: the operator, by password, verifier or a made password", "[admin]") {
  AuthConfig by_native;
  by_native.admin.verifier = kNative;
  AuthConfig by_crypted;
  by_crypted.admin.verifier = kCrypted;
  const ConsoleAccounts sources[] = {ConsoleAccounts(with_password("secret")),
                                     ConsoleAccounts(by_native), ConsoleAccounts(by_crypted),
                                     ConsoleAccounts(AuthConfig{}, "secret")};
  for (const ConsoleAccounts& accounts : sources) {
    CHECK(accounts.operator_has_password());
    CHECK(accounts.is_operator("admin"));
    CHECK_FALSE(accounts.is_operator("viewer"));
    for (const bool secure : {false, true}) {
      CHECK(log_in(accounts, "admin", "secret", secure) == Kind::accepted);
      CHECK(log_in(accounts, "admin", "wrong", secure) == Kind::refused);
      CHECK(log_in(accounts, "admin", "", secure) == Kind::refused);
      CHECK(log_in(accounts, "viewer", "secret", secure) == Kind::refused);
      CHECK(log_in(accounts, "", "secret", secure) == Kind::refused);
      CHECK(log_in(accounts, "app", "secret", secure) == Kind::refused);
    }
  }
}

TEST_CASE("console accounts: a viewer has a password of its own", "[admin]") {
  AuthConfig config = with_password("operators");
  config.viewer.user = "watch";
  config.viewer.verifier = kCrypted;
  const ConsoleAccounts accounts(config);
  CHECK(log_in(accounts, "watch", "secret") == Kind::accepted);
  CHECK(log_in(accounts, "watch", "operators") == Kind::refused);
  CHECK(log_in(accounts, "admin", "secret") == Kind::refused);
  CHECK(log_in(accounts, "viewer", "secret") == Kind::refused);
  CHECK_FALSE(accounts.is_operator("watch"));
}

TEST_CASE("console accounts: nobody, when nothing proves anything", "[admin]") {
  const ConsoleAccounts accounts{AuthConfig{}};
  CHECK_FALSE(accounts.operator_has_password());
  for (const char* password : {"", "secret", "nobody"}) {
    CHECK(log_in(accounts, "admin", password) == Kind::refused);
  }
}

TEST_CASE("console accounts: a known operator needs no password, everybody else does", "[admin]") {
  AuthConfig config;
  config.viewer.password = "secret";
  const ConsoleAccounts accounts(config);
  const KnownOperator known(accounts);
  CHECK(log_in(known, "admin", "", true) == Kind::accepted);
  CHECK(log_in(known, "admin", "anything", true) == Kind::accepted);
  CHECK(log_in(known, "viewer", "secret", true) == Kind::accepted);
  CHECK(log_in(known, "viewer", "", true) == Kind::refused);
  CHECK(log_in(known, "root", "", true) == Kind::refused);
  CHECK(log_in(accounts, "admin", "", true) == Kind::refused);
}

TEST_CASE("console accounts: whom the socket knows", "[admin]") {
  CHECK(is_known_operator(0, 1000));
  CHECK(is_known_operator(1000, 1000));
  CHECK_FALSE(is_known_operator(1001, 1000));
  CHECK_FALSE(is_known_operator(std::nullopt, 1000));
  // Users of other namespaces look like this one.
  CHECK_FALSE(is_known_operator(65534, 65534));
}

}  // namespace
}  // namespace weir
