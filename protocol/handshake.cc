#include "protocol/handshake.h"

#include <algorithm>

#include "protocol/byte_writer.h"

namespace weir::protocol {
namespace {

constexpr std::uint8_t kProtocolVersion = 10;
constexpr std::size_t kNonceFirstPart = 8;
constexpr std::size_t kNonceSecondPart = kNonceSize - kNonceFirstPart;
constexpr std::size_t kFillerSize = 19;  // before MariaDB's flags, or the last 4 bytes of filler

bool has(Capabilities capabilities, Capabilities flag) {
  return (capabilities & flag) != 0;
}

// int<4>  MariaDB's flags, when `capabilities` are those of MariaDB; else filler.
Capabilities further_capabilities(ByteReader& in, Capabilities capabilities) {
  const Capabilities further = in.int4();
  return has(capabilities, kLongPassword) ? 0 : further << 32;
}

void put_further_capabilities(ByteWriter& out, Capabilities capabilities) {
  out.int4(has(capabilities, kLongPassword) ? 0 : capabilities >> 32);
}

// Text that is the packet's last: some peers leave out its NUL, and servers let them.
std::string_view nul_or_end_text(ByteReader& in) {
  if (!in.ok()) return {};
  const std::string_view text = as_text(in.rest());
  const std::size_t length = std::min(text.find('\0'), text.size());
  in = ByteReader(as_bytes(text.substr(std::min(length + 1, text.size()))));
  return text.substr(0, length);
}

// string<n> as three eras wrote it; the flags tell which.
Bytes auth_response(ByteReader& in, Capabilities capabilities) {
  if (has(capabilities, kPluginAuthLenencData)) return in.lenenc_bytes();
  if (has(capabilities, kSecureConnection)) return in.bytes(in.int1());
  return as_bytes(in.nul_text());
}

void put_auth_response(ByteWriter& out, Bytes response, Capabilities capabilities) {
  if (has(capabilities, kPluginAuthLenencData)) {
    out.lenenc_text(as_text(response));
  } else if (has(capabilities, kSecureConnection)) {
    const Bytes fitting = response.first(std::min<std::size_t>(response.size(), 0xff));
    out.int1(fitting.size()).bytes(fitting);
  } else {
    out.nul_text(as_text(response));
  }
}

Bytes attributes(ByteReader& in) {
  const Bytes all = in.lenenc_bytes();
  if (all.size() > kMaxConnectAttributes) in.fail();
  return all;
}

// int<4> capabilities, int<4> max packet, int<1> collation, 19 bytes of filler,
// int<4> MariaDB capabilities (filler in MySQL).
SslRequest response_head(ByteReader& in) {
  SslRequest head;
  head.capabilities = in.int4();
  head.max_packet = in.int4();
  head.collation = in.int1();
  in.skip(kFillerSize);
  head.capabilities |= further_capabilities(in, head.capabilities);
  if (!has(head.capabilities, kProtocol41)) in.fail();
  return head;
}

void put_response_head(ByteWriter& out, const SslRequest& head) {
  out.int4(head.capabilities).int4(head.max_packet).int1(head.collation).zeros(kFillerSize);
  put_further_capabilities(out, head.capabilities);
}

}  // namespace

// int<1>        protocol version (10)
// string<NUL>   server version
// int<4>        connection id
// string[8]     nonce, first part
// int<1>        filler
// int<2>        capabilities, lower half
// int<1>        collation
// int<2>        status
// int<2>        capabilities, upper half
// int<1>        length of the nonce with its NUL
// string[6]     filler
// int<4>        MariaDB capabilities (filler in MySQL)
// string[n]     nonce, second part; n = max(13, length - 8)
// string<NUL>   plugin, if PLUGIN_AUTH
std::optional<Greeting> decode_greeting(Bytes payload) {
  ByteReader in(payload);
  Greeting greeting;
  if (in.int1() != kProtocolVersion) return std::nullopt;
  greeting.version = in.nul_text();
  greeting.connection_id = in.int4();
  const Bytes first = in.bytes(kNonceFirstPart);
  in.skip(1);
  const std::uint32_t lower = in.int2();
  greeting.collation = in.int1();
  greeting.status = in.int2();
  greeting.capabilities = lower | (static_cast<std::uint32_t>(in.int2()) << 16);
  const std::size_t nonce_length = in.int1();
  in.skip(6);
  greeting.capabilities |= further_capabilities(in, greeting.capabilities);
  const Bytes second =
      in.bytes(std::max(kNonceSecondPart + 1 + kNonceFirstPart, nonce_length) - kNonceFirstPart);
  if (has(greeting.capabilities, kPluginAuth)) greeting.plugin = nul_or_end_text(in);
  if (!in.ok()) return std::nullopt;
  std::copy(first.begin(), first.end(), greeting.nonce.begin());
  std::copy_n(second.begin(), kNonceSecondPart, greeting.nonce.begin() + kNonceFirstPart);
  return greeting;
}

void encode_greeting(std::string& out, const Greeting& greeting) {
  const Bytes nonce(greeting.nonce);
  const bool plugin_auth = has(greeting.capabilities, kPluginAuth);
  ByteWriter writer(out);
  writer.int1(kProtocolVersion).nul_text(greeting.version).int4(greeting.connection_id);
  writer.bytes(nonce.first(kNonceFirstPart)).zeros(1);
  writer.int2(greeting.capabilities & 0xffff).int1(greeting.collation).int2(greeting.status);
  writer.int2(greeting.capabilities >> 16).int1(plugin_auth ? kNonceSize + 1 : 0).zeros(6);
  put_further_capabilities(writer, greeting.capabilities);
  writer.bytes(nonce.subspan(kNonceFirstPart)).zeros(1);
  if (plugin_auth) writer.nul_text(greeting.plugin);
}

// the head (response_head)
// string<NUL>     user
// string<lenenc>  auth response, if PLUGIN_AUTH_LENENC_CLIENT_DATA; else with its length in int<1>,
//                 if SECURE_CONNECTION; else string<NUL>
// string<NUL>     database, if CONNECT_WITH_DB
// string<NUL>     plugin, if PLUGIN_AUTH
// string<lenenc>  attributes, if CONNECT_ATTRS
// int<1>          zstd level, if ZSTD_COMPRESSION_ALGORITHM
// Whatever follows is ignored, as servers do: some drivers send a database without the flag.
std::optional<HandshakeResponse> decode_handshake_response(Bytes payload) {
  ByteReader in(payload);
  const SslRequest head = response_head(in);
  HandshakeResponse response;
  response.capabilities = head.capabilities;
  response.max_packet = head.max_packet;
  response.collation = head.collation;
  response.user = in.nul_text();
  response.auth_response = auth_response(in, head.capabilities);
  if (has(head.capabilities, kConnectWithDb)) response.database = in.nul_text();
  if (has(head.capabilities, kPluginAuth)) response.plugin = nul_or_end_text(in);
  if (has(head.capabilities, kConnectAttrs)) response.attributes = attributes(in);
  // A server that did not offer zstd does not look for the level either.
  if (has(head.capabilities, kZstdCompression) && !in.empty()) response.zstd_level = in.int1();
  if (!in.ok()) return std::nullopt;
  return response;
}

void encode_handshake_response(std::string& out, const HandshakeResponse& response) {
  const Capabilities capabilities = response.capabilities;
  ByteWriter writer(out);
  put_response_head(writer, {capabilities, response.max_packet, response.collation});
  writer.nul_text(response.user);
  put_auth_response(writer, response.auth_response, capabilities);
  if (has(capabilities, kConnectWithDb)) writer.nul_text(response.database);
  if (has(capabilities, kPluginAuth)) writer.nul_text(response.plugin);
  if (has(capabilities, kConnectAttrs)) writer.lenenc_text(as_text(response.attributes));
  if (has(capabilities, kZstdCompression)) writer.int1(response.zstd_level);
}

std::optional<SslRequest> decode_ssl_request(Bytes payload) {
  if (payload.size() != kSslRequestSize) return std::nullopt;
  ByteReader in(payload);
  const SslRequest request = response_head(in);
  if (!in.complete() || !has(request.capabilities, kSsl)) return std::nullopt;
  return request;
}

void encode_ssl_request(std::string& out, const SslRequest& request) {
  ByteWriter writer(out);
  put_response_head(writer, request);
}

// int<1>        0xfe
// string<NUL>   plugin
// string<EOF>   data for the plugin
std::optional<AuthSwitchRequest> decode_auth_switch_request(Bytes payload) {
  ByteReader in(payload);
  if (in.int1() != kAuthSwitchHeader) return std::nullopt;
  AuthSwitchRequest request;
  request.plugin = in.nul_text();
  request.data = in.rest();
  if (!in.ok()) return std::nullopt;
  return request;
}

void encode_auth_switch_request(std::string& out, std::string_view plugin, const Nonce& nonce) {
  ByteWriter(out).int1(kAuthSwitchHeader).nul_text(plugin).bytes(nonce).zeros(1);
}

// int<1>        0x01
// string<EOF>   data for the plugin
std::optional<Bytes> decode_auth_more_data(Bytes payload) {
  if (payload.empty() || payload[0] != kAuthMoreDataHeader) return std::nullopt;
  return payload.subspan(1);
}

void encode_auth_more_data(std::string& out, std::string_view data) {
  ByteWriter(out).int1(kAuthMoreDataHeader).text(data);
}

// int<1>          0x11
// string<NUL>     user
// string<n>       auth response with its length in int<1>, if SECURE_CONNECTION; else string<NUL>
// string<NUL>     database
// and if there is more:
// int<2>          collation
// string<NUL>     plugin, if PLUGIN_AUTH
// string<lenenc>  attributes, if CONNECT_ATTRS
std::optional<ChangeUser> decode_change_user(Bytes payload, Capabilities capabilities) {
  ByteReader in(payload);
  if (in.int1() != kComChangeUser) return std::nullopt;
  ChangeUser request;
  request.user = in.nul_text();
  request.auth_response = auth_response(in, capabilities & ~kPluginAuthLenencData);
  request.database = in.nul_text();
  if (in.ok() && !in.empty()) {
    request.collation = in.int2();
    if (has(capabilities, kPluginAuth)) request.plugin = nul_or_end_text(in);
    // Attributes are the one thing here that drivers with the flag set may leave out.
    if (has(capabilities, kConnectAttrs) && !in.empty()) request.attributes = attributes(in);
  }
  if (!in.ok()) return std::nullopt;
  return request;
}

void encode_change_user(std::string& out, const ChangeUser& request, Capabilities capabilities) {
  ByteWriter writer(out);
  writer.int1(kComChangeUser).nul_text(request.user);
  put_auth_response(writer, request.auth_response, capabilities & ~kPluginAuthLenencData);
  writer.nul_text(request.database);
  if (!request.collation) return;
  writer.int2(*request.collation);
  if (has(capabilities, kPluginAuth)) writer.nul_text(request.plugin);
  if (has(capabilities, kConnectAttrs)) writer.lenenc_text(as_text(request.attributes));
}

bool AttributeReader::next(std::string_view& name, std::string_view& value) {
  if (in_.empty()) return false;
  const std::string_view read_name = in_.lenenc_text();
  const std::string_view read_value = in_.lenenc_text();
  if (!in_.ok()) return false;
  name = read_name;
  value = read_value;
  return true;
}

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
  ByteWriter(out).lenenc_text(name).lenenc_text(value);
}

}  // namespace weir::protocol
