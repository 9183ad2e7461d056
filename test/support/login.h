// What the tests of the two login machines share.

#pragma once

#include <numeric>
#include <string>

#include "protocol/auth/client_auth.h"
#include "protocol/auth/server_auth.h"

namespace weir::test {

inline protocol::Nonce counting_nonce(std::uint8_t first = 1) {
  protocol::Nonce nonce;
  std::iota(nonce.begin(), nonce.end(), first);
  return nonce;
}

// Making one takes long, so all tests share it.
inline const protocol::RsaKey& shared_key() {
  static const protocol::RsaKey key = protocol::RsaKey::generate().value();
  return key;
}

constexpr protocol::Capabilities kLoginCapabilities =
    protocol::kLongPassword | protocol::kProtocol41 | protocol::kSecureConnection |
    protocol::kPluginAuth | protocol::kPluginAuthLenencData | protocol::kConnectWithDb |
    protocol::kConnectAttrs | protocol::kTransactions | protocol::kDeprecateEof;

inline std::string greeting_payload(std::string_view plugin,
                                    protocol::Capabilities capabilities = kLoginCapabilities) {
  protocol::Greeting greeting;
  greeting.version = "8.4.0";
  greeting.connection_id = 1u << 30;
  greeting.nonce = counting_nonce();
  greeting.capabilities = capabilities;
  greeting.collation = 255;
  greeting.plugin = plugin;
  std::string payload;
  protocol::encode_greeting(payload, greeting);
  return payload;
}

inline std::string switch_payload(std::string_view plugin, const protocol::Nonce& nonce) {
  std::string payload;
  protocol::encode_auth_switch_request(payload, plugin, nonce);
  return payload;
}

}  // namespace weir::test
