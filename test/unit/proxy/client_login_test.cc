// The login of a client, with the client half of the protocol library on the other side.

#include "protocol/auth/client_auth.h"
#include "protocol/auth/rsa_key.h"
#include "proxy/session/login.h"
#include "test/support/catch.h"
#include "test/support/conversation.h"
#include "test/support/exact_bytes.h"
#include "test/support/login.h"

namespace weir {
namespace {

using namespace protocol;
using test::converse;
using test::ExactBytes;
using Kind = Login::Step::Kind;
using namespace std::string_literals;

struct Fixture {
  explicit Fixture(AuthMode mode = AuthMode::users) {
    Config made;
    made.auth.mode = mode;
    made.users.push_back({.name = "app",
                          .password = "secret",
                          .route = {},
                          .max_connections = 0,
                          .consistency = {},
                          .query_timeout = {}});
    made.users.push_back({.name = "open",
                          .password = "",
                          .route = {},
                          .max_connections = 0,
                          .consistency = {},
                          .query_timeout = {}});
    config = std::make_shared<const Config>(std::move(made));
    accounts.emplace(config);
    topology.greeting_version = "8.4.0";
    topology.default_collation = 255;
    topology.capabilities = 0xffffffff;
  }
  Login login(bool secure = false) {
    return Login(*accounts, &test::shared_key(), "127.0.0.1", secure);
  }

  Login resume(const ClientIdentity& identity) {
    return Login::resume(*accounts, &test::shared_key(), "127.0.0.1", false, identity);
  }

