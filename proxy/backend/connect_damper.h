// Keeps a worker from storming a server that cannot be reached: one connection at a time tries,
// after a pause that grows, and whoever else wants one is told at once what the last try found.

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "proxy/core/topology.h"

namespace weir {

class ConnectDamper {
 public:
  // False: not now, see why(). True: go ahead, and tell how it went with one of the other two.
  bool may_try(TimePoint now) {
    if (failures_ == 0) return true;
    if (trying_ || now < next_) return false;
    return trying_ = true;
  }
  void succeeded() {
    failures_ = 0;
    trying_ = false;
  }
  // `random` is any number.
  void failed(TimePoint now, std::string why, std::uint64_t random) {
    failures_ = std::min(failures_ + 1, kMostFailures);
    trying_ = false;
    const Milliseconds pause = kFirstPause * (1 << (failures_ - 1));
    next_ = now + pause / 2 + pause * static_cast<Milliseconds::rep>(random % 100) / 200;
    why_ = std::move(why);
  }
  // A try ended, and says nothing about the server.
  void gave_up() { trying_ = false; }
  const std::string& why() const { return why_; }

 private:
  static constexpr Milliseconds kFirstPause{25};
  static constexpr unsigned kMostFailures = 5;  // 400 ms at most

  unsigned failures_ = 0;  // in a row
  bool trying_ = false;
  TimePoint next_{};
  std::string why_;
};

}  // namespace weir
