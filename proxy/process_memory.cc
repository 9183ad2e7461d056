#include "proxy/process_memory.h"

#include <malloc.h>

#include "proxy/http/process_usage.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Theirs is another heap. As in <sanitizer/allocator_interface.h>, which not every system has.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace weir {
namespace {

std::size_t allocated() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return __sanitizer_get_current_allocated_bytes();
#else
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

}  // namespace

std::size_t memory_in_use(std::size_t enough) {
  const std::size_t resident = http::resident_bytes().value_or(enough);
  return resident < enough ? resident : allocated();
}

}  // namespace weir
