// The two login machines wired to each other.

#include "test/support/login.h"
#include "protocol/auth/client_auth.h"
#include "protocol/auth/server_auth.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::counting_nonce;
using test::ExactBytes;
using test::shared_key;
using Kind = ServerAuthStep::Kind;
using namespace std::string_literals;

const Nonce kNonce = counting_nonce();

struct Outcome {
  Kind kind;
  std::string password;
  LoginRefusal refusal = LoginRefusal::none;
  std::string native_key = {};
  std::size_t which = 0;
};

// Carries payloads between the two until one ends the conversation.
Outcome converse(ServerAuth& server, const Account& account, ClientAuth& client,
                 std::string_view greeted_plugin) {
  std::string payload = test::greeting_payload(greeted_plugin);
  bool started = false;
  for (int packets = 0; packets < 20; ++packets) {
    const ExactBytes to_client(payload);
    const ClientAuthStep said = client.feed(to_client);
    if (said.kind == ClientAuthStep::Kind::refused) return {Kind::denied, "", said.refusal};
    if (said.kind != ClientAuthStep::Kind::send) return {Kind::wait, ""};
    const ExactBytes to_server(said.send);
    ServerAuthStep step;
    if (started) {
      step = server.feed(to_server);
    } else {
      const auto response = decode_handshake_response(to_server);
      REQUIRE(response);
      step = server.start(*response, account);
      started = true;
    }
    if (step.kind == Kind::check) {
      const auto which = step.check.run();
      step = server.checked(std::move(step.check), which);
    }
    if (step.kind != Kind::wait) {
      if (!step.send.empty())
        CHECK(client.feed(ExactBytes(step.send)).kind == ClientAuthStep::Kind::wait);
      const bool denied = step.kind == Kind::denied;
      const ExactBytes verdict(denied ? "\xff\x15\x04#28000no"s : "\0\0\0\x02\0\0\0"s);
      const ClientAuthStep last = client.feed(verdict);
      CHECK(last.kind == (denied ? ClientAuthStep::Kind::failed : ClientAuthStep::Kind::done));
      return {step.kind, std::string(step.password.view()), LoginRefusal::none,
              std::string(step.native_key.view()), step.which};
    }
    payload = step.send;
  }
  return {Kind::wait, ""};
}

TEST_CASE("both sides: every method, account, password and channel") {
  const bool secure = GENERATE(false, true);
  // What the greeting names decides which method our client begins with.
  const std::string greeted = GENERATE("caching_sha2_password"s, "mysql_native_password"s);
  const std::string given = GENERATE("secret"s, "wrong"s, ""s, "unknown"s, "nobody"s);
  const std::string known = GENERATE("secret"s, ""s);
  CAPTURE(secure, greeted, given, known);

  const auto run = [&](const Account& account) {
    ServerAuth server({kNonce, &shared_key(), secure});
    ClientAuth::Options options;
    options.user = "app";
    options.password = given;
    options.secure_channel = secure;
    ClientAuth client(options);
    return converse(server, account, client, greeted);
  };
  const bool right = given == known;
  CHECK(run(Account::listed(known)).kind == (right ? Kind::verified : Kind::denied));
  CHECK(run(Account::denied()).kind == Kind::denied);

  const Outcome learnt = run(Account::learnt(known));
  CHECK(learnt.kind == (right ? Kind::verified : Kind::learned));
  if (!right) CHECK(learnt.password == given);

  const Outcome unknown = run(Account::unknown());
  CHECK(unknown.kind == Kind::learned);
  CHECK(unknown.password == given);
}

KnownPassword stored(std::string_view text) {
  return KnownPassword::of(parse_stored_password(text).value());
}

// Both of "secret".
constexpr std::string_view kNativeStored = "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7";
constexpr std::string_view kCryptedStored =
    "0x244124303041241F51676A2D3F65140C09435C3D153E7B462545514E4538734F444232376A38716D645761387"
    "86D49314664473676704D616169532E67364350592E64696D36";

TEST_CASE("both sides: what servers store of a password") {
  const bool secure = GENERATE(false, true);
  const std::string greeted = GENERATE("caching_sha2_password"s, "mysql_native_password"s);
  const std::string given = GENERATE("secret"s, "other"s, "wrong"s, ""s);
  const bool native = GENERATE(false, true);
  CAPTURE(secure, greeted, given, native);

  const auto run = [&](const Account& account) {
    ServerAuth server({kNonce, &shared_key(), secure});
    ClientAuth::Options options;
    options.user = "app";
    options.password = given;
    options.secure_channel = secure;
    ClientAuth client(options);
    return converse(server, account, client, greeted);
  };
  const KnownPassword first = stored(native ? kNativeStored : kCryptedStored);
  const Account one = Account::listed(std::vector{first});
  const Account two = Account::listed({first, KnownPassword::of("other")});
  CHECK(run(one.denied_like_this()).kind == Kind::denied);

  const Outcome alone = run(one);
  CHECK(alone.kind == (given == "secret" ? Kind::verified : Kind::denied));
  if (given == "secret") {
    // A native answer shows what logs in by that method, and full authentication the password.
    const bool answered = native && greeted == kNativePassword;
    CHECK(alone.password == (answered ? "" : "secret"));
    CHECK(alone.native_key.empty() == !answered);
  }
  const Outcome either = run(two);
  const bool lets_in = given == "secret" || given == "other";
  CHECK(either.kind == (lets_in ? Kind::verified : Kind::denied));
  if (lets_in) CHECK(either.which == (given == "other" ? 1 : 0));
}

TEST_CASE("both sides: what a native answer shows logs in by that method, and no other") {
  const auto answer = native_scramble("secret", kNonce);
  const Secret key = native_key(as_bytes(answer), kNonce, native_verifier("secret"));
  ClientAuth::Options options;
  options.user = "app";
  options.native_key = key.view();
  const bool fits = GENERATE(true, false);
  ServerAuth server({kNonce, &shared_key(), true});
  ClientAuth client(options);
  // A server whose account has the other method switches to it.
  const Account account = fits ? Account::listed(std::vector{stored(kNativeStored)})
                               : Account::listed(std::vector{stored(kCryptedStored)});
  const Outcome outcome = converse(server, account, client, kCachingSha2);
  if (fits) CHECK(outcome.kind == Kind::verified);
  if (!fits) CHECK(outcome.refusal == LoginRefusal::password_wanted);
}

TEST_CASE("both sides: a password too long for the key") {
  ServerAuth server({kNonce, &shared_key(), false});
  const std::string password(214, 'x');
  ClientAuth::Options options;
  options.user = "app";
  options.password = password;
  ClientAuth client(options);
  const Outcome outcome = converse(server, Account::unknown(), client, kCachingSha2);
  CHECK(outcome.refusal == LoginRefusal::password_unencryptable);
}

}  // namespace
}  // namespace weir::protocol
