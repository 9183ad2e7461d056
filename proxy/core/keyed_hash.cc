#include "proxy/core/keyed_hash.h"

#include <sodium.h>

#include <array>
#include <cstring>

namespace weir {
namespace {

using Key = std::array<unsigned char, crypto_shorthash_KEYBYTES>;

Key make_key() noexcept {
  Key key;
  crypto_shorthash_keygen(key.data());
  return key;
}

}  // namespace

std::size_t keyed_hash(std::string_view text) noexcept {
  static const Key key = make_key();
  std::array<unsigned char, crypto_shorthash_BYTES> out{};
  crypto_shorthash(out.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                   key.data());
  std::size_t hash = 0;
  static_assert(sizeof hash == out.size());
  std::memcpy(&hash, out.data(), sizeof hash);
  return hash;
}

}  // namespace weir
