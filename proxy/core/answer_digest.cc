#include "proxy/core/answer_digest.h"

#include <new>

#include "protocol/frame.h"
#include "protocol/response.h"

namespace weir {
namespace {

using protocol::ServerStatus;

// How the server went about it (slow, without a good index), and that there are reports for weir.
constexpr ServerStatus kBookkeeping = protocol::kStatusQueryWasSlow | protocol::kStatusNoIndexUsed |
                                      protocol::kStatusNoGoodIndexUsed |
                                      protocol::kStatusMetadataChanged |
                                      protocol::kStatusSessionStateChanged;

}  // namespace

AnswerDigest::AnswerDigest() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
}

// EVP_sha256() needs no memory of its own once the context has been used for it.
void AnswerDigest::begin() {
  if (EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
}

void AnswerDigest::add(protocol::Bytes bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

void AnswerDigest::add_ok(protocol::Bytes packet, protocol::Capabilities capabilities) {
  const auto ok = protocol::decode_ok(packet.subspan(protocol::kFrameHeaderSize), capabilities);
  if (!ok) return add(packet);
  add_number(ok->affected_rows);
  add_number(ok->last_insert_id);
  add_end(ok->status, ok->warnings);
  add(protocol::as_bytes(ok->info));
}

void AnswerDigest::add_eof(protocol::Bytes packet) {
  const auto eof = protocol::decode_eof(packet.subspan(protocol::kFrameHeaderSize));
  if (!eof) return add(packet);
  add_end(eof->status, eof->warnings);
}

AnswerDigest::Value AnswerDigest::finish() {
  Value value{};
  EVP_DigestFinal_ex(context_.get(), value.data(), nullptr);
  return value;
}

void AnswerDigest::add_number(std::uint64_t number) {
  std::array<std::uint8_t, 8> bytes;
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(number);
    number >>= 8;
  }
  add(bytes);
}

void AnswerDigest::add_end(ServerStatus status, std::uint16_t warnings) {
  add_number(static_cast<ServerStatus>(status & ~kBookkeeping));
  add_number(warnings);
}

}  // namespace weir
