// Text that must not stay behind in memory.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/byte_reader.h"

namespace weir::protocol {

// Sets up a heap for secrets: locked in memory, kept out of core dumps, between pages that cannot
// be touched. Once in a process, before there are other threads. `bytes` is a power of 2. False
// when it is not all of that; it is used as far as there is one.
bool set_up_secret_heap(std::size_t bytes);

// A password. It lives in one block of its own, which is overwritten before it is given back, and
// is copied only where the code says clone(). The block comes from the heap for secrets, when the
// program has set one up and it has room; from the ordinary heap otherwise.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  Secret clone() const { return Secret(view()); }

  // Valid until the secret is destroyed, assigned to or moved from.
  std::string_view view() const { return {data_, size_}; }
  bool empty() const { return size_ == 0; }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Overwrites the text, then empties it.
void wipe(std::string& text);

// True when both are the same bytes. Takes as long for a near miss as for a far one; the lengths
// are not hidden.
bool equal_in_constant_time(Bytes left, Bytes right);

}  // namespace weir::protocol
