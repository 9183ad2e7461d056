#include "protocol/auth/caching_sha2.h"

#include <openssl/crypto.h>

#include "protocol/auth/digest.h"
#include "protocol/auth/secret.h"

namespace weir::protocol {

CachingSha2Verifier caching_sha2_verifier(std::string_view password) {
  Sha256Digest once = sha256(as_bytes(password));
  const CachingSha2Verifier twice = sha256(once);
  OPENSSL_cleanse(once.data(), once.size());  // enough to log in with
  return twice;
}

// Unlike the native method, the nonce comes last in the hash.
std::string caching_sha2_scramble(std::string_view password, const Nonce& nonce) {
  if (password.empty()) return {};
  Sha256Digest scramble = sha256(as_bytes(password));
  const CachingSha2Verifier verifier = sha256(scramble);
  xor_with(scramble, sha256(joined(verifier, nonce)));
  return std::string(as_text(scramble));
}

bool caching_sha2_verify(Bytes response, const Nonce& nonce, const CachingSha2Verifier& verifier) {
  if (response.size() != kCachingSha2ScrambleSize) return false;
  Sha256Digest once = sha256(joined(verifier, nonce));
  xor_with(once, response);
  const bool equal = equal_in_constant_time(sha256(once), verifier);
  OPENSSL_cleanse(once.data(), once.size());
  return equal;
}

}  // namespace weir::protocol
