// Who may begin a statement on which server, and who waits in line in front of it: what one worker
// lets through, so that servers have no more to do at a time than they are good at. Pure: on one
// thread, without a loop.
//
//                 ┌── inside: counts as in flight until it leaves
//   enter() ──────┼── in line: until a place comes free, in the order of arrival
//                 └── neither: the line is full
//   pass() ─────────> inside, whatever the limit says: what may hold locks there is not held up

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/core/concurrency_limit.h"
#include "proxy/core/server_load.h"
#include "proxy/core/server_work.h"

namespace weir {

class Admission;

// Waits in line. Told from serve(), never from inside another call.
class AdmissionWaiter {
 public:
  // Its place is inside now.
  virtual void on_admitted() = 0;

 protected:
  ~AdmissionWaiter() = default;
};

// Where one statement is: outside, in line, or inside of a server. Leaves when it is destroyed. The
// Admission outlives it, and knows it by its address.
class AdmissionPlace {
 public:
  explicit AdmissionPlace(AdmissionWaiter& waiter) : waiter_(waiter) {}
  ~AdmissionPlace() { leave(); }
  AdmissionPlace(const AdmissionPlace&) = delete;
  AdmissionPlace& operator=(const AdmissionPlace&) = delete;

  bool in_line() const { return state_ == State::in_line; }
  bool inside() const { return state_ == State::inside; }
  bool inside(std::size_t server) const { return inside() && server_ == server; }
  // Of a place that is not outside.
  std::size_t server() const { return server_; }
  void leave();

 private:
  friend class Admission;
  enum class State : std::uint8_t { outside, in_line, inside };

  AdmissionWaiter& waiter_;
  Admission* admission_ = nullptr;
  State state_ = State::outside;
  std::size_t server_ = 0;
};

class Admission {
 public:
  // `work` is that of the worker, by server, and outlives this. The limits of `config` are those of
  // all workers: each keeps to its share. `beat`: see ConcurrencyLimit. `wake` is called when
  // serve() has something to do; it must not call it at once. `now` tells the time.
  Admission(const OverloadConfig& config, unsigned workers, std::span<ServerWork> work,
            TimePoint beat, std::function<TimePoint()> now, std::function<void()> wake);

  enum class Answer : std::uint8_t { inside, in_line, full };
  // Leaves where the place was before. `full`: the line is as long as it may be.
  Answer enter(AdmissionPlace& place, std::size_t server);
  // Goes in whatever the limit says.
  void pass(AdmissionPlace& place, std::size_t server);
  // One that was in line has been turned away.
  void shed(std::size_t server) { ++doors_[server].shed; }

  // The answer has begun, so long after the statement was sent.
  void answered(std::size_t server, double microseconds);
  // The server was lost with it.
  void failed(std::size_t server);

  // Less than half of the limit is in use.
  bool has_room_to_spare(std::size_t server) const;
  std::uint32_t limit(std::size_t server) const { return doors_[server].limit.value(); }
  std::size_t in_line(std::size_t server) const { return doors_[server].line.size(); }
  // Adds what there is to say of a server.
  void describe(std::size_t server, ServerLoad& load) const;

  // Lets in whom there is room for.
  void serve();
  // To be called about ten times a second.
  void tick();

 private:
  friend class AdmissionPlace;

  struct Door {
    ConcurrencyLimit limit;
    std::uint32_t in_flight = 0;
    std::uint64_t shed = 0;
    std::deque<AdmissionPlace*> line;  // in the order of arrival
  };

  void leave(AdmissionPlace& place);
  void take_in(AdmissionPlace& place, std::size_t server);
  void update(std::size_t server);

  std::span<ServerWork> work_;
  std::size_t longest_line_;
  std::function<TimePoint()> now_;
  std::function<void()> wake_;
  std::vector<Door> doors_;
  bool woken_ = false;
};

inline void AdmissionPlace::leave() {
  if (state_ != State::outside) admission_->leave(*this);
}

}  // namespace weir
