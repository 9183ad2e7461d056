#include "proxy/secrecy.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "protocol/auth/secret.h"

namespace weir {
namespace {

// Room for the passwords of tens of thousands of users, and well below the usual limit of 8 MiB on
// memory that a process may lock.
constexpr std::size_t kSecretHeap = 2u << 20;

void forbid_core_dumps() {
// The leak check at the end of such a build reads the process's memory as a debugger does.
#ifndef __SANITIZE_ADDRESS__
  const rlimit none{};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

}  // namespace

std::string guard_secrets() {
  forbid_core_dumps();
  if (protocol::set_up_secret_heap(kSecretHeap)) return "";
  return "passwords cannot be locked in memory and may be written to swap; allow the process to "
         "lock "
         "2 MiB (ulimit -l, LimitMEMLOCK)";
}

}  // namespace weir
