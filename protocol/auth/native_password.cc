#include "protocol/auth/native_password.h"

#include <openssl/crypto.h>

#include "protocol/auth/digest.h"
#include "protocol/auth/secret.h"

namespace weir::protocol {

NativeVerifier native_verifier(std::string_view password) {
  Sha1Digest once = sha1(as_bytes(password));
  const NativeVerifier twice = sha1(once);
  OPENSSL_cleanse(once.data(), once.size());  // enough to log in with
  return twice;
}

std::string native_scramble(std::string_view password, const Nonce& nonce) {
  if (password.empty()) return {};
  Sha1Digest scramble = sha1(as_bytes(password));
  const NativeVerifier verifier = sha1(scramble);
  xor_with(scramble, sha1(joined(nonce, verifier)));
  return std::string(as_text(scramble));
}

// The mask that hid SHA1(password) can be made again from the verifier; what comes out from under
// it must hash to the verifier.
bool native_verify(Bytes response, const Nonce& nonce, const NativeVerifier& verifier) {
  if (response.size() != kNativeScrambleSize) return false;
  Sha1Digest once = sha1(joined(nonce, verifier));
  xor_with(once, response);
  const bool equal = equal_in_constant_time(sha1(once), verifier);
  OPENSSL_cleanse(once.data(), once.size());
  return equal;
}

}  // namespace weir::protocol
