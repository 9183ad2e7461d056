// Compares passwords with slow hashes off the loops' threads. Shared by all workers.

#pragma once

#include <uv.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>

#include "protocol/auth/account.h"

namespace weir {

class PasswordChecks {
 public:
  // A check takes some milliseconds of a thread of libuv's pool, of which there are four: whoever
  // would have to wait for longer than about half a second is turned away, or strangers could fill
  // memory with guesses.
  static constexpr std::size_t kMost = 256;

  // Told from the loop, never from inside start(). Gets the check back.
  using Done = std::function<void(protocol::PasswordCheck, std::optional<std::size_t> which)>;

  explicit PasswordChecks(std::size_t most = kMost) : most_(most) {}

  // False when too many are under way; `done` is not called then. The loop keeps running until it
  // was called. This object outlives that.
  [[nodiscard]] bool start(uv_loop_t* loop, protocol::PasswordCheck check, Done done);

 private:
  struct Work;

  const std::size_t most_;
  std::atomic<std::size_t> under_way_{0};
};

}  // namespace weir
