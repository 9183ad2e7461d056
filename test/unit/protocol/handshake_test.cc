#include "protocol/handshake.h"

#include <numeric>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::ExactBytes;
using test::from_hex;
using test::to_hex;
using namespace std::string_literals;

// First packets of real servers.
const std::string kMariadbGreeting = from_hex(
    "0a352e352e352d31302e31312e31392d4d6172696144422d302b6465623132753100330000005b295657353f7a6e00"
    "fef7080200ff81150000000000001d000000386a2f475a6d3661696a5859006d7973716c5f6e61746976655f706173"
    "73776f726400");
const std::string kMysqlGreeting = from_hex(
    "0a392e372e342d3200430000001e50540b3159487800ffffff0200ffdf150000000000000000000018045242375f5b"
    "47536468520063616368696e675f736861325f70617373776f726400");

// First packets of real clients: user app, password "secret", nonce 01 02 ... 14, database shop.
const std::string kMariadbResponse = from_hex(
    "8da2bf00000000102100000000000000000000000000000000000000000000006170700020746ebe205d56a0707a"
    "cb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c973686f700063616368696e675f736861325f7061737377"
    "6f7264007f035f6f73054c696e75780c5f636c69656e745f6e616d650a6c69626d617269616462045f7069640532"
    "333736340f5f636c69656e745f76657273696f6e06332e332e3230095f706c6174666f726d067838365f36340c70"
    "726f6772616d5f6e616d65056d7973716c0c5f7365727665725f686f7374093132372e302e302e31");
const std::string kMysqlResponse = from_hex(
    "8da2bf1900000001ff00000000000000000000000000000000000000000000006170700020746ebe205d56a0707a"
    "cb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c973686f700063616368696e675f736861325f7061737377"
    "6f72640072045f706964053233373635095f706c6174666f726d067838365f3634035f6f73054c696e75780c5f63"
    "6c69656e745f6e616d65086c69626d7973716c076f735f757365720473686f700f5f636c69656e745f7665727369"
    "6f6e05392e372e340c70726f6772616d5f6e616d65056d7973716c");

Nonce counting_nonce() {
  Nonce nonce;
  std::iota(nonce.begin(), nonce.end(), std::uint8_t{1});
  return nonce;
}

constexpr Capabilities kUsual = kLongPassword | kProtocol41 | kSecureConnection | kPluginAuth |
                                kPluginAuthLenencData | kConnectWithDb | kConnectAttrs;

const std::string kAnswer(20, 'A');

HandshakeResponse usual_response() {
  static const std::string attributes = [] {
    std::string out;
    append_attribute(out, "program_name", "shop");
    append_attribute(out, "empty", "");
    return out;
  }();
  HandshakeResponse response;
  response.capabilities = kUsual;
  response.max_packet = 1u << 24;
  response.collation = 255;
  response.user = "app";
  response.auth_response = as_bytes(kAnswer);
  response.database = "shop";
  response.plugin = "mysql_native_password";
  response.attributes = as_bytes(attributes);
  return response;
}

std::string encoded(const HandshakeResponse& response) {
  std::string out;
  encode_handshake_response(out, response);
  return out;
}

std::string encoded(const Greeting& greeting) {
  std::string out;
  encode_greeting(out, greeting);
  return out;
}

bool lies_within(std::string_view view, Bytes payload) {
  const auto* begin = reinterpret_cast<const char*>(payload.data());
  return view.empty() ||
         (view.data() >= begin && view.data() + view.size() <= begin + payload.size());
}

// ---- greeting

