#include "proxy/monitor/dead_key.h"

#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

#include "protocol/auth/rsa_key.h"

namespace weir {

DeadKey::DeadKey() : descriptor_(memfd_create("weir", MFD_CLOEXEC)) {
  const auto key = protocol::RsaKey::generate();
  if (descriptor_ >= 0 && key) {
    const std::string& pem = key->public_pem();
    if (::write(descriptor_, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size())) return;
  }
  if (descriptor_ >= 0) ::close(descriptor_);
  throw std::runtime_error("cannot make a key for the monitor's logins");
}

DeadKey::~DeadKey() {
  ::close(descriptor_);
}

std::string DeadKey::path() const {
  return "/proc/self/fd/" + std::to_string(descriptor_);
}

}  // namespace weir
