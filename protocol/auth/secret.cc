#include "protocol/auth/secret.h"

#include <openssl/crypto.h>

#include <cstring>
#include <new>
#include <utility>

namespace weir::protocol {

bool set_up_secret_heap(std::size_t bytes) {
  constexpr std::size_t kSmallestBlock = 16;
  return CRYPTO_secure_malloc_init(bytes, kSmallestBlock) == 1;
}

Secret::Secret(std::string_view text) {
  if (text.empty()) return;
  data_ = static_cast<char*>(OPENSSL_secure_malloc(text.size()));
  // A secure heap that is full is no reason to turn a client away.
  if (data_ == nullptr) data_ = static_cast<char*>(OPENSSL_malloc(text.size()));
  if (data_ == nullptr) throw std::bad_alloc();
  size_ = text.size();
  std::memcpy(data_, text.data(), size_);
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  // The old text leaves with `taken`; assignment from itself keeps it.
  Secret taken(std::move(other));
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  return *this;
}

Secret::~Secret() {
  // Finds out by itself which heap the block came from; overwrites it in both cases.
  OPENSSL_secure_clear_free(data_, size_);
}

void wipe(std::string& text) {
  // What the text was longer by earlier is still behind its end.
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

bool equal_in_constant_time(Bytes left, Bytes right) {
  if (left.size() != right.size()) return false;
  if (left.empty()) return true;
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace weir::protocol
