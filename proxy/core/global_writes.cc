#include "proxy/core/global_writes.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

// Replicas that are worth a wait have been seen to be fresh within it.
constexpr Milliseconds kStretch{1000};

}  // namespace

void GlobalWrites::follow(TimePoint now) {
  if (followed()) return;
  const std::lock_guard lock(mutex_);
  last_ = std::max(last_, now);
  before_.begin = now_.begin = now;
  followed_.store(true, std::memory_order_release);
}

void GlobalWrites::add(TimePoint now, std::string_view gtids) {
  if (!followed()) return;
  const std::lock_guard lock(mutex_);
  last_ = std::max(last_, now);
  if (now - now_.begin >= kStretch) {
    before_ = std::exchange(now_, {});
    now_.begin = now;
  }
  if (gtids.empty()) {
    now_.writes.mark_unknown();
  } else {
    now_.writes.add(gtids);
  }
}

TimePoint GlobalWrites::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

WritePosition GlobalWrites::position_after(TimePoint fresh_until) const {
  const std::lock_guard lock(mutex_);
  WritePosition position = now_.writes;
  if (fresh_until < now_.begin) position.merge(before_.writes);
  if (fresh_until < before_.begin) position.mark_unknown();
  return position;
}

}  // namespace weir
