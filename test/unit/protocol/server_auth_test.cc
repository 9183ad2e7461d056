#include "protocol/auth/server_auth.h"

#include <array>
#include <string>
#include <vector>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"
#include "test/support/login.h"

namespace weir::protocol {
namespace {

using test::counting_nonce;
using test::ExactBytes;
using test::shared_key;
using test::switch_payload;
using Kind = ServerAuthStep::Kind;
using namespace std::string_literals;

const std::string kFast = "\x01\x03";
const std::string kFull = "\x01\x04";
const std::string kKeyRequest = "\x02";
const Nonce kNonce = counting_nonce();
const Nonce kFresh = counting_nonce(50);

ServerAuth plain_auth() {
  return ServerAuth({kNonce, &shared_key(), false});
}
ServerAuth secure_auth() {
  return ServerAuth({kNonce, &shared_key(), true});
}

ServerAuthStep start(ServerAuth& auth, std::string_view plugin, const std::string& answer,
                     const Account& account, Capabilities capabilities = test::kLoginCapabilities) {
  const ExactBytes exact(answer);
  HandshakeResponse response;
  response.capabilities = capabilities;
  response.user = "app";
  response.plugin = plugin;
  response.auth_response = exact;
  return auth.start(response, account);
}

ServerAuthStep feed(ServerAuth& auth, const std::string& payload) {
  return auth.feed(ExactBytes(payload));
}

std::string sha2(std::string_view password, const Nonce& nonce = kNonce) {
  return caching_sha2_scramble(password, nonce);
}
std::string native(std::string_view password, const Nonce& nonce = kNonce) {
  return native_scramble(password, nonce);
}
std::string key_answer() {
  return "\x01" + shared_key().public_pem();
}

void check_denied(const ServerAuthStep& step, AuthDenial denial) {
  CHECK(step.kind == Kind::denied);
  CHECK(step.denial == denial);
  CHECK(step.send.empty());
  CHECK(step.password.empty());
}

void check_waits(const ServerAuthStep& step, const std::string& send) {
  CHECK(step.kind == Kind::wait);
  CHECK(step.send == send);
}

void check_learned(const ServerAuthStep& step, std::string_view password) {
  CHECK(step.kind == Kind::learned);
  CHECK(step.password.view() == password);
  CHECK(step.send.empty());
}

TEST_CASE("server auth: caching_sha2, what the first answer leads to") {
  ServerAuth auth = plain_auth();
  SECTION("listed, right") {
    const auto step = start(auth, kCachingSha2, sha2("secret"), Account::listed("secret"));
    CHECK(step.kind == Kind::verified);
    CHECK(step.send == kFast);
    CHECK(auth.used_password());
  }
  SECTION("listed, wrong") {
    check_denied(start(auth, kCachingSha2, sha2("wrong"), Account::listed("secret")),
                 AuthDenial::wrong_password);
    CHECK(auth.used_password());
  }
  SECTION("listed, nothing given") {
    check_denied(start(auth, kCachingSha2, "", Account::listed("secret")),
                 AuthDenial::wrong_password);
    CHECK_FALSE(auth.used_password());
  }
  SECTION("listed without a password") {
    const std::string no_password = GENERATE(""s, "\0"s);
    const auto step = start(auth, kCachingSha2, no_password, Account::listed(""));
    CHECK(step.kind == Kind::verified);
    CHECK(step.send.empty());
  }
  SECTION("learnt, changed since") {
    check_waits(start(auth, kCachingSha2, sha2("new"), Account::learnt("secret")), kFull);
  }
  SECTION("unknown") {
    check_waits(start(auth, kCachingSha2, sha2("secret"), Account::unknown()), kFull);
  }
  SECTION("a wrong length is a wrong password") {
    const std::size_t length = GENERATE(2u, 19u, 20u, 31u, 33u, 255u);
    const Account account =
        GENERATE(Account::listed("secret"), Account::learnt("secret"), Account::unknown());
    check_denied(start(auth, kCachingSha2, std::string(length, 'x'), account),
                 AuthDenial::wrong_password);
  }
}

TEST_CASE("server auth: an account that may not come in looks like a wrong password") {
  // The second password is the one that stands in for the account's.
  const std::string password = GENERATE("secret"s, "nobody"s, ""s);
  ServerAuth auth = plain_auth();
  SECTION("caching_sha2") {
    check_denied(start(auth, kCachingSha2, sha2(password), Account::denied()),
                 AuthDenial::wrong_password);
  }
  SECTION("native") {
    auto step = start(auth, kNativePassword, native(password), Account::denied());
    if (password.empty()) {
      check_waits(step, switch_payload(kNativePassword, kNonce));
      step = feed(auth, "");
    }
    check_denied(step, AuthDenial::wrong_password);
  }
  SECTION("clear") {
    ServerAuth secure = secure_auth();
    auto step = start(secure, "mysql_clear_password", password + '\0', Account::denied());
    if (password.empty()) step = feed(secure, "");
    check_denied(step, AuthDenial::wrong_password);
  }
}

TEST_CASE("server auth: a stand-in password opens no unknown account") {
  ServerAuth auth = plain_auth();
  check_waits(start(auth, kCachingSha2, sha2("unknown"), Account::unknown()), kFull);
  check_waits(feed(auth, kKeyRequest), key_answer());
  check_learned(feed(auth, *encrypt_password(shared_key().public_pem(), "unknown", kNonce)),
                "unknown");
  check_waits(start(auth, kNativePassword, native("unknown"), Account::unknown()),
              switch_payload(kCachingSha2, kNonce));
}

TEST_CASE("server auth: native, what the first answer leads to") {
  ServerAuth auth = plain_auth();
  SECTION("listed, right: verified without a switch") {
    const auto step = start(auth, kNativePassword, native("secret"), Account::listed("secret"));
    CHECK(step.kind == Kind::verified);
    CHECK(step.send.empty());
  }
  SECTION("listed, wrong") {
    check_denied(start(auth, kNativePassword, native("wrong"), Account::listed("secret")),
                 AuthDenial::wrong_password);
  }
  SECTION("listed, a wrong length") {
    const std::size_t length = GENERATE(1u, 19u, 21u, 32u);
    check_denied(start(auth, kNativePassword, std::string(length, 'x'), Account::listed("secret")),
                 AuthDenial::malformed);
  }
  SECTION("listed, nothing yet: switched, then right") {
    check_waits(start(auth, kNativePassword, "", Account::listed("secret")),
                switch_payload(kNativePassword, kNonce));
    CHECK(feed(auth, native("secret")).kind == Kind::verified);
  }
  SECTION("listed, nothing yet: switched, then wrong, nothing, or malformed") {
    check_waits(start(auth, kNativePassword, "", Account::listed("secret")),
                switch_payload(kNativePassword, kNonce));
    const std::string answer = GENERATE(native("wrong"), ""s, "\0"s, std::string(21, 'x'));
    check_denied(feed(auth, answer), answer.size() == 1 || answer.size() == 21
                                         ? AuthDenial::malformed
                                         : AuthDenial::wrong_password);
  }
  SECTION("listed without a password: switched, then in") {
    check_waits(start(auth, kNativePassword, "", Account::listed("")),
                switch_payload(kNativePassword, kNonce));
    CHECK(feed(auth, "").kind == Kind::verified);
  }
  SECTION("learnt, anything else: switched to the method that can learn") {
    const std::string answer = GENERATE(""s, native("new"), std::string(7, 'x'));
    check_waits(start(auth, kNativePassword, answer, Account::learnt("secret")),
                switch_payload(kCachingSha2, kNonce));
    check_waits(feed(auth, sha2("new")), kFull);
  }
  SECTION("unknown: switched to the method that can learn") {
    const std::string answer = GENERATE(""s, native("secret"));
    check_waits(start(auth, kNativePassword, answer, Account::unknown()),
                switch_payload(kCachingSha2, kNonce));
    check_waits(feed(auth, sha2("secret")), kFull);
  }
}

TEST_CASE("server auth: clients that know no methods by name use the native one") {
  constexpr Capabilities kOld = test::kLoginCapabilities & ~kPluginAuth;
  ServerAuth auth = plain_auth();
  const auto old_start = [&](const std::string& answer, const Account& account) {
    return start(auth, "", answer, account, kOld);
  };
  CHECK(old_start(native("secret"), Account::listed("secret")).kind == Kind::verified);
  CHECK(old_start(native("secret"), Account::learnt("secret")).kind == Kind::verified);
  CHECK(old_start("", Account::listed("")).kind == Kind::verified);
  check_denied(old_start(native("wrong"), Account::listed("secret")), AuthDenial::wrong_password);
  check_denied(old_start("", Account::listed("secret")), AuthDenial::wrong_password);
  check_denied(old_start(native("new"), Account::learnt("secret")), AuthDenial::wrong_password);
  check_denied(old_start("12345678", Account::listed("secret")), AuthDenial::malformed);
  check_denied(old_start(native("secret"), Account::unknown()), AuthDenial::method_unsupported);
}

TEST_CASE("server auth: any other method is switched away from, once") {
  const std::string plugin = GENERATE(""s, "sha256_password"s, "mysql_old_password"s, "dialog"s,
                                      "client_ed25519"s, "mysql_clear_password"s);
  ServerAuth auth = plain_auth();
  check_waits(start(auth, plugin, "secret\0"s, Account::listed("secret")),
              switch_payload(kCachingSha2, kNonce));
  SECTION("and then verified") {
    const auto step = feed(auth, sha2("secret"));
    CHECK(step.kind == Kind::verified);
    CHECK(step.send == kFast);
  }
  SECTION("and then denied") {
    const std::string answer = GENERATE(sha2("wrong"), native("secret"), "secret\0"s, ""s);
    check_denied(feed(auth, answer), AuthDenial::wrong_password);
  }
}

TEST_CASE("server auth: the clear method, on a secure channel only") {
  ServerAuth auth = secure_auth();
  const char* clear = "mysql_clear_password";
  CHECK(start(auth, clear, "secret\0"s, Account::listed("secret")).kind == Kind::verified);
  CHECK(start(auth, clear, "secret\0"s, Account::learnt("secret")).kind == Kind::verified);
  check_learned(start(auth, clear, "new\0"s, Account::learnt("secret")), "new");
  check_learned(start(auth, clear, "secret\0"s, Account::unknown()), "secret");
  check_denied(start(auth, clear, "wrong\0"s, Account::listed("secret")),
               AuthDenial::wrong_password);
  check_denied(start(auth, clear, "secret", Account::listed("secret")), AuthDenial::wrong_password);
  check_waits(start(auth, clear, "", Account::listed("secret")),
              switch_payload(kCachingSha2, kNonce));
}

TEST_CASE("server auth: full authentication under RSA") {
  ServerAuth auth = plain_auth();
  check_waits(start(auth, kCachingSha2, sha2("secret"), Account::unknown()), kFull);
  const std::string message = *encrypt_password(shared_key().public_pem(), "secret", kNonce);
  SECTION("with the key asked for") {
    check_waits(feed(auth, kKeyRequest), key_answer());
    SECTION("learned") {
      check_learned(feed(auth, message), "secret");
    }
    SECTION("anything else is a wrong password") {
      const std::string answer = GENERATE(""s, "\x02"s, "secret\0"s, std::string(256, 'x'),
                                          std::string(257, 'x'), std::string(70000, 'x'));
      check_denied(feed(auth, answer), AuthDenial::wrong_password);
    }
    SECTION("for another nonce") {
      check_denied(feed(auth, *encrypt_password(shared_key().public_pem(), "secret", kFresh)),
                   AuthDenial::wrong_password);
    }
  }
  SECTION("with the key known before") {
    check_learned(feed(auth, message), "secret");
  }
  SECTION("a clear password on a channel that is not secure") {
    check_denied(feed(auth, "secret\0"s), AuthDenial::wrong_password);
  }
  SECTION("anything else is a wrong password") {
    const std::string answer = GENERATE(""s, "\0"s, "\x01"s, "\x07"s, std::string(256, 'x'));
    check_denied(feed(auth, answer), AuthDenial::wrong_password);
  }
}

TEST_CASE("server auth: full authentication on a secure channel") {
  ServerAuth auth = secure_auth();
  check_waits(start(auth, kCachingSha2, sha2("new"), Account::learnt("secret")), kFull);
  SECTION("another password than known") {
    check_learned(feed(auth, "new\0"s), "new");
  }
  SECTION("the known one after all") {
    CHECK(feed(auth, "secret\0"s).kind == Kind::verified);
  }
  SECTION("as long as may be") {
    const std::string password(256, 'p');
    check_learned(feed(auth, password + '\0'), password);
  }
  SECTION("for a client that does not trust the channel") {
    check_waits(feed(auth, kKeyRequest), key_answer());
    check_learned(feed(auth, *encrypt_password(shared_key().public_pem(), "new", kNonce)), "new");
  }
  SECTION("anything else is a wrong password") {
    const std::string answer = GENERATE(""s, "new"s, "new\0more"s, "new\0\0"s,
                                        std::string(257, 'p') + '\0', std::string(70000, 'p'));
    check_denied(feed(auth, answer), AuthDenial::wrong_password);
  }
}

TEST_CASE("server auth: without a key, only a secure channel can learn") {
  ServerAuth plain({kNonce, nullptr, false});
  check_denied(start(plain, kCachingSha2, sha2("secret"), Account::unknown()),
               AuthDenial::method_unsupported);
  ServerAuth secure({kNonce, nullptr, true});
  check_waits(start(secure, kCachingSha2, sha2("secret"), Account::unknown()), kFull);
  check_denied(feed(secure, kKeyRequest), AuthDenial::wrong_password);
}

TEST_CASE("server auth: a packet that nobody asked for is malformed") {
  ServerAuth auth = plain_auth();
  check_denied(feed(auth, sha2("secret")), AuthDenial::malformed);
  CHECK(start(auth, kCachingSha2, sha2("secret"), Account::listed("secret")).kind ==
        Kind::verified);
  check_denied(feed(auth, sha2("secret")), AuthDenial::malformed);
  check_denied(start(auth, kCachingSha2, sha2("wrong"), Account::listed("secret")),
               AuthDenial::wrong_password);
  check_denied(feed(auth, sha2("secret")), AuthDenial::malformed);
}

TEST_CASE("server auth: change of user") {
  ServerAuth auth = plain_auth();
  REQUIRE(start(auth, kCachingSha2, sha2("secret"), Account::listed("secret")).kind ==
          Kind::verified);
  const auto change = [&](std::string_view plugin, const std::string& answer,
                          const Account& account, Capabilities capabilities) {
    const ExactBytes exact(answer);
    ChangeUser request;
    request.user = "other";
    request.plugin = plugin;
    request.auth_response = exact;
    return auth.start_change_user(request, capabilities, account, kFresh);
  };
  constexpr Capabilities kNew = test::kLoginCapabilities;
  constexpr Capabilities kOld = kNew & ~kPluginAuth;
  const std::string to_fresh = switch_payload(kCachingSha2, kFresh);

  SECTION("must answer a fresh nonce") {
    const std::string replayed = GENERATE(sha2("secret"), ""s);
    check_waits(change(kCachingSha2, replayed, Account::listed("secret"), kNew), to_fresh);
    SECTION("and does") {
      CHECK(feed(auth, sha2("secret", kFresh)).kind == Kind::verified);
    }
    SECTION("and does not") {
      check_denied(feed(auth, sha2("secret")), AuthDenial::wrong_password);
    }
  }
  SECTION("is learnt under the fresh nonce") {
    check_waits(change(kCachingSha2, "", Account::unknown(), kNew), to_fresh);
    check_waits(feed(auth, sha2("secret", kFresh)), kFull);
    check_waits(feed(auth, kKeyRequest), key_answer());
    check_learned(feed(auth, *encrypt_password(shared_key().public_pem(), "secret", kFresh)),
                  "secret");
  }
  SECTION("native answers the greeting's nonce") {
    CHECK(change(kNativePassword, native("secret"), Account::listed("secret"), kNew).kind ==
          Kind::verified);
    CHECK(change(kNativePassword, native("secret"), Account::learnt("secret"), kNew).kind ==
          Kind::verified);
  }
  SECTION("native and wrong, empty or unknown: switched") {
    check_waits(change(kNativePassword, native("wrong"), Account::listed("secret"), kNew),
                to_fresh);
    check_waits(change(kNativePassword, "", Account::listed(""), kNew), to_fresh);
    check_waits(change(kNativePassword, native("unknown"), Account::unknown(), kNew), to_fresh);
  }
  SECTION("to nobody") {
    check_waits(change(kCachingSha2, "", Account::denied(), kNew), to_fresh);
    check_denied(feed(auth, sha2("nobody", kFresh)), AuthDenial::wrong_password);
    check_denied(change(kNativePassword, native("nobody"), Account::denied(), kNew),
                 AuthDenial::wrong_password);
  }
  SECTION("by a client that knows no methods by name") {
    CHECK(change("", native("secret"), Account::listed("secret"), kOld).kind == Kind::verified);
    check_denied(change("", native("wrong"), Account::listed("secret"), kOld),
                 AuthDenial::wrong_password);
    check_denied(change("", native("secret"), Account::unknown(), kOld),
                 AuthDenial::method_unsupported);
  }
}

TEST_CASE("server auth: a password that is wanted behind a native answer") {
  ServerAuth auth = plain_auth();
  SECTION("the client is switched to the method that tells it, and may be asked once") {
    CHECK(start(auth, kNativePassword, native("secret"), Account::listed("secret")).kind ==
          Kind::verified);
    check_waits(auth.ask_for_more(), switch_payload(kCachingSha2, kNonce));
    CHECK(feed(auth, sha2("secret")).kind == Kind::verified);
    check_denied(auth.ask_for_more(), AuthDenial::method_unsupported);
  }
  SECTION("where only the native form is stored, full authentication tells it") {
    const KnownPassword stored = KnownPassword::of(native_verifier("secret"));
    CHECK(
        start(auth, kNativePassword, native("secret"), Account::listed(std::vector{stored})).kind ==
        Kind::verified);
    check_waits(auth.ask_for_more(), switch_payload(kCachingSha2, kNonce));
    check_waits(feed(auth, sha2("secret")), kFull);
    const auto step = feed(auth, *encrypt_password(shared_key().public_pem(), "secret", kNonce));
    CHECK(step.kind == Kind::verified);
    CHECK(step.password.view() == "secret");
  }
  SECTION("a client that knows no methods by name cannot be asked") {
    constexpr Capabilities kOld = kProtocol41 | kSecureConnection;
    CHECK(start(auth, "", native("secret"), Account::listed("secret"), kOld).kind ==
          Kind::verified);
    check_denied(auth.ask_for_more(), AuthDenial::method_unsupported);
  }
  SECTION("nor can one whose login is not over") {
    check_waits(start(auth, kCachingSha2, sha2("new"), Account::learnt("secret")), kFull);
    check_denied(auth.ask_for_more(), AuthDenial::method_unsupported);
  }
}

TEST_CASE("server auth: the outcome of a check that nobody asked for lets nobody in") {
  ServerAuth auth = secure_auth();
  SECTION("before a login") {
    check_denied(auth.checked({}, 0), AuthDenial::malformed);
  }
  SECTION("while another answer is due") {
    check_waits(start(auth, kCachingSha2, sha2("secret"), Account::unknown()), kFull);
    check_denied(auth.checked({}, 0), AuthDenial::malformed);
  }
  SECTION("nor does a packet in place of the outcome") {
    CryptedPassword crypted;
    crypted.rounds = 5000;
    const Account account = Account::listed(std::vector{KnownPassword::of(crypted)});
    check_waits(start(auth, kCachingSha2, sha2("secret"), account), kFull);
    CHECK(feed(auth, "secret\0"s).kind == Kind::check);
    check_denied(feed(auth, "secret\0"s), AuthDenial::malformed);
    check_denied(auth.checked({}, 0), AuthDenial::malformed);
  }
}

TEST_CASE("server auth: a name that nobody has is always taken for the same account") {
  constexpr std::size_t kChoices = 5;
  const Decoys decoys("secret", kChoices);
  const Decoys again("secret", kChoices);
  const Decoys others("another secret", kChoices);
  std::array<int, kChoices> chosen{};
  int different = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string name = "nobody" + std::to_string(i);
    const std::size_t choice = decoys.choose(name);
    REQUIRE(choice < kChoices);
    CHECK(again.choose(name) == choice);
    different += others.choose(name) != choice ? 1 : 0;
    ++chosen[choice];
  }
  for (const int count : chosen) CHECK(count > 0);
  CHECK(different > 0);
  CHECK(Decoys("secret", 1).choose("anybody") == 0);
}

// Whatever comes instead of the packet that is due, the conversation ends without letting anyone
// in.
TEST_CASE("server auth: an unexpected packet at each step") {
  const std::string unexpected = GENERATE(
      ""s, "\0"s, "\x02"s, "\x03SELECT 1"s, "\xff\x15\x04"s, "\xfe"s, std::string(19, 'x'),
      std::string(20, 'x'), std::string(32, 'x'), std::string(256, 'x'), std::string(66000, 'x'));
  const std::vector<std::string> script = {sha2("secret"), kKeyRequest};
  for (std::size_t step = 0; step <= script.size(); ++step) {
    ServerAuth auth = plain_auth();
    start(auth, "other", "", Account::unknown());
    for (std::size_t i = 0; i < step; ++i) CHECK(feed(auth, script[i]).kind == Kind::wait);
    ServerAuthStep last = feed(auth, unexpected);
    // A first answer of 32 bytes asks for the password, an empty one says that there is none, and a
    // request for the key is one.
    while (last.kind == Kind::wait) last = feed(auth, "neither");
    CHECK(last.kind != Kind::verified);
    if (last.kind == Kind::learned) CHECK(last.password.empty());
  }
}

}  // namespace
}  // namespace weir::protocol
