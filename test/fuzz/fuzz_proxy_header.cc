// What connections of proxies begin with: however it is cut, the verdict comes when it can be
// given, never changes, and is bounded; what was read survives being written again. The first two
// bytes of the input choose the cut.

#include <algorithm>
#include <cstdlib>
#include <string>

#include "protocol/proxy_header.h"

namespace weir::protocol {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_cut(Bytes input, std::size_t cut, const ProxyHeader& whole) {
  const ProxyHeader part = read_proxy_header(input.first(cut));
  if (part.status == ProxyHeader::Status::more) {
    require(cut < kMaxProxyHeader);
    return;
  }
  require(part.status == whole.status && part.size == whole.size && part.source == whole.source);
}

void check(Bytes input, std::size_t cut) {
  const ProxyHeader header = read_proxy_header(input);
  check_cut(input, std::min(cut, input.size()), header);
  if (header.status == ProxyHeader::Status::more) require(input.size() < kMaxProxyHeader);
  if (header.status != ProxyHeader::Status::complete) return;
  require(header.size <= input.size() && header.size <= kMaxProxyHeader);
  require(read_proxy_header(input.first(header.size - 1)).status == ProxyHeader::Status::more);

  std::string written;
  append_proxy_header(written, header.source);
  const ProxyHeader again = read_proxy_header(as_bytes(written));
  require(again.status == ProxyHeader::Status::complete && again.size == written.size() &&
          again.source == header.source);
}

}  // namespace
}  // namespace weir::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::protocol;
  if (size < 2) return 0;
  const std::size_t cut = static_cast<std::size_t>(data[0]) << 8 | data[1];
  check(Bytes(data + 2, size - 2), cut);
  return 0;
}
