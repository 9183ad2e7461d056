// What a proxy says of its client, well and badly.

#include "protocol/proxy_header.h"

#include <string>
#include <utility>
#include <vector>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using Status = ProxyHeader::Status;
using test::from_hex;

const std::string kSignature = from_hex("0d0a0d0a000d0a515549540a");

ProxyHeader read(const std::string& text) {
  return read_proxy_header(test::ExactBytes(text));
}

std::string version2(const std::string& head, const std::string& rest) {
  std::string header = kSignature + from_hex(head);
  header.push_back(static_cast<char>(rest.size() >> 8));
  header.push_back(static_cast<char>(rest.size() & 0xff));
  return header + rest;
}

const std::string kAddresses4 = from_hex("0a010203 0a000001 dc04 0cea");
const std::string kAddresses6 =
    from_hex("20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 0cea");

ProxyEndpoint v4_client() {
  ProxyEndpoint client;
  client.address = {10, 1, 2, 3};
  client.port = 56324;
  return client;
}

ProxyEndpoint v6_client() {
  ProxyEndpoint client;
  client.v4 = false;
  client.address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  client.port = 56324;
  return client;
}

struct Good {
  std::string header;
  std::optional<ProxyEndpoint> source;
};

std::vector<Good> good_headers() {
  const auto nobody = std::nullopt;
  const std::string field = from_hex("03 0004 01020304");
  return {
      {"PROXY TCP4 10.1.2.3 10.0.0.1 56324 3306\r\n", v4_client()},
      {"PROXY TCP6 2001:db8::1 2001:db8::2 56324 3306\r\n", v6_client()},
      {"PROXY UNKNOWN\r\n", nobody},
      {"PROXY UNKNOWN whatever it may say\r\n", nobody},
      {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", nobody},
      {version2("21 11", kAddresses4), v4_client()},
      {version2("21 11", kAddresses4 + field + field), v4_client()},
      {version2("21 21", kAddresses6), v6_client()},
      {version2("21 21", kAddresses6 + from_hex("04 0000")), v6_client()},
      {version2("21 31", std::string(216, 'p')), nobody},
      {version2("21 00", ""), nobody},
      {version2("21 00", "anything"), nobody},
      {version2("20 00", ""), nobody},
      {version2("20 11", kAddresses4), nobody},
      {version2("20 ff", "anything"), nobody},
      {version2("21 11", kAddresses4 + from_hex("e0 0ff1") + std::string(0xff1, 'x')), v4_client()},
  };
}

struct Bad {
  const char* what;
  std::string header;
};

std::vector<Bad> bad_headers() {
  return {
      {"a client's own handshake", from_hex("200000 01 85a67f00")},
      {"HTTP", "GET / HTTP/1.0\r\n\r\n"},
      {"another word", "PROXI TCP4 1.2.3.4 1.2.3.4 1 1\r\n"},
      {"a family in small letters", "PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n"},
      {"no family", "PROXY \r\n"},
      {"an end in place of the family", "PROXY\r\n"},
      {"an empty port", "PROXY TCP4 1.2.3.4 1.2.3.4  1\r\n"},
      {"a port of the proxy's own that is none", "PROXY TCP4 1.2.3.4 1.2.3.4 1 x\r\n"},
      {"an address of the proxy's own that is none", "PROXY TCP4 1.2.3.4 here 1 1\r\n"},
      {"two spaces", "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n"},
      {"a space at the end", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n"},
      {"no ports", "PROXY TCP4 1.2.3.4 1.2.3.4\r\n"},
      {"one port", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"},
      {"three ports", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n"},
      {"a port that is too high", "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n"},
      {"a negative port", "PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n"},
      {"a port with a zero in front", "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n"},
      {"a port with a letter", "PROXY TCP4 1.2.3.4 1.2.3.4 1x 1\r\n"},
      {"an IPv6 address for TCP4", "PROXY TCP4 ::1 ::1 1 1\r\n"},
      {"an IPv4 address for TCP6", "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n"},
      {"three numbers", "PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n"},
      {"a name", "PROXY TCP4 localhost 1.2.3.4 1 1\r\n"},
      {"a zero byte", std::string("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 1\r\n", 34)},
      {"no carriage return", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n"},
      {"no end within 107 bytes", "PROXY UNKNOWN " + std::string(93, 'x')},
      {"an end behind 107 bytes", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"},
      {"another signature", from_hex("0d0a0d0a000d0a515549540b 21 11 0000")},
      {"version 1 in binary", version2("11 11", kAddresses4)},
      {"an unknown command", version2("22 11", kAddresses4)},
      {"UDP", version2("21 12", kAddresses4)},
      {"datagrams of a unix socket", version2("21 32", std::string(216, 'p'))},
      {"an unknown family", version2("21 41", kAddresses6)},
      {"a length that is too short", version2("21 11", kAddresses4.substr(1))},
      {"IPv4 addresses for IPv6", version2("21 21", kAddresses4)},
      {"a unix path that is too short", version2("21 31", std::string(215, 'p'))},
      {"a field without a length", version2("21 11", kAddresses4 + "\3")},
      {"a field with half a length", version2("21 11", kAddresses4 + from_hex("03 00"))},
      {"a field beyond the end", version2("21 11", kAddresses4 + from_hex("03 0002 01"))},
      {"a field of 64 KiB", version2("21 11", kAddresses4 + from_hex("03 ffff 01"))},
      {"a length beyond 4 KiB", kSignature + from_hex("21 11 1001")},
      {"the greatest length", kSignature + from_hex("20 00 ffff")},
  };
}

}  // namespace

TEST_CASE("proxy header: good ones name the client", "[proxy_header]") {
  for (const Good& good : good_headers()) {
    CAPTURE(test::to_hex(good.header));
    const ProxyHeader header = read(good.header);
    REQUIRE(header.status == Status::complete);
    CHECK(header.size == good.header.size());
    CHECK(header.size <= kMaxProxyHeader);
    CHECK(header.source == good.source);
    const ProxyHeader followed = read(good.header + "\x20\r\nPROXY ");
    CHECK(followed.status == Status::complete);
    CHECK(followed.size == good.header.size());
    CHECK(followed.source == good.source);
  }
}

TEST_CASE("proxy header: however it is cut, there is more to come until the end",
          "[proxy_header]") {
  for (const Good& good : good_headers()) {
    CAPTURE(test::to_hex(good.header));
    for (std::size_t size = 0; size < good.header.size(); ++size) {
      CAPTURE(size);
      REQUIRE(read(good.header.substr(0, size)).status == Status::more);
    }
  }
}

TEST_CASE("proxy header: bad ones are found, and stay bad", "[proxy_header]") {
  for (const Bad& bad : bad_headers()) {
    CAPTURE(bad.what);
    CHECK(read(bad.header).status == Status::malformed);
    bool found = false;
    for (std::size_t size = 0; size <= bad.header.size(); ++size) {
      const Status status = read(bad.header.substr(0, size)).status;
      REQUIRE(status != Status::complete);
      if (found) REQUIRE(status == Status::malformed);
      found = found || status == Status::malformed;
    }
    CHECK(read(bad.header + "\r\nmore").status == Status::malformed);
  }
}

TEST_CASE("proxy header: what is written is read again", "[proxy_header]") {
  for (const std::optional<ProxyEndpoint>& client :
       {std::optional<ProxyEndpoint>(), std::optional(v4_client()), std::optional(v6_client())}) {
    std::string header = "";
    append_proxy_header(header, client);
    const ProxyHeader again = read(header);
    REQUIRE(again.status == Status::complete);
    CHECK(again.size == header.size());
    CHECK(again.source == client);
  }
  std::string local;
  append_proxy_header(local, std::nullopt);
  CHECK(local == kSignature + from_hex("20 00 0000"));
}

}  // namespace weir::protocol