TEST_CASE("greeting: of MariaDB 10.11") {
  const ExactBytes payload(kMariadbGreeting);
  const auto greeting = decode_greeting(payload);
  REQUIRE(greeting);
  CHECK(greeting->version == "5.5.5-10.11.19-MariaDB-0+deb12u1");
  CHECK(greeting->connection_id == 51);
  CHECK(as_text(greeting->nonce) == "[)VW5?zn8j/GZm6aijXY");
  CHECK(greeting->capabilities == 0x1d'81fff7fe);
  CHECK(greeting->collation == 8);
  CHECK(greeting->status == kStatusAutocommit);
  CHECK(greeting->plugin == "mysql_native_password");
  CHECK(to_hex(encoded(*greeting)) == to_hex(kMariadbGreeting));
}

TEST_CASE("greeting: of MySQL 9.7") {
  const ExactBytes payload(kMysqlGreeting);
  const auto greeting = decode_greeting(payload);
  REQUIRE(greeting);
  CHECK(greeting->version == "9.7.4-2");
  CHECK(greeting->connection_id == 67);
  CHECK(to_hex(greeting->nonce) == "1e50540b3159487818045242375f5b4753646852");
  CHECK(greeting->capabilities == 0xdfffffff);
  CHECK(greeting->collation == 255);
  CHECK(greeting->plugin == "caching_sha2_password");
  CHECK(to_hex(encoded(*greeting)) == to_hex(kMysqlGreeting));
}

TEST_CASE("greeting: MariaDB's flags are filler for MySQL") {
  Greeting greeting;
  greeting.version = "8.4.0";
  greeting.capabilities = kUsual | 0x1d'00000000;
  greeting.plugin = "caching_sha2_password";
  const std::string mysql = encoded(greeting);
  CHECK(decode_greeting(ExactBytes(mysql))->capabilities == kUsual);
  greeting.capabilities &= ~kLongPassword;
  const std::string mariadb = encoded(greeting);
  CHECK(decode_greeting(ExactBytes(mariadb))->capabilities == greeting.capabilities);
}

TEST_CASE("greeting: without authentication plugins") {
  Greeting greeting;
  greeting.version = "5.1.0";
  greeting.capabilities = kProtocol41 | kSecureConnection;
  greeting.nonce = counting_nonce();
  greeting.plugin = "not written";
  const std::string payload = encoded(greeting);
  const auto back = decode_greeting(ExactBytes(payload));
  REQUIRE(back);
  CHECK(back->nonce == counting_nonce());
  CHECK(back->plugin.empty());
}

TEST_CASE("greeting: a plugin without its NUL, as old servers send it") {
  const std::string payload = kMysqlGreeting.substr(0, kMysqlGreeting.size() - 1);
  const ExactBytes exact(payload);
  REQUIRE(decode_greeting(exact));
  CHECK(decode_greeting(exact)->plugin == "caching_sha2_password");
}

TEST_CASE("greeting: malformed") {
  const std::size_t after_version = 1 + "9.7.4-2"s.size() + 1;
  const struct {
    const char* name;
    std::string payload;
  } cases[] = {
      {"nothing", ""},
      {"only the version byte", "\x0a"},
      {"protocol 9", "\x09"s + kMysqlGreeting.substr(1)},
      {"an error", "\xff\x10\x04Too many connections"},
      {"no NUL after the version", "\x0a" + std::string(60, 'x')},
      {"only the version", kMysqlGreeting.substr(0, after_version)},
      {"no second half of the nonce", kMysqlGreeting.substr(0, after_version + 31)},
      {"a second half one byte short", kMysqlGreeting.substr(0, after_version + 31 + 12)},
      {"a nonce length beyond the end", kMysqlGreeting.substr(0, after_version + 20) + "\xff" +
                                            kMysqlGreeting.substr(after_version + 21)},
      {"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"},
  };
  for (const auto& c : cases) {
    INFO(c.name);
    CHECK_FALSE(decode_greeting(ExactBytes(c.payload)));
  }
}

TEST_CASE("greeting: every prefix is decoded within its bounds") {
  for (const std::string& whole : {kMariadbGreeting, kMysqlGreeting}) {
    for (std::size_t length = 0; length <= whole.size(); ++length) {
      const ExactBytes payload(whole.substr(0, length));
      const auto greeting = decode_greeting(payload);
      if (greeting) CHECK(lies_within(greeting->plugin, payload));
    }
  }
}

// ---- handshake response

TEST_CASE("handshake response: of MariaDB's client library") {
  const ExactBytes payload(kMariadbResponse);
  const auto response = decode_handshake_response(payload);
  REQUIRE(response);
  CHECK(response->capabilities == 0x00bfa28d);
  CHECK(response->collation == 33);
  CHECK(response->user == "app");
  CHECK(response->auth_response.size() == 32);
  CHECK(response->database == "shop");
  CHECK(response->plugin == "caching_sha2_password");
  CHECK(to_hex(encoded(*response)) == to_hex(kMariadbResponse));

  AttributeReader attributes(response->attributes);
  std::string_view name, value;
  std::string all;
  while (attributes.next(name, value)) all.append(name).append("=").append(value).append(" ");
  CHECK(all ==
        "_os=Linux _client_name=libmariadb _pid=23764 _client_version=3.3.20 _platform=x86_64 "
        "program_name=mysql _server_host=127.0.0.1 ");
}

TEST_CASE("handshake response: of MySQL's client library") {
  const ExactBytes payload(kMysqlResponse);
  const auto response = decode_handshake_response(payload);
  REQUIRE(response);
  CHECK(response->capabilities == 0x19bfa28d);
  CHECK(response->max_packet == 1u << 24);
  CHECK(response->collation == 255);
  CHECK(response->user == "app");
  CHECK(response->database == "shop");
  CHECK(response->plugin == "caching_sha2_password");
}

TEST_CASE("handshake response: round trips in every layout") {
  const Capabilities optional[] = {kPluginAuthLenencData, kSecureConnection, kConnectWithDb,
                                   kPluginAuth,           kConnectAttrs,     kZstdCompression,
                                   kLongPassword};
  for (unsigned set = 0; set < 1u << std::size(optional); ++set) {
    HandshakeResponse response = usual_response();
    response.capabilities = kProtocol41;
    for (std::size_t i = 0; i < std::size(optional); ++i)
      if (set & (1u << i)) response.capabilities |= optional[i];
    if ((response.capabilities & kLongPassword) == 0) response.capabilities |= 0x1d'00000000;
    response.zstd_level = 7;

    const ExactBytes payload(encoded(response));
    const auto back = decode_handshake_response(payload);
    REQUIRE(back);
    const auto has = [&](Capabilities flag) { return (response.capabilities & flag) != 0; };
    CHECK(back->capabilities == response.capabilities);
    CHECK(back->max_packet == response.max_packet);
    CHECK(back->collation == 255);
    CHECK(back->user == "app");
    CHECK(as_text(back->auth_response) == kAnswer);
    CHECK(back->database == (has(kConnectWithDb) ? "shop" : ""));
    CHECK(back->plugin == (has(kPluginAuth) ? "mysql_native_password" : ""));
    CHECK(back->attributes.size() == (has(kConnectAttrs) ? response.attributes.size() : 0));
    CHECK(back->zstd_level == (has(kZstdCompression) ? 7 : 0));
  }
}

TEST_CASE("handshake response: an answer longer than 255 bytes") {
  HandshakeResponse response = usual_response();
  const std::string answer(300, 'x');
  response.auth_response = as_bytes(answer);
  const ExactBytes payload(encoded(response));
  REQUIRE(decode_handshake_response(payload));
  CHECK(as_text(decode_handshake_response(payload)->auth_response) == answer);
}

// As both real servers do.
TEST_CASE("handshake response: tolerated") {
  const std::string whole = encoded(usual_response());

  CHECK(decode_handshake_response(ExactBytes(whole + "more")));

  HandshakeResponse no_attributes = usual_response();
  no_attributes.capabilities &= ~kConnectAttrs;
  const std::string open_end = encoded(no_attributes);
  const ExactBytes without_nul(open_end.substr(0, open_end.size() - 1));
  REQUIRE(decode_handshake_response(without_nul));
  CHECK(decode_handshake_response(without_nul)->plugin == "mysql_native_password");

  no_attributes.capabilities |= kZstdCompression;
  const std::string with_level = encoded(no_attributes);
  const ExactBytes without_level(with_level.substr(0, with_level.size() - 1));
  REQUIRE(decode_handshake_response(without_level));
  CHECK(decode_handshake_response(without_level)->zstd_level == 0);
}

TEST_CASE("handshake response: malformed") {
  const std::string head = encoded(usual_response()).substr(0, 32);
  const auto with_flags = [&](Capabilities flags, const std::string& rest) {
    std::string payload;
    encode_ssl_request(payload, {flags, 1u << 24, 8});
    return payload + rest;
  };
  constexpr Capabilities kBase = kLongPassword | kProtocol41 | kSecureConnection;
  constexpr Capabilities kLenenc = kBase | kPluginAuthLenencData;
  const struct {
    const char* name;
    std::string payload;
  } cases[] = {
      {"nothing", ""},
      {"three bytes", "\x01\x02\x03"},
      {"31 bytes", head.substr(0, 31)},
      {"only the head", head},
      {"before 4.1", "\x01\x00\x00\x00\x00root\0\0"s},
      {"without the flag of 4.1", with_flags(kBase & ~kProtocol41, "app\0\0"s)},
      {"no NUL after the user", with_flags(kBase, "app")},
      {"no answer", with_flags(kBase, "app\0"s)},
      {"an answer beyond the end", with_flags(kBase,
                                              "app\0\x05"
                                              "1234"s)},
      {"an answer without NUL", with_flags(kLongPassword | kProtocol41,
                                           "app\0"
                                           "1234"s)},
      {"a lenenc answer beyond the end", with_flags(kLenenc,
                                                    "app\0\x05"
                                                    "1234"s)},
      {"a lenenc answer of 2^64-1 bytes",
       with_flags(kLenenc, "app\0\xfe"s + std::string(8, '\xff'))},
      {"a lenenc answer of NULL length", with_flags(kLenenc, "app\0\xfb"s + std::string(300, 'x'))},
      {"a lenenc answer of length 0xff", with_flags(kLenenc, "app\0\xff"s + std::string(300, 'x'))},
      {"a lenenc length cut short", with_flags(kLenenc, "app\0\xfd\x01"s)},
      {"no database", with_flags(kBase | kConnectWithDb, "app\0\0"s)},
      {"a database without NUL", with_flags(kBase | kConnectWithDb, "app\0\0shop"s)},
      {"no attributes", with_flags(kBase | kConnectAttrs, "app\0\0"s)},
      {"attributes beyond the end", with_flags(kBase | kConnectAttrs,
                                               "app\0\0\x05"
                                               "1234"s)},
      {"attributes of NULL length", with_flags(kBase | kConnectAttrs, "app\0\0\xfb"s)},
      {"too many attributes",
       with_flags(kBase | kConnectAttrs, "app\0\0\xfd\x01\x00\x01"s + std::string(65537, 'x'))},
  };
  for (const auto& c : cases) {
    INFO(c.name);
    CHECK_FALSE(decode_handshake_response(ExactBytes(c.payload)));
  }
}

TEST_CASE("handshake response: as many attributes as allowed") {
  HandshakeResponse response = usual_response();
  const std::string attributes(kMaxConnectAttributes, 'x');
  response.attributes = as_bytes(attributes);
  CHECK(decode_handshake_response(ExactBytes(encoded(response))));
}

TEST_CASE("handshake response: every prefix is decoded within its bounds") {
  for (const std::string& whole : {kMariadbResponse, kMysqlResponse, encoded(usual_response())}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const ExactBytes payload(whole.substr(0, length));
      CHECK_FALSE(decode_handshake_response(payload));  // the attributes are never whole
    }
  }
}

