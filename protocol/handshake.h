// The packets of the connection phase, as values. All functions here work on payloads, without the
// frame header. Decoded values are views: they live as long as the payload they were decoded from.
// Decoders answer std::nullopt to what a server would call malformed (1043, SQLSTATE 08S01).

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/auth/nonce.h"
#include "protocol/byte_reader.h"
#include "protocol/capabilities.h"
#include "protocol/server_status.h"

namespace weir::protocol {

// Connection attributes beyond this are refused, as servers do.
inline constexpr std::size_t kMaxConnectAttributes = 64u << 10;

// The first byte of a packet from the server during the connection phase.
inline constexpr std::uint8_t kOkHeader = 0x00;
inline constexpr std::uint8_t kAuthMoreDataHeader = 0x01;
inline constexpr std::uint8_t kAuthNextFactorHeader = 0x02;
inline constexpr std::uint8_t kAuthSwitchHeader = 0xfe;
inline constexpr std::uint8_t kErrHeader = 0xff;

inline constexpr std::uint8_t kComChangeUser = 0x11;

// "Protocol::HandshakeV10", the server's first packet.
struct Greeting {
  std::string_view version;  // as sent; MariaDB puts "5.5.5-" before its own
  std::uint32_t connection_id = 0;
  Nonce nonce{};
  Capabilities capabilities = 0;
  std::uint8_t collation = 0;
  ServerStatus status = 0;
  std::string_view plugin;  // empty without kPluginAuth
};

// Also std::nullopt for a server too old to send a nonce of 20 bytes. An error packet is no
// greeting: look at the first byte before.
std::optional<Greeting> decode_greeting(Bytes payload);
void encode_greeting(std::string& out, const Greeting& greeting);

// "Protocol::HandshakeResponse41", the client's first packet.
struct HandshakeResponse {
  Capabilities capabilities = 0;
  std::uint32_t max_packet = 0;
  std::uint8_t collation = 0;
  std::string_view user;
  Bytes auth_response;
  std::string_view database;    // empty without kConnectWithDb
  std::string_view plugin;      // empty without kPluginAuth
  Bytes attributes;             // without their total length; see AttributeReader
  std::uint8_t zstd_level = 0;  // 0 without kZstdCompression
};

// std::nullopt also for the response of clients before 4.1, and for attributes above the limit.
std::optional<HandshakeResponse> decode_handshake_response(Bytes payload);

// Fields without their capability flag are not written. An auth response over 255 bytes needs
// kPluginAuthLenencData.
void encode_handshake_response(std::string& out, const HandshakeResponse& response);

// "Protocol::SSLRequest": the head of a handshake response, this many bytes of it, sent alone to
// ask for TLS.
inline constexpr std::size_t kSslRequestSize = 32;
struct SslRequest {
  Capabilities capabilities = 0;
  std::uint32_t max_packet = 0;
  std::uint8_t collation = 0;
};

// std::nullopt when the client's first packet is no request for TLS; it may still be a good
// handshake response.
std::optional<SslRequest> decode_ssl_request(Bytes payload);
void encode_ssl_request(std::string& out, const SslRequest& request);

// "Protocol::AuthSwitchRequest". `data` is what follows the plugin's name, for the methods here the
// nonce and a NUL (read_nonce).
struct AuthSwitchRequest {
  std::string_view plugin;
  Bytes data;
};

// std::nullopt also for the request of one byte, which asks for the method of servers before 4.1.
std::optional<AuthSwitchRequest> decode_auth_switch_request(Bytes payload);
void encode_auth_switch_request(std::string& out, std::string_view plugin, const Nonce& nonce);

// "Protocol::AuthMoreData": bytes for the method in use.
std::optional<Bytes> decode_auth_more_data(Bytes payload);
void encode_auth_more_data(std::string& out, std::string_view data);

// "COM_CHANGE_USER", with its command byte.
struct ChangeUser {
  std::string_view user;
  Bytes auth_response;
  std::string_view database;
  std::optional<std::uint16_t> collation;  // clients before 5.1.23 end before it
  std::string_view plugin;
  Bytes attributes;
};

// `capabilities` are those negotiated at login, which decide about the layout.
std::optional<ChangeUser> decode_change_user(Bytes payload, Capabilities capabilities);
void encode_change_user(std::string& out, const ChangeUser& request, Capabilities capabilities);

// Walks through connection attributes. A server logs in a client whose attributes are nonsense
// inside, so this ends at the first that does not fit, and the rest does not exist.
class AttributeReader {
 public:
  explicit AttributeReader(Bytes attributes) : in_(attributes) {}

  // False at the end; name and value are then untouched.
  bool next(std::string_view& name, std::string_view& value);

 private:
  ByteReader in_;
};

// Appends one attribute, as AttributeReader reads it.
void append_attribute(std::string& out, std::string_view name, std::string_view value);

}  // namespace weir::protocol
