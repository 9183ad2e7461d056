#include "proxy/config/network.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace weir {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

unsigned width(const IpAddress& address) {
  return address.v4 ? 32 : 128;
}

// The bits of a byte that count, when so many are left.
std::uint8_t mask(unsigned bits) {
  return static_cast<std::uint8_t>(0xff << (8 - std::min(bits, 8u)));
}

IpAddress cut(IpAddress address, unsigned prefix) {
  for (std::uint8_t& byte : address.bytes) {
    byte &= mask(prefix);
    prefix -= std::min(prefix, 8u);
  }
  return address;
}

// Whatever stands behind the address.
struct Parts {
  std::optional<IpAddress> address;
  std::optional<unsigned> prefix;
};

Parts take_apart(std::string_view text) {
  Parts parts;
  const std::size_t slash = text.find('/');
  parts.address = parse_ip_address(text.substr(0, slash));
  if (!parts.address) return parts;
  if (slash == std::string_view::npos) {
    parts.prefix = width(*parts.address);
    return parts;
  }
  const char* const end = text.data() + text.size();
  unsigned prefix = 0;
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, prefix);
  if (error == std::errc() && stop == end && prefix <= width(*parts.address)) {
    parts.prefix = prefix;
  }
  return parts;
}

}  // namespace

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  const std::string copy(text);  // for its zero
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  IpAddress address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) return address;
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) != 1) return std::nullopt;
  address.v4 = std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin());
  if (address.v4) {
    std::rotate(address.bytes.begin(), address.bytes.begin() + kMapped.size(), address.bytes.end());
    std::fill(address.bytes.begin() + 4, address.bytes.end(), std::uint8_t{0});
  }
  return address;
}

std::optional<IpAddress> address_of_peer(std::string_view peer) {
  const std::size_t colon = peer.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return parse_ip_address(peer.substr(0, colon));
}

std::string to_text(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(address.v4 ? AF_INET : AF_INET6, address.bytes.data(), text, sizeof text);
  return text;
}

bool Network::contains(const IpAddress& other) const {
  return other.v4 == address.v4 && cut(other, prefix) == address;
}

std::optional<Network> parse_network(std::string_view text) {
  const Parts parts = take_apart(text);
  if (!parts.address || !parts.prefix) return std::nullopt;
  if (cut(*parts.address, *parts.prefix) != *parts.address) return std::nullopt;
  return Network{*parts.address, *parts.prefix};
}

std::string what_is_wrong_with_network(std::string_view text) {
  const Parts parts = take_apart(text);
  if (!parts.address) {
    return "it must be an address or a network, such as \"10.0.0.0/8\" or \"2001:db8::/32\"";
  }
  if (!parts.prefix) {
    return fmt::format("behind the \"/\" must be a number from 0 to {}", width(*parts.address));
  }
  const IpAddress network = cut(*parts.address, *parts.prefix);
  if (network == *parts.address) return "";
  return fmt::format("the address has bits behind its first {}; write \"{}/{}\"", *parts.prefix,
                     to_text(network), *parts.prefix);
}

}  // namespace weir