TEST_CASE("attributes: read up to the first that is nonsense") {
  std::string text;
  append_attribute(text, "a", "1");
  append_attribute(text, "b", std::string(300, 'x'));
  text += "\x20short";
  const ExactBytes exact(text);
  AttributeReader reader(exact);
  std::string_view name, value;
  REQUIRE(reader.next(name, value));
  CHECK(name == "a");
  CHECK(value == "1");
  REQUIRE(reader.next(name, value));
  CHECK(value.size() == 300);
  CHECK_FALSE(reader.next(name, value));
  CHECK(name == "b");
  CHECK_FALSE(reader.next(name, value));
}

// ---- request for TLS

TEST_CASE("ssl request: told from a response by its length and flag") {
  std::string payload;
  encode_ssl_request(payload, {kUsual | kSsl, 1u << 24, 33});
  CHECK(payload.size() == 32);
  const auto request = decode_ssl_request(ExactBytes(payload));
  REQUIRE(request);
  CHECK(request->capabilities == (kUsual | kSsl));
  CHECK(request->max_packet == 1u << 24);
  CHECK(request->collation == 33);

  CHECK_FALSE(decode_ssl_request(ExactBytes(payload + 'x')));
  CHECK_FALSE(decode_ssl_request(ExactBytes(payload.substr(0, 31))));
  CHECK_FALSE(decode_ssl_request(ExactBytes(encoded(usual_response()))));
  std::string no_flag;
  encode_ssl_request(no_flag, {kUsual, 0, 0});
  CHECK_FALSE(decode_ssl_request(ExactBytes(no_flag)));
  std::string old;
  encode_ssl_request(old, {kSsl, 0, 0});
  CHECK_FALSE(decode_ssl_request(ExactBytes(old)));
}

}  // namespace
}  // namespace weir::protocol
