#include "protocol/auth/native_password.h"

#include <openssl/crypto.h>

#include "protocol/auth/digest.h"
#include "protocol/auth/secret.h"

namespace weir::protocol {
namespace {

// The mask that hid SHA1(password) can be made again from the verifier; what comes out from under
// it must hash to the verifier.
Sha1Digest unmasked(Bytes response, const Nonce& nonce, const NativeVerifier& verifier) {
  Sha1Digest once = sha1(joined(nonce, verifier));
  xor_with(once, response);
  return once;
}

}  // namespace

NativeVerifier native_verifier(std::string_view password) {
  Sha1Digest once = sha1(as_bytes(password));
  const NativeVerifier twice = sha1(once);
  OPENSSL_cleanse(once.data(), once.size());  // enough to log in with
  return twice;
}

std::string native_scramble(std::string_view password, const Nonce& nonce) {
  if (password.empty()) return {};
  Sha1Digest once = sha1(as_bytes(password));
  std::string scramble = native_scramble_of_key(as_text(once), nonce);
  OPENSSL_cleanse(once.data(), once.size());
  return scramble;
}

std::string native_scramble_of_key(std::string_view key, const Nonce& nonce) {
  Sha1Digest scramble = sha1(joined(nonce, sha1(as_bytes(key))));
  if (key.size() != scramble.size()) return {};
  xor_with(scramble, as_bytes(key));
  return std::string(as_text(scramble));
}

bool native_verify(Bytes response, const Nonce& nonce, const NativeVerifier& verifier) {
  if (response.size() != kNativeScrambleSize) return false;
  Sha1Digest once = unmasked(response, nonce, verifier);
  const bool equal = equal_in_constant_time(sha1(once), verifier);
  OPENSSL_cleanse(once.data(), once.size());
  return equal;
}

Secret native_key(Bytes response, const Nonce& nonce, const NativeVerifier& verifier) {
  if (response.size() != kNativeScrambleSize) return {};
  Sha1Digest once = unmasked(response, nonce, verifier);
  Secret key(as_text(once));
  OPENSSL_cleanse(once.data(), once.size());
  return key;
}

}  // namespace weir::protocol
