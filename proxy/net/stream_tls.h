// The part of Stream that encrypts and decrypts, for connections that agreed on TLS.

#pragma once

#include <array>
#include <memory>
#include <string>

#include "proxy/net/stream.h"
#include "proxy/net/tls_session.h"

namespace weir {

// What the encrypted streams of a worker share, so that an idle one owns no buffer.
struct TlsShared {
  // A read, and the part of a record that came with the one before.
  std::array<std::uint8_t, ReadBuffer::kSize + (16u << 10)> plain;
  std::string joined;  // what is to be encrypted, put together
  std::string sealed;  // the same, encrypted
};

struct Stream::Sealing {
  std::unique_ptr<TlsSession> session;
  TlsShared& shared;
  std::string early;  // written before the handshake was over
};

}  // namespace weir
