// The packets of the connection phase after the first two.

#include "protocol/handshake.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"
#include "test/support/login.h"

namespace weir::protocol {
namespace {

using test::counting_nonce;
using test::ExactBytes;
using namespace std::string_literals;

constexpr Capabilities kUsual = test::kLoginCapabilities;
const std::string kAnswer(20, 'A');
const std::string kAttributes =
    "\x0cprogram_name\x04shop\x05"
    "empty\0"s;

std::string encoded(const ChangeUser& request, Capabilities capabilities) {
  std::string out;
  encode_change_user(out, request, capabilities);
  return out;
}

bool lies_within(std::string_view view, Bytes payload) {
  const auto* begin = reinterpret_cast<const char*>(payload.data());
  return view.empty() ||
         (view.data() >= begin && view.data() + view.size() <= begin + payload.size());
}

// ---- switch of method, more data

TEST_CASE("auth switch request: round trip and malformed") {
  std::string payload;
  encode_auth_switch_request(payload, "caching_sha2_password", counting_nonce());
  const ExactBytes exact(payload);
  const auto request = decode_auth_switch_request(exact);
  REQUIRE(request);
  CHECK(request->plugin == "caching_sha2_password");
  CHECK(read_nonce(request->data) == counting_nonce());

  CHECK_FALSE(decode_auth_switch_request({}));
  CHECK_FALSE(decode_auth_switch_request(ExactBytes("\xfe"s)));
  CHECK_FALSE(decode_auth_switch_request(ExactBytes("\xfeplugin"s)));
  CHECK_FALSE(decode_auth_switch_request(ExactBytes("\x01plugin\0data"s)));
  for (std::size_t length = 0; length < payload.size(); ++length) {
    const ExactBytes prefix(payload.substr(0, length));
    const auto cut = decode_auth_switch_request(prefix);
    CHECK(cut.has_value() == (length > "caching_sha2_password"s.size() + 1));
  }
}

TEST_CASE("auth more data: round trip and malformed") {
  std::string payload;
  encode_auth_more_data(payload, "\x04");
  CHECK(payload == "\x01\x04");
  const ExactBytes exact(payload);
  CHECK(as_text(*decode_auth_more_data(exact)) == "\x04");
  CHECK(decode_auth_more_data(ExactBytes("\x01"s))->empty());
  CHECK_FALSE(decode_auth_more_data({}));
  CHECK_FALSE(decode_auth_more_data(ExactBytes("\x00\x04"s)));
}

// ---- change of user

TEST_CASE("change user: round trips in every layout") {
  ChangeUser request;
  request.user = "other";
  request.auth_response = as_bytes(kAnswer);
  request.database = "shop";
  request.collation = 0x01ff;
  request.plugin = "mysql_native_password";
  request.attributes = as_bytes(kAttributes);
  for (const Capabilities layout : {kUsual, kUsual & ~kConnectAttrs, kUsual & ~kPluginAuth,
                                    kUsual & ~kSecureConnection, kProtocol41}) {
    const ExactBytes payload(encoded(request, layout));
    const auto back = decode_change_user(payload, layout);
    REQUIRE(back);
    CHECK(back->user == "other");
    CHECK(as_text(back->auth_response) == kAnswer);
    CHECK(back->database == "shop");
    CHECK(back->collation == 0x01ff);
    CHECK(back->plugin == ((layout & kPluginAuth) ? "mysql_native_password" : ""));
    CHECK(back->attributes.size() == ((layout & kConnectAttrs) ? request.attributes.size() : 0));
  }
  request.collation = std::nullopt;
  const ExactBytes old(encoded(request, kUsual));
  REQUIRE(decode_change_user(old, kUsual));
  CHECK_FALSE(decode_change_user(old, kUsual)->collation);
}

TEST_CASE("change user: attributes may be left out") {
  const ExactBytes payload("\x11u\0\0\0\x08\0mysql_native_password\0"s);
  REQUIRE(decode_change_user(payload, kUsual));
  CHECK(decode_change_user(payload, kUsual)->plugin == "mysql_native_password");
}

TEST_CASE("change user: malformed") {
  const struct {
    const char* name;
    std::string payload;
  } cases[] = {
      {"nothing", ""},
      {"another command", "\x03SELECT 1"},
      {"only the command", "\x11"},
      {"no NUL after the user", "\x11user"},
      {"no answer", "\x11user\0"s},
      {"an answer beyond the end",
       "\x11user\0\x14"
       "123"s},
      {"no database", "\x11user\0\0"s},
      {"a database without NUL", "\x11user\0\0shop"s},
      {"half a collation", "\x11user\0\0\0\x08"s},
      {"attributes beyond the end",
       "\x11u\0\0\0\x08\0p\0\x05"
       "1234"s},
  };
  for (const auto& c : cases) {
    INFO(c.name);
    CHECK_FALSE(decode_change_user(ExactBytes(c.payload), kUsual));
  }
}

TEST_CASE("change user: every prefix is decoded within its bounds") {
  ChangeUser request;
  request.user = "other";
  request.auth_response = as_bytes(kAnswer);
  request.database = "shop";
  request.collation = 45;
  request.plugin = "mysql_native_password";
  request.attributes = as_bytes(kAttributes);
  const std::string whole = encoded(request, kUsual);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const ExactBytes payload(whole.substr(0, length));
    const auto cut = decode_change_user(payload, kUsual);
    if (cut) CHECK(lies_within(cut->plugin, payload));
  }
}

}  // namespace
}  // namespace weir::protocol
