#include "protocol/auth/client_auth.h"

#include <vector>

#include "protocol/auth/caching_sha2.h"
#include "protocol/auth/ed25519.h"
#include "protocol/auth/native_password.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"
#include "test/support/login.h"
#include "test/support/signature.h"

namespace weir::protocol {
namespace {

using test::counting_nonce;
using test::ExactBytes;
using test::greeting_payload;
using test::kLoginCapabilities;
using test::shared_key;
using test::switch_payload;
using test::verifies;
using Kind = ClientAuthStep::Kind;
using namespace std::string_literals;

const Nonce kNonce = counting_nonce();
const Nonce kOther = counting_nonce(50);
const std::string kOk = "\0\0\0\x02\0\0\0"s;
const std::string kFast = "\x01\x03";
const std::string kFull = "\x01\x04";

ClientAuth::Options usual_options() {
  ClientAuth::Options options;
  options.user = "app";
  options.password = "secret";
  options.database = "shop";
  options.collation = 255;
  options.capabilities = kLongPassword | kTransactions | kDeprecateEof | kLocalFiles;
  return options;
}

ClientAuthStep feed(ClientAuth& auth, const std::string& payload) {
  const ExactBytes exact(payload);
  ClientAuthStep step = auth.feed(exact);
  if (!step.packet.empty()) {
    CHECK(as_text(step.packet) == payload);
    step.packet = {};
  }
  return step;
}

void check_sends(const ClientAuthStep& step, const std::string& payload) {
  CHECK(step.kind == Kind::send);
  CHECK(step.send == payload);
}

void check_refused(const ClientAuthStep& step, LoginRefusal refusal) {
  CHECK(step.kind == Kind::refused);
  CHECK(step.refusal == refusal);
  CHECK_FALSE(step.text.empty());
  CHECK(step.text.find("secret") == std::string::npos);
  CHECK(step.send.empty());
}

void begin(ClientAuth& auth, std::string_view plugin = kCachingSha2) {
  REQUIRE(feed(auth, greeting_payload(plugin)).kind == Kind::send);
}

TEST_CASE("client auth: the handshake response") {
  const std::string attributes = "\x0cprogram_name\x04weir";
  ClientAuth::Options options = usual_options();
  options.attributes = attributes;
  ClientAuth auth(options);
  const ClientAuthStep step = feed(auth, greeting_payload(kCachingSha2));
  CHECK(step.kind == Kind::send);
  const ExactBytes payload(step.send);
  const auto response = decode_handshake_response(payload);
  REQUIRE(response);
  // kLocalFiles is wished for and not offered.
  CHECK(response->capabilities == kLoginCapabilities);
  CHECK(response->collation == 255);
  CHECK(response->user == "app");
  CHECK(as_text(response->auth_response) == caching_sha2_scramble("secret", kNonce));
  CHECK(response->database == "shop");
  CHECK(response->plugin == kCachingSha2);
  CHECK(as_text(response->attributes) == attributes);
  CHECK(auth.capabilities() == response->capabilities);
  CHECK(auth.server_capabilities() == kLoginCapabilities);
  CHECK(auth.server_version() == "8.4.0");
  CHECK(auth.connection_id() == 1u << 30);
  CHECK(auth.server_collation() == 255);
}

TEST_CASE("client auth: flags of the login follow from the options") {
  ClientAuth::Options options = usual_options();
  options.database = "";
  options.capabilities |= kConnectWithDb | kConnectAttrs | kMultiFactorAuth;
  ClientAuth auth(options);
  REQUIRE(feed(auth, greeting_payload(kCachingSha2, 0xffffffff)).kind == Kind::send);
  CHECK((auth.capabilities() & (kConnectWithDb | kConnectAttrs | kMultiFactorAuth)) == 0);
  CHECK((auth.capabilities() & kLocalFiles) != 0);
}

TEST_CASE("client auth: MariaDB's flags are negotiated") {
  ClientAuth::Options options = usual_options();
  options.capabilities |= kMariadbBulkOperations | kMariadbComMulti;
  ClientAuth auth(options);
  Greeting greeting;
  greeting.version = "5.5.5-10.11.0-MariaDB";
  greeting.capabilities =
      (kLoginCapabilities & ~kLongPassword) | kMariadbBulkOperations | kMariadbProgress;
  greeting.plugin = kNativePassword;
  std::string payload;
  encode_greeting(payload, greeting);
  const ClientAuthStep step = feed(auth, payload);
  REQUIRE(step.kind == Kind::send);
  CHECK(auth.capabilities() >> 32 == kMariadbBulkOperations >> 32);
  const auto response = decode_handshake_response(ExactBytes(step.send));
  CHECK(response->capabilities == auth.capabilities());
}

TEST_CASE("client auth: the method that the greeting names") {
  const struct {
    const char* greeted;
    Capabilities capabilities;
    std::string_view plugin;
    std::string answer;
  } cases[] = {
      {"mysql_native_password", kLoginCapabilities, kNativePassword,
       native_scramble("secret", kNonce)},
      {"caching_sha2_password", kLoginCapabilities, kCachingSha2,
       caching_sha2_scramble("secret", kNonce)},
      {"sha256_password", kLoginCapabilities, kCachingSha2,
       caching_sha2_scramble("secret", kNonce)},
      {"", kLoginCapabilities & ~kPluginAuth, "", native_scramble("secret", kNonce)},
  };
  for (const auto& c : cases) {
    INFO(c.greeted);
    ClientAuth auth(usual_options());
    const ClientAuthStep step = feed(auth, greeting_payload(c.greeted, c.capabilities));
    REQUIRE(step.kind == Kind::send);
    const ExactBytes payload(step.send);
    const auto response = decode_handshake_response(payload);
    REQUIRE(response);
    CHECK(response->plugin == c.plugin);
    CHECK(as_text(response->auth_response) == c.answer);
  }
}

TEST_CASE("client auth: greetings that end the login") {
  const struct {
    const char* name;
    std::string payload;
    LoginRefusal refusal;
  } cases[] = {
      {"nothing", "", LoginRefusal::malformed},
      {"HTTP", "HTTP/1.1 400 Bad Request", LoginRefusal::malformed},
      {"cut short", greeting_payload(kCachingSha2).substr(0, 20), LoginRefusal::malformed},
      {"protocol 9",
       "\x09"
       "3.20\0"s,
       LoginRefusal::server_too_old},
      {"no 4.1", greeting_payload(kCachingSha2, kLoginCapabilities & ~kProtocol41),
       LoginRefusal::server_too_old},
      {"no 4.1 authentication",
       greeting_payload(kCachingSha2, kLoginCapabilities & ~kSecureConnection),
       LoginRefusal::server_too_old},
      {"no database", greeting_payload(kCachingSha2, kLoginCapabilities & ~kConnectWithDb),
       LoginRefusal::server_too_old},
  };
  for (const auto& c : cases) {
    INFO(c.name);
    ClientAuth auth(usual_options());
    check_refused(feed(auth, c.payload), c.refusal);
    check_refused(feed(auth, kOk), LoginRefusal::malformed);
  }
}

TEST_CASE("client auth: an error instead of a greeting is passed on") {
  ClientAuth auth(usual_options());
  CHECK(feed(auth, "\xff\x10\x04Too many connections").kind == Kind::failed);
}

TEST_CASE("client auth: success and failure") {
  const auto method = GENERATE(as<std::string>{}, "mysql_native_password", "caching_sha2_password");
  ClientAuth auth(usual_options());
  begin(auth, method);
  SECTION("at once") {
    CHECK(feed(auth, kOk).kind == Kind::done);
  }
  SECTION("denied") {
    CHECK(feed(auth, "\xff\x15\x04#28000no").kind == Kind::failed);
  }
  SECTION("after a switch to native") {
    check_sends(feed(auth, switch_payload(kNativePassword, kOther)),
                native_scramble("secret", kOther));
    CHECK(feed(auth, kOk).kind == Kind::done);
  }
  SECTION("after a switch to caching_sha2, fast") {
    check_sends(feed(auth, switch_payload(kCachingSha2, kOther)),
                caching_sha2_scramble("secret", kOther));
    CHECK(feed(auth, kFast).kind == Kind::wait);
    CHECK(feed(auth, kOk).kind == Kind::done);
  }
  SECTION("after a switch to each of several methods") {
    for (int i = 0; i < 4; ++i)
      check_sends(feed(auth, switch_payload(kNativePassword, kOther)),
                  native_scramble("secret", kOther));
    check_refused(feed(auth, switch_payload(kNativePassword, kOther)), LoginRefusal::malformed);
  }
}

TEST_CASE("client auth: no password is answered by an empty packet") {
  ClientAuth::Options options = usual_options();
  options.password = "";
  ClientAuth auth(options);
  begin(auth);
  check_sends(feed(auth, switch_payload(kNativePassword, kOther)), "");
  check_sends(feed(auth, switch_payload(kCachingSha2, kOther)), "");
}

TEST_CASE("client auth: full authentication under RSA") {
  ClientAuth auth(usual_options());
  begin(auth);
  const bool switched = GENERATE(false, true);
  if (switched) feed(auth, switch_payload(kCachingSha2, kOther));
  check_sends(feed(auth, kFull), "\x02");
  SECTION("done") {
    const ClientAuthStep step = feed(auth, "\x01" + shared_key().public_pem());
    REQUIRE(step.kind == Kind::send);
    const auto password =
        shared_key().decrypt_password(ExactBytes(step.send), switched ? kOther : kNonce);
    REQUIRE(password);
    CHECK(password->view() == "secret");
    CHECK(feed(auth, kOk).kind == Kind::done);
  }
  SECTION("an unusable key") {
    const std::string key = GENERATE("\x01"s, "\x01nonsense"s, "\x01"s + std::string(70000, 'x'));
    check_refused(feed(auth, key), LoginRefusal::password_unencryptable);
  }
  SECTION("an error instead of the key") {
    CHECK(feed(auth, "\xff\x15\x04#28000no").kind == Kind::failed);
  }
  SECTION("anything else instead of the key") {
    const std::string payload =
        GENERATE(as<std::string>{}, kOk, ""s, "\x02x"s, switch_payload(kCachingSha2, kOther));
    check_refused(feed(auth, payload), LoginRefusal::malformed);
  }
}

TEST_CASE("client auth: full authentication on a secure channel") {
  ClientAuth::Options options = usual_options();
  options.secure_channel = true;
  ClientAuth auth(options);
  begin(auth);
  check_sends(feed(auth, kFull), "secret\0"s);
  CHECK(feed(auth, kOk).kind == Kind::done);
}

TEST_CASE("client auth: methods that are refused") {
  const struct {
    std::string payload;
    LoginRefusal refusal;
    const char* in_text;
  } cases[] = {
      {"\xfe"s, LoginRefusal::weak_method, "mysql_old_password"},
      {switch_payload("mysql_old_password", kOther), LoginRefusal::weak_method,
       "mysql_old_password"},
      {switch_payload("mysql_clear_password", kOther), LoginRefusal::weak_method,
       "mysql_clear_password"},
      {switch_payload("client_ed25519", kOther), LoginRefusal::malformed, "32 bytes"},
      {switch_payload("parsec", kOther), LoginRefusal::malformed, "32 bytes"},
      {switch_payload("dialog", kOther), LoginRefusal::method_unsupported, "dialog"},
      {switch_payload("bad\x1b[31mname", kOther), LoginRefusal::method_unsupported, "bad?[31mname"},
      {switch_payload(std::string(70000, 'n'), kOther), LoginRefusal::method_unsupported, "nnn"},
      {"\x02"
       "authentication_webauthn\0data"s,
       LoginRefusal::several_factors, "factor"},
  };
  const bool secure = GENERATE(false, true);
  for (const auto& c : cases) {
    INFO(c.in_text);
    ClientAuth::Options options = usual_options();
    options.secure_channel = secure;
    ClientAuth auth(options);
    begin(auth);
    const ClientAuthStep step = feed(auth, c.payload);
    check_refused(step, c.refusal);
    CHECK(step.text.find(c.in_text) != std::string::npos);
    CHECK(step.text.size() < 300);
  }
}

TEST_CASE("client auth: MariaDB's ed25519") {
  ClientAuth auth(usual_options());
  feed(auth, greeting_payload(kNativePassword));
  const std::string nonce(kEd25519NonceSize, 'n');
  check_sends(feed(auth,
                   "\xfe"
                   "client_ed25519\0"s +
                       nonce),
              ed25519_sign("secret", ExactBytes(nonce)));
  SECTION("and its verdict") {
    CHECK(feed(auth, kOk).kind == Kind::done);
  }
  SECTION("which has no data of its own") {
    check_refused(feed(auth, kFull), LoginRefusal::malformed);
  }
}

TEST_CASE("client auth: MariaDB's parsec") {
  ClientAuth auth(usual_options());
  feed(auth, greeting_payload(kNativePassword));
  ParsecNonce nonce{};
  nonce.fill('n');
  check_sends(feed(auth,
                   "\xfe"
                   "parsec\0"s +
                       std::string(as_text(nonce))),
              "");
  SECTION("a key is made, and both nonces are signed") {
    const std::string salt = "the salt of a user";
    const ClientAuthStep step = feed(auth, "\1P\1"s + salt);
    REQUIRE(step.kind == Kind::send);
    REQUIRE(step.send.size() == kParsecNonceSize + 64);
    const std::string own = step.send.substr(0, kParsecNonceSize);
    CHECK(own != std::string(kParsecNonceSize, '\0'));
    CHECK(verifies(parsec_public_key("secret", {1, as_bytes(salt)}),
                   step.send.substr(kParsecNonceSize), std::string(as_text(nonce)) + own));
    CHECK(feed(auth, kOk).kind == Kind::done);
  }
  SECTION("the server ends it instead") {
    CHECK(feed(auth, "\xff\x15\x04#28000no"s).kind == Kind::failed);
  }
  SECTION("the server goes on with something else") {
    check_refused(
        feed(auth, GENERATE(as<std::string>{}, kOk, kFull, "P\1salt", "\1", "\1Q\1salt",
                            "\1P\4salt", "\1P\1", "\xfeparsec", "\1P\1" + std::string(256, 's'))),
        LoginRefusal::malformed);
  }
}

TEST_CASE("client auth: malformed packets in place of a verdict") {
  const std::string payload =
      GENERATE(""s, "\x03"s, "\xfb"s, "\x01"s, "\x01\x01"s, "\x01\x04\x04"s, "\xfeno NUL"s,
               "\xfe"
               "caching_sha2_password\0"s,
               "\xfe"
               "caching_sha2_password\0short"s,
               "\xfe"
               "mysql_native_password\0"s +
                   std::string(32, 'x'));
  ClientAuth auth(usual_options());
  begin(auth);
  check_refused(feed(auth, payload), LoginRefusal::malformed);
  check_refused(feed(auth, kOk), LoginRefusal::malformed);
}

TEST_CASE("client auth: what caching_sha2 says, said at the wrong time") {
  SECTION("under the native method") {
    ClientAuth auth(usual_options());
    begin(auth, kNativePassword);
    check_refused(feed(auth, GENERATE(as<std::string>{}, kFast, kFull)), LoginRefusal::malformed);
  }
  SECTION("twice") {
    ClientAuth auth(usual_options());
    begin(auth);
    REQUIRE(feed(auth, kFast).kind == Kind::wait);
    check_refused(feed(auth, GENERATE(as<std::string>{}, kFast, kFull)), LoginRefusal::malformed);
  }
  SECTION("after a switch away from it") {
    ClientAuth auth(usual_options());
    begin(auth);
    feed(auth, switch_payload(kNativePassword, kOther));
    check_refused(feed(auth, kFull), LoginRefusal::malformed);
  }
}

TEST_CASE("client auth: an unexpected packet at each step") {
  const std::vector<std::string> script = {greeting_payload(kNativePassword),
                                           switch_payload(kCachingSha2, kOther), kFull,
                                           "\x01" + shared_key().public_pem(), kOk};
  for (const std::string& unexpected :
       {""s, "\x05"s, "\x02"s, "\xfe"s, "\xfb"s, std::string(300, 'x')}) {
    for (std::size_t step = 0; step <= script.size(); ++step) {
      ClientAuth auth(usual_options());
      for (std::size_t i = 0; i < step; ++i) {
        const Kind kind = feed(auth, script[i]).kind;
        CHECK(kind == (i + 1 == script.size() ? Kind::done : Kind::send));
      }
      CHECK(feed(auth, unexpected).kind == Kind::refused);
      CHECK(feed(auth, kOk).kind == Kind::refused);
    }
  }
}

}  // namespace
}  // namespace weir::protocol
