#include "protocol/proxy_header.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "protocol/byte_writer.h"

namespace weir::protocol {
namespace {

using Status = ProxyHeader::Status;

constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::string_view kSignature2("\r\n\r\n\0\r\nQUIT\n", 12);

constexpr std::size_t kMaxLine = 107;  // its end included
constexpr std::size_t kFixedSize = 16;
constexpr std::size_t kMaxLength = kMaxProxyHeader - kFixedSize;

constexpr std::uint8_t kLocal = 0x20;
constexpr std::uint8_t kProxy = 0x21;
// Family and transport.
constexpr std::uint8_t kUnspecified = 0x00;
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;
constexpr std::uint8_t kUnixStream = 0x31;
constexpr std::size_t kUnixPath = 108;

ProxyHeader malformed() {
  return {Status::malformed, 0, std::nullopt};
}

// Network order, unlike everything else on such a connection.
std::uint16_t int2(ByteReader& in) {
  const unsigned high = in.int1();
  return static_cast<std::uint16_t>((high << 8) | in.int1());
}

// --- version 1 -----------------------------------------------------------------------------------

// Text up to the next space or the end.
std::string_view next_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

bool read_address(std::string_view word, bool v4, ProxyEndpoint& end) {
  end.v4 = v4;
  const std::string copy(word);  // for its zero
  return copy.find('\0') == std::string::npos &&
         inet_pton(v4 ? AF_INET : AF_INET6, copy.c_str(), end.address.data()) == 1;
}

bool read_port(std::string_view word, std::uint16_t& port) {
  const bool leading_zero = word.size() > 1 && word[0] == '0';
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, port);
  return !word.empty() && !leading_zero && error == std::errc() && stop == end;
}

// Without its end, from the family on.
std::optional<ProxyHeader> read_line(std::string_view line) {
  ProxyHeader header{Status::complete, 0, std::nullopt};
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") return header;  // whatever follows is to be ignored
  if (family != "TCP4" && family != "TCP6") return std::nullopt;
  const bool v4 = family == "TCP4";
  ProxyEndpoint source, destination;
  const bool good =
      std::count(line.begin(), line.end(), ' ') == 3 && read_address(next_word(line), v4, source) &&
      read_address(next_word(line), v4, destination) && read_port(next_word(line), source.port) &&
      read_port(next_word(line), destination.port);
  if (!good) return std::nullopt;
  header.source = source;
  return header;
}

ProxyHeader read_version1(std::string_view text) {
  const std::string_view line = text.substr(0, kMaxLine);
  const std::size_t end = line.find('\n');
  if (end == std::string_view::npos) {
    return line.size() < kMaxLine ? ProxyHeader{} : malformed();
  }
  if (line[end - 1] != '\r') return malformed();
  const std::size_t begin = kSignature1.size();
  if (end <= begin) return malformed();
  auto header = read_line(line.substr(begin, end - 1 - begin));
  if (!header) return malformed();
  header->size = end + 1;
  return *header;
}

// --- version 2 -----------------------------------------------------------------------------------

ProxyEndpoint read_source(ByteReader& in, bool v4) {
  const std::size_t width = v4 ? 4 : 16;
  ProxyEndpoint source;
  source.v4 = v4;
  const Bytes address = in.bytes(width);
  std::copy(address.begin(), address.end(), source.address.begin());
  in.skip(width);
  source.port = int2(in);
  in.skip(2);
  return source;
}

// Further fields: a type, a length and so many bytes each. None is needed here.
bool fields_fit(ByteReader& in) {
  while (!in.empty()) {
    in.skip(1);
    in.skip(int2(in));
  }
  return in.ok();
}

ProxyHeader read_version2(Bytes begun) {
  ByteReader in(begun);
  in.skip(kSignature2.size());
  const std::uint8_t command = in.int1();
  const std::uint8_t family = in.int1();
  const std::size_t length = int2(in);
  if (begun.size() > 12 && command != kLocal && command != kProxy) return malformed();
  if (begun.size() > 13 && command == kProxy && family != kUnspecified && family != kTcp4 &&
      family != kTcp6 && family != kUnixStream) {
    return malformed();
  }
  if (!in.ok()) return {};
  if (length > kMaxLength) return malformed();
  ByteReader rest(in.bytes(length));
  if (!in.ok()) return {};
  ProxyHeader header{Status::complete, kFixedSize + length, std::nullopt};
  // What such a header says besides is to be ignored.
  if (command == kLocal || family == kUnspecified) return header;
  if (family == kUnixStream) {
    rest.skip(2 * kUnixPath);
  } else {
    header.source = read_source(rest, family == kTcp4);
  }
  return fields_fit(rest) ? header : malformed();
}

// The beginning of a signature, or all of it and more.
bool may_begin(std::string_view text, std::string_view signature) {
  const std::size_t both = std::min(text.size(), signature.size());
  return text.substr(0, both) == signature.substr(0, both);
}

}  // namespace

ProxyHeader read_proxy_header(Bytes begun) {
  const std::string_view text = as_text(begun);
  if (may_begin(text, kSignature1)) {
    return text.size() < kSignature1.size() ? ProxyHeader{} : read_version1(text);
  }
  if (may_begin(text, kSignature2)) {
    return text.size() < kSignature2.size() ? ProxyHeader{} : read_version2(begun);
  }
  return malformed();
}

void append_proxy_header(std::string& out, const std::optional<ProxyEndpoint>& client) {
  ByteWriter writer(out);
  writer.text(kSignature2);
  const auto network_order = [&](std::size_t value) { writer.int1(value >> 8).int1(value); };
  if (!client) {
    writer.int1(kLocal).int1(kUnspecified);
    return network_order(0);
  }
  const std::size_t width = client->v4 ? 4 : 16;
  writer.int1(kProxy).int1(client->v4 ? kTcp4 : kTcp6);
  network_order(2 * width + 4);
  writer.bytes(Bytes(client->address).first(width)).zeros(width);
  network_order(client->port);
  writer.zeros(2);
}

}  // namespace weir::protocol
