#include "proxy/config/endpoint_text.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace weir::config {
namespace {

// The kernel's limit for a socket's path, with the final zero byte.
constexpr std::size_t kLongestPath = sizeof(sockaddr_un{}.sun_path) - 1;
constexpr std::size_t kLongestHost = 253;

EndpointText refused(std::string why) {
  return {{}, std::move(why)};
}

struct Ports {
  std::uint16_t usual;  // where none is given
  std::uint16_t least;
};

std::optional<std::uint16_t> parse_port(std::string_view text, std::uint16_t least) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || rest != end || port < least) return std::nullopt;
  return port;
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

// The address in its one canonical spelling, so that equal addresses compare equal.
std::optional<std::string> canonical(int family, const std::string& host) {
  unsigned char binary[sizeof(in6_addr)];
  char text[INET6_ADDRSTRLEN];
  if (::inet_pton(family, host.c_str(), binary) != 1) return std::nullopt;
  if (::inet_ntop(family, binary, text, sizeof text) == nullptr) return std::nullopt;
  return text;
}

EndpointText unix_endpoint(std::string_view path) {
  if (path.empty() || path[0] != '/') {
    return refused("the path of a unix socket must be absolute, such as \"unix:/run/weir.sock\"");
  }
  if (path.size() > kLongestPath || path.find('\0') != std::string_view::npos) {
    return refused(fmt::format("the path of a unix socket has at most {} bytes", kLongestPath));
  }
  return {Endpoint{"", 0, std::string(path)}, ""};
}

EndpointText with_port(std::string host, std::string_view rest, Ports ports) {
  if (rest.empty()) return {Endpoint{std::move(host), ports.usual, ""}, ""};
  const auto port = parse_port(rest.substr(1), ports.least);
  if (!port) return refused(fmt::format("the port must be a number from {} to 65535", ports.least));
  return {Endpoint{std::move(host), *port, ""}, ""};
}

EndpointText bracketed_endpoint(std::string_view text, Ports ports) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return refused("the closing \"]\" is missing");
  const auto host = canonical(AF_INET6, std::string(text.substr(1, close - 1)));
  if (!host)
    return refused("between the brackets there must be an IPv6 address, such as \"[::1]\"");
  const std::string_view rest = text.substr(close + 1);
  if (!rest.empty() && rest[0] != ':') return refused("after the \"]\" only \":port\" may follow");
  return with_port(*host, rest, ports);
}

EndpointText named_endpoint(std::string_view text, Ports ports) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  std::string host(text.substr(0, colon));
  if (host.empty() || host == "*") {
    return refused("the host is missing; for every interface write \"0.0.0.0\" or \"[::]\"");
  }
  if (host.size() > kLongestHost || !std::all_of(host.begin(), host.end(), is_host_char)) {
    return refused("write it as \"host:port\", \"[::1]:port\" or \"unix:/path\"");
  }
  // No name looks like this: top-level domains are not numbers.
  if (host.find_first_not_of("0123456789.") == std::string::npos && !canonical(AF_INET, host)) {
    return refused("that is not an IPv4 address");
  }
  return with_port(std::move(host), text.substr(colon), ports);
}

}  // namespace

EndpointText parse_endpoint(std::string_view text, std::uint16_t default_port,
                            std::uint16_t least_port) {
  const Ports ports{default_port, least_port};
  if (text.substr(0, 5) == "unix:") return unix_endpoint(text.substr(5));
  if (!text.empty() && text[0] == '[') return bracketed_endpoint(text, ports);
  if (canonical(AF_INET6, std::string(text))) {
    return refused(fmt::format("an IPv6 address needs brackets: \"[{}]:{}\"", text, default_port));
  }
  return named_endpoint(text, ports);
}

}  // namespace weir::config
