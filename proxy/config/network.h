// IP addresses and networks of them, as rules name them: "10.0.0.0/8", "2001:db8::/32".

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // in the order of the network; IPv4 has the first four
  bool v4 = true;

  bool operator==(const IpAddress&) const = default;
};

// "10.0.0.1" or "2001:db8::1". An IPv4 address that IPv6 sockets show ("::ffff:10.0.0.1") is the
// IPv4 address.
std::optional<IpAddress> parse_ip_address(std::string_view text);
// The address of a peer, with the port behind its last colon: "10.0.0.1:4711", "::1:4711". Nothing
// for a unix socket.
std::optional<IpAddress> address_of_peer(std::string_view peer);

struct Network {
  IpAddress address;
  unsigned prefix = 0;  // bits that count

  // IPv4 networks hold IPv4 addresses, IPv6 networks IPv6 ones.
  bool contains(const IpAddress& other) const;
};

// "10.0.0.1", "2001:db8::1".
std::string to_text(const IpAddress& address);

// An address, "/" and the number of bits, behind which all are zero; an address alone is a network
// of one.
std::optional<Network> parse_network(std::string_view text);
// Why parse_network() does not take it, in words; empty: it does.
std::string what_is_wrong_with_network(std::string_view text);

}  // namespace weir
