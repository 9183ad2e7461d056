#include "proxy/secrecy.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "protocol/auth/secret.h"

namespace weir {

// Not in builds whose end is a search for leaks: that reads the process's memory as a debugger
// does, and does not look for pointers in the heap for secrets, where OpenSSL keeps some of its
// own.
#ifdef __SANITIZE_ADDRESS__

std::string guard_secrets() {
  return "";
}

#else

namespace {

// Room for the passwords of tens of thousands of users, and well below the usual limit of 8 MiB on
// memory that a process may lock.
constexpr std::size_t kSecretHeap = 2u << 20;

}  // namespace

std::string guard_secrets() {
  const rlimit none{};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
  if (protocol::set_up_secret_heap(kSecretHeap)) return "";
  return "passwords cannot be locked in memory and may be written to swap; allow the process to "
         "lock 2 MiB (ulimit -l, LimitMEMLOCK)";
}

#endif

}  // namespace weir