  std::shared_ptr<const Config> config;
  std::optional<AccountStore> accounts;
  Topology topology;
};

ClientAuth::Options options_for(std::string_view user, std::string_view password) {
  ClientAuth::Options options;
  options.user = user;
  options.password = password;
  options.database = "shop";
  options.collation = 45;
  options.capabilities = kTransactions | kDeprecateEof | kSessionTrack | kFoundRows;
  return options;
}

Login::Step log_in(Login& login, const Fixture& fixture, std::string_view user,
                   std::string_view password) {
  ClientAuth client(options_for(user, password));
  return converse(login, client, login.greeting(offer_of(fixture.topology), 77));
}

TEST_CASE("client login: the greeting") {
  Fixture fixture;
  Login login = fixture.login();
  const std::string framed = login.greeting(offer_of(fixture.topology), 77);
  const auto greeting = decode_greeting(as_bytes(framed).subspan(kFrameHeaderSize));
  REQUIRE(greeting);
  CHECK(greeting->version == "8.4.0");
  CHECK(greeting->connection_id == 77);
  CHECK(greeting->collation == 255);
  CHECK(greeting->capabilities == offered_capabilities(0xffffffff));
  CHECK(greeting->plugin == kCachingSha2);
  CHECK(login.next_sequence() == 1);
  CHECK((forwarded_capabilities(~Capabilities{0}) & kSessionTrack) == 0);
}

TEST_CASE("client login: what is offered follows the primary") {
  const Capabilities all = ~Capabilities{0};
  CHECK(forwarded_capabilities(all) == forwarded_capabilities(offered_capabilities(all)));
  // What changes replies in ways that are not followed is never offered.
  CHECK((offered_capabilities(all) & (kOptionalResultsetMetadata | kSsl | kMariadbProgress |
                                      kMariadbComMulti | kMariadbCacheMetadata)) == 0);
  const Capabilities mysql = offered_capabilities(0xdfffffff);
  CHECK((mysql & kLongPassword) != 0);
  CHECK((mysql & kQueryAttributes) != 0);
  CHECK(mysql >> 32 == 0);
  const Capabilities mariadb = offered_capabilities(0x1d'81fff7fe);
  CHECK((mariadb & (kLongPassword | kQueryAttributes)) == 0);
  CHECK((mariadb & ~Capabilities{0xffffffff}) ==
        (kMariadbBulkOperations | kMariadbExtendedMetadata));
  CHECK((offered_capabilities(0x1d'81fff7fe & ~kDeprecateEof) & kDeprecateEof) == 0);
}

TEST_CASE("client login: a listed user with the right password") {
  for (const bool secure : {false, true}) {
    Fixture fixture;
    Login login = fixture.login(secure);
    const auto step = log_in(login, fixture, "app", "secret");
    REQUIRE(step.kind == Kind::accepted);
    const ClientIdentity identity = login.take_identity();
    REQUIRE(identity.credentials != nullptr);
    CHECK(identity.credentials->user == "app");
    REQUIRE(identity.listed != nullptr);
    CHECK(identity.listed->name == "app");
    CHECK(identity.schema == "shop");
    CHECK(identity.collation == 45);
    CHECK_FALSE(identity.learnt);
    CHECK((identity.capabilities & kDeprecateEof) != 0);
    CHECK((identity.capabilities & ~offered_capabilities(0xffffffff)) == 0);
  }
}

TEST_CASE("client login: a password of nothing") {
  Fixture fixture;
  Login right = fixture.login();
  CHECK(log_in(right, fixture, "open", "").kind == Kind::accepted);
  Login wrong = fixture.login();
  CHECK(log_in(wrong, fixture, "app", "").error.code == 1045);
}

TEST_CASE("client login: wrong passwords and unknown users end with the same words") {
  Fixture fixture;
  for (const char* user : {"app", "nobody", ""}) {
    Login login = fixture.login();
    const auto step = log_in(login, fixture, user, "guess");
    REQUIRE(step.kind == Kind::refused);
    CHECK(step.error.code == 1045);
    CHECK(step.error.sqlstate == "28000");
    CHECK(step.error.message ==
          "Access denied for user '" + std::string(user) + "'@'127.0.0.1' (using password: YES)");
  }
}

constexpr const char* kNativeStored = "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7";
constexpr const char* kCryptedStored =
    "0x244124303041241F51676A2D3F65140C09435C3D153E7B462545514E4538734F444232376A38716D645761387"
    "86D49314664473676704D616169532E67364350592E64696D36";

// Everything that the client is sent after the greeting, nonces left out, and the error at the end.
std::string conversation(const Fixture& fixture, const char* host, const std::string& user,
                         std::string_view plugin, const std::string& password) {
  Login login(*fixture.accounts, &test::shared_key(), host, false);
  const std::string greeting = login.greeting(offer_of(fixture.topology), 77);
  const Nonce nonce = decode_greeting(as_bytes(greeting).subspan(kFrameHeaderSize))->nonce;
  std::string all;
  const auto answer = [&](std::string_view method) {
    return method == kNativePassword ? native_scramble(password, nonce)
                                     : caching_sha2_scramble(password, nonce);
  };
  const std::string first = answer(plugin);
  HandshakeResponse response = {};
  response.capabilities = test::kLoginCapabilities;
  response.user = user;
  response.plugin = plugin;
  response.auth_response = as_bytes(first);
  std::string payload;
  encode_handshake_response(payload, response);
  Login::Step step =
      login.feed({static_cast<std::uint32_t>(payload.size()), 1}, ExactBytes(payload));
  std::uint8_t sequence = 3;
  while (step.kind == Kind::wait) {
    all += step.send;
    const Bytes sent = as_bytes(step.send).subspan(kFrameHeaderSize);
    std::string next;
    if (sent[0] == kAuthSwitchHeader) {
      next = answer(decode_auth_switch_request(sent)->plugin);
    } else if (sent.size() == 2) {
      next = "\x02";  // asks for the key
    } else {
      next = encrypt_password(as_text(sent.subspan(1)), password, nonce).value();
    }
    step = login.feed({static_cast<std::uint32_t>(next.size()), sequence}, ExactBytes(next));
    sequence = static_cast<std::uint8_t>(sequence + 2);
  }
  if (step.kind == Kind::check) {
    all += "(check)";
    const auto which = step.check.run();
    step = login.checked(std::move(step.check), which);
  }
  CHECK(step.kind == Kind::refused);
  const std::string_view secret = as_text(nonce);
  for (std::size_t at = all.find(secret); at != std::string::npos; at = all.find(secret))
    all.replace(at, secret.size(), "(nonce)");
  std::string text = step.error.message;
  if (const auto at = text.find("'" + user + "'"); at != std::string::npos)
    text.replace(at, user.size() + 2, "(user)");
  return all + step.send + std::to_string(step.error.code) + std::string(step.error.sqlstate) +
         text;
}

TEST_CASE("client login: who does not exist hears what a wrong password does") {
  const std::string plugin =
      GENERATE("caching_sha2_password"s, "mysql_native_password"s, "something_else"s);
  const std::string password = GENERATE("guess"s, ""s);
  const int kind = GENERATE(0, 1, 2);
  const bool tls = GENERATE(false, true);
  CAPTURE(plugin, password, kind, tls);
  UserConfig user;
  user.name = "app";
  if (kind == 0) user.password = "secret";
  if (kind > 0) user.verifier = kind == 1 ? kNativeStored : kCryptedStored;
  user.require_tls = tls;
  user.allow_from = {"10.0.0.0/8"};
  Fixture fixture;
  Config config;
  config.auth.mode = AuthMode::users;
  config.users = {user};
  fixture.accounts.emplace(std::make_shared<const Config>(std::move(config)));
  const std::string wrong = conversation(fixture, "10.0.0.1", "app", plugin, password);
  CHECK(conversation(fixture, "10.0.0.1", "nobody", plugin, password) == wrong);
}

TEST_CASE("client login: from a network that is not the user's, as with a wrong password") {
  const std::string plugin = GENERATE("caching_sha2_password"s, "mysql_native_password"s);
  const bool crypted = GENERATE(false, true);
  UserConfig user;
  user.name = "app";
  user.verifier = crypted ? kCryptedStored : kNativeStored;
  UserConfig elsewhere = user;
  elsewhere.allow_from = {"11.0.0.0/8"};
  const auto run = [&](const UserConfig& only, const std::string& password) {
    Fixture fixture;
    Config config;
    config.auth.mode = AuthMode::users;
    config.users = {only};
    fixture.accounts.emplace(std::make_shared<const Config>(std::move(config)));
    return conversation(fixture, "10.0.0.1", "app", plugin, password);
  };
  CHECK(run(elsewhere, "guess") == run(user, "guess"));
  CHECK(run(elsewhere, "secret").find("1045") != std::string::npos);
}

TEST_CASE("client login: a user with require_tls is told before a password is asked for") {
  UserConfig user;
  user.name = "app";
  user.password = "secret";
  user.require_tls = true;
  Fixture fixture;
  Config config;
  config.auth.mode = AuthMode::users;
  config.users = {user};
  fixture.accounts.emplace(std::make_shared<const Config>(std::move(config)));
  Login open = fixture.login(false);
  const auto refused = log_in(open, fixture, "app", "secret");
  CHECK(refused.error.code == 3159);
  CHECK(refused.send.empty());
  Login secure = fixture.login(true);
  CHECK(log_in(secure, fixture, "app", "secret").kind == Kind::accepted);
}

TEST_CASE("client login: an unknown user's password is learnt, to be proved by the primary") {
  for (const bool secure : {false, true}) {
    Fixture fixture(AuthMode::passthrough);
    Login login = fixture.login(secure);
    const auto step = log_in(login, fixture, "other", "claimed");
    REQUIRE(step.kind == Kind::accepted);
    const ClientIdentity identity = login.take_identity();
    CHECK(identity.learnt);
    CHECK(identity.listed == nullptr);
    CHECK(identity.credentials->user == "other");
    CHECK(identity.credentials->password.view() == "claimed");

    // Proved: the next login needs no full authentication, and a changed password is learnt anew.
    fixture.accounts->remember(identity.credentials);
    Login again = fixture.login(secure);
    CHECK(log_in(again, fixture, "other", "claimed").kind == Kind::accepted);
    CHECK(again.take_identity().credentials == identity.credentials);
    Login changed = fixture.login(secure);
    CHECK(log_in(changed, fixture, "other", "new").kind == Kind::accepted);
    CHECK(changed.take_identity().credentials->password.view() == "new");
  }
}

TEST_CASE("client login: passthrough does not loosen what is listed") {
  Fixture fixture(AuthMode::passthrough);
  Login login = fixture.login();
  CHECK(log_in(login, fixture, "app", "guess").error.code == 1045);
}

HandshakeResponse plain_response() {
  HandshakeResponse response;
  response.capabilities = test::kLoginCapabilities;
  response.user = "app";
  response.plugin = kCachingSha2;
  return response;
}

Login::Step respond(const HandshakeResponse& response, std::uint8_t sequence = 1) {
  Fixture fixture;
  Login login = fixture.login();
  login.greeting(offer_of(fixture.topology), 1);
  std::string payload;
  encode_handshake_response(payload, response);
  return login.feed({static_cast<std::uint32_t>(payload.size()), sequence}, ExactBytes(payload));
}

TEST_CASE("client login: behind a closed gate no password is looked at") {
  Fixture fixture;
  for (const char* password : {"secret", "wrong"}) {
    Login login = fixture.login();
    std::string asked;
    login.set_gate([&](std::string_view user) {
      asked = user;
      return false;
    });
    const Login::Step step = log_in(login, fixture, "app", password);
    CHECK(step.kind == Kind::refused);
    CHECK(step.error.code == 1045);
    CHECK(step.error.message == "Access denied for user 'app'@'127.0.0.1' (using password: YES)");
    CHECK(login.barred());
    CHECK(login.user() == "app");
    CHECK(asked == "app");
  }
  Login open = fixture.login();
  open.set_gate([](std::string_view) { return true; });
  REQUIRE(log_in(open, fixture, "app", "secret").kind == Kind::accepted);
  CHECK_FALSE(open.barred());
  CHECK(open.take_identity().known);
}

TEST_CASE("client login: a wrong sequence number") {
  for (const unsigned sequence : {0u, 2u, 255u}) {
    const auto step = respond(plain_response(), static_cast<std::uint8_t>(sequence));
    CHECK(step.kind == Kind::refused);
    CHECK(step.error.code == 1156);
  }
}

TEST_CASE("client login: packets are taken however they are cut") {
  HandshakeResponse response = plain_response();
  response.plugin = "another_method";  // which the client is asked to change
  std::string payload;
  encode_handshake_response(payload, response);
  std::string packet;
  std::uint8_t sequence = 1;
  append_frames(packet, payload, sequence);
  for (std::size_t cut = 0; cut <= packet.size(); ++cut) {
    Fixture fixture;
    Login login = fixture.login();
    login.greeting(offer_of(fixture.topology), 1);
    std::string inbox = packet.substr(0, cut);
    const Login::Step first = login.take(inbox);
    CHECK(first.kind == Kind::wait);
    CHECK(first.send.empty() == (cut < packet.size()));
    inbox += packet.substr(cut);
    const Login::Step second = login.take(inbox);
    CHECK(second.kind == Kind::wait);
    CHECK(inbox.empty());
    CHECK(first.send.size() + second.send.size() > 0);
    CHECK(login.next_sequence() == 3);  // a request and its answer
  }
}

TEST_CASE("client login: what is taken is bounded, and ends with the login") {
  Fixture fixture;
  Login large = fixture.login();
  large.greeting(offer_of(fixture.topology), 1);
  std::string inbox("\x01\x00\x01\x01", 4);  // announces 65537 bytes
  const Login::Step step = large.take(inbox);
  CHECK(step.kind == Kind::refused);
  CHECK(step.error.code == 1153);
  CHECK(large.next_sequence() == 2);

  Login disordered = fixture.login();
  disordered.greeting(offer_of(fixture.topology), 1);
  inbox = std::string("\x05\x00\x00\x07", 4);  // before its payload has come
  CHECK(disordered.take(inbox).error.code == 1156);
  CHECK(disordered.next_sequence() == 1);
}

TEST_CASE("client login: packets that are no response") {
  for (const std::string& payload :
       {std::string(), std::string("\x85"), std::string(40, '\xff'), std::string(31, '\0')}) {
    Fixture fixture;
    Login login = fixture.login();
    login.greeting(offer_of(fixture.topology), 1);
    const auto step =
        login.feed({static_cast<std::uint32_t>(payload.size()), 1}, ExactBytes(payload));
    CHECK(step.kind == Kind::refused);
    CHECK(step.error.code == 1043);
  }
  HandshakeResponse tls = plain_response();  // TLS was not offered
  tls.capabilities |= kSsl;
  CHECK(respond(tls).error.code == 1043);
}

TEST_CASE("client login: names longer than any account's or schema's") {
  const std::string long_name(300, 'x');
  HandshakeResponse user = plain_response();
  user.user = long_name;
  const auto step = respond(user);
  CHECK(step.error.code == 1045);
  CHECK(step.error.message.size() < 256);
  HandshakeResponse schema = plain_response();
  schema.database = long_name;
  CHECK(respond(schema).error.code == 1045);
}

TEST_CASE("client login: an answer nobody asked for") {
  Fixture fixture;
  Login login = fixture.login();
  REQUIRE(log_in(login, fixture, "app", "secret").kind == Kind::accepted);
  const std::uint8_t sequence = login.next_sequence();
  const auto step = login.feed({1, sequence}, ExactBytes("x"));
  CHECK(step.kind == Kind::refused);
  CHECK(step.error.code == 1043);
}

TEST_CASE("client login: a change of user") {
  Fixture fixture;
  Login first = fixture.login();
  REQUIRE(log_in(first, fixture, "app", "secret").kind == Kind::accepted);
  const ClientIdentity identity = first.take_identity();

  auto malformed = fixture.resume(identity);
  CHECK(malformed.start_change_user(ExactBytes("\x11open")).error.code == 1047);

  auto login = fixture.resume(identity);
  ChangeUser request;
  request.user = "open";
  request.database = "stock";
  request.collation = 8;
  request.plugin = kCachingSha2;
  std::string payload;
  encode_change_user(payload, request, identity.capabilities);
  auto step = login.start_change_user(ExactBytes(payload));
  if (step.kind == Kind::wait) {  // asked to answer a fresh nonce; no password answers with nothing
    CHECK(read_frame_header(as_bytes(step.send)).sequence == 1);
    step = login.feed({0, 2}, Bytes{});
  }
  CHECK(step.kind == Kind::accepted);
  const ClientIdentity changed = login.take_identity();
  CHECK(changed.credentials->user == "open");
  CHECK(changed.schema == "stock");
  CHECK(changed.collation == 8);
  CHECK(changed.capabilities == identity.capabilities);

  request.collation = 256 + 28;  // no login has room for it, and 28 is another
  payload.clear();
  encode_change_user(payload, request, identity.capabilities);
  CHECK(fixture.resume(identity).start_change_user(ExactBytes(payload)).error.code == 1115);
}

// It has no way to be asked for an answer to another nonce.
TEST_CASE("client login: a change of user without authentication plugins") {
  Fixture fixture;
  Login first = fixture.login();
  const std::string framed = first.greeting(offer_of(fixture.topology), 77);
  const Nonce nonce = decode_greeting(as_bytes(framed).subspan(kFrameHeaderSize))->nonce;
  const auto scramble = native_scramble("secret", nonce);
  HandshakeResponse response;
  response.capabilities = kProtocol41 | kSecureConnection;
  response.user = "app";
  response.auth_response = as_bytes(scramble);
  std::string payload;
  encode_handshake_response(payload, response);
  const auto header = FrameHeader{static_cast<std::uint32_t>(payload.size()), 1};
  REQUIRE(first.feed(header, ExactBytes(payload)).kind == Kind::accepted);
  ClientIdentity identity = first.take_identity();

  ChangeUser request;
  request.user = "app";
  request.auth_response = as_bytes(scramble);
  payload.clear();
  encode_change_user(payload, request, identity.capabilities);
  for (int times = 0; times < 2; ++times) {
    Login login = fixture.resume(identity);
    REQUIRE(login.start_change_user(ExactBytes(payload)).kind == Kind::accepted);
    identity = login.take_identity();
    CHECK(identity.credentials->user == "app");
    CHECK(identity.capabilities == (kProtocol41 | kSecureConnection));
  }

  const auto wrong = native_scramble("guessed", nonce);
  request.auth_response = as_bytes(wrong);
  payload.clear();
  encode_change_user(payload, request, identity.capabilities);
  Login login = fixture.resume(identity);
  CHECK(login.start_change_user(ExactBytes(payload)).error.code == 1045);
}

}  // namespace
}  // namespace weir
