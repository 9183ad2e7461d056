// A checksum of a server's answer to one command, over all that tells the client something: equal
// for two answers that a client cannot tell apart but for the server's own bookkeeping.

#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>

#include "protocol/byte_reader.h"
#include "protocol/capabilities.h"
#include "protocol/server_status.h"

namespace weir {

class AnswerDigest {
 public:
  using Value = std::array<std::uint8_t, 32>;  // SHA-256

  AnswerDigest();

  // Begins an answer; whatever was added before is forgotten.
  void begin();
  // Bytes of the answer as the client gets them. How they were cut on the way does not matter.
  void add(protocol::Bytes bytes);
  // The packet that ends the answer or a part of it, frame header included: an OK, or an EOF.
  // `capabilities` are those of the connection that it came from.
  void add_ok(protocol::Bytes packet, protocol::Capabilities capabilities);
  void add_eof(protocol::Bytes packet);
  // Of what was added since begin().
  Value finish();

 private:
  void add_number(std::uint64_t number);
  void add_end(protocol::ServerStatus status, std::uint16_t warnings);

  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace weir
