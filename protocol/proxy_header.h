// The PROXY protocol: what a proxy in front says of its client, before anything else on a
// connection. Version 1 is a line of text, version 2 binary
// (https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt).
//
//   1   PROXY TCP4 10.1.2.3 10.0.0.1 56324 3306\r\n
//   2   signature (12 bytes) | version, command (1) | family, transport (1) | length (2) |
//   addresses
//       and further fields (length)

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "protocol/byte_reader.h"

namespace weir::protocol {

// One end of a TCP connection.
struct ProxyEndpoint {
  std::array<std::uint8_t, 16> address{};  // in the order of the network; IPv4 has the first four
  bool v4 = true;
  std::uint16_t port = 0;

  bool operator==(const ProxyEndpoint&) const = default;
};

struct ProxyHeader {
  enum class Status : std::uint8_t { more, malformed, complete };
  Status status = Status::more;
  std::size_t size = 0;  // when complete: the connection's own bytes begin behind this many
  // The client. Nothing: the connection is the proxy's own (LOCAL), or the proxy does not know or
  // has it from a unix socket.
  std::optional<ProxyEndpoint> source;
};

// A header is never longer than this, whichever version it is.
inline constexpr std::size_t kMaxProxyHeader = 16 + 4096;

// Reads what a connection has begun with so far. What is malformed stays so, whatever follows, and
// `more` never asks for more than kMaxProxyHeader in all. Nothing is taken in good faith: fields
// must lie inside the length, and families and transports must be those of a TCP connection or a
// unix socket.
ProxyHeader read_proxy_header(Bytes begun);

// Appends a header of version 2. Without a client: of a connection that is weir's own (LOCAL). The
// destination is left open (zeros).
void append_proxy_header(std::string& out, const std::optional<ProxyEndpoint>& client);

}  // namespace weir::protocol
