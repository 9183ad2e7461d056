// What a stranger sends first, and a change of user, are decoded within their bounds, and what was
// decoded survives being encoded again. The first byte of the input chooses the packet.

#include <cstdlib>
#include <string>

#include "protocol/handshake.h"

namespace weir::protocol {
namespace {

bool same(Bytes left, Bytes right) {
  return as_text(left) == as_text(right);
}

void ssl_request(Bytes input) {
  const auto request = decode_ssl_request(input);
  if (!request) return;
  std::string encoded;
  encode_ssl_request(encoded, *request);
  const auto again = decode_ssl_request(as_bytes(encoded));
  if (!again || again->capabilities != request->capabilities ||
      again->max_packet != request->max_packet || again->collation != request->collation)
    std::abort();
}

void handshake_response(Bytes input) {
  ssl_request(input);
  const auto response = decode_handshake_response(input);
  if (!response) return;
  std::string_view name, value;
  AttributeReader attributes(response->attributes);
  std::size_t seen = 0;
  while (attributes.next(name, value)) seen += name.size() + value.size();
  if (seen > response->attributes.size()) std::abort();

  std::string encoded;
  encode_handshake_response(encoded, *response);
  const auto again = decode_handshake_response(as_bytes(encoded));
  if (!again || again->capabilities != response->capabilities || again->user != response->user ||
      !same(again->auth_response, response->auth_response) ||
      again->database != response->database || again->plugin != response->plugin ||
      !same(again->attributes, response->attributes) || again->zstd_level != response->zstd_level)
    std::abort();
}

void change_user(Bytes input, Capabilities capabilities) {
  const auto request = decode_change_user(input, capabilities);
  if (!request) return;
  std::string encoded;
  encode_change_user(encoded, *request, capabilities);
  const auto again = decode_change_user(as_bytes(encoded), capabilities);
  if (!again || again->user != request->user ||
      !same(again->auth_response, request->auth_response) || again->database != request->database ||
      again->collation != request->collation || again->plugin != request->plugin ||
      !same(again->attributes, request->attributes))
    std::abort();
}

}  // namespace
}  // namespace weir::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::protocol;
  if (size == 0) return 0;
  const Bytes input(data + 1, size - 1);
  if (data[0] == 0) {
    handshake_response(input);
    return 0;
  }
  Capabilities capabilities = kProtocol41;
  if (data[0] & 1) capabilities |= kSecureConnection;
  if (data[0] & 2) capabilities |= kPluginAuth;
  if (data[0] & 4) capabilities |= kConnectAttrs;
  change_user(input, capabilities);
  return 0;
}
