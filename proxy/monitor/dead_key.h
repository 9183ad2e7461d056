// A public RSA key whose private half nobody has.

#pragma once

#include <string>

namespace weir {

// The client library encrypts a password for whatever key an unencrypted server shows it, also when
// TLS is wanted and somebody in between has taken it away. Told to use this key, it tells nobody
// anything. As a file that has no name, for as long as this object lives.
class DeadKey {
 public:
  // Throws std::runtime_error when there is no randomness or memory. Takes as long as
  // protocol::RsaKey::generate().
  DeadKey();
  ~DeadKey();
  DeadKey(const DeadKey&) = delete;
  DeadKey& operator=(const DeadKey&) = delete;

  // For this process only.
  std::string path() const;

 private:
  int descriptor_;
};

}  // namespace weir
