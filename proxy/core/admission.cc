#include "proxy/core/admission.h"

#include <algorithm>
#include <utility>

#include "proxy/core/worker_share.h"

namespace weir {

Admission::Admission(const OverloadConfig& config, unsigned workers, std::span<ServerWork> work,
                     TimePoint beat, std::function<TimePoint()> now, std::function<void()> wake)
    : work_(work),
      longest_line_(worker_share(config.queue, workers)),
      now_(std::move(now)),
      wake_(std::move(wake)) {
  const ConcurrencyLimit::Range range{worker_share(config.min_concurrency, workers),
                                      worker_share(config.max_concurrency, workers)};
  for (std::size_t i = 0; i < work.size(); ++i) {
    doors_.push_back({ConcurrencyLimit(range, beat), 0, 0, {}});
  }
}

Admission::Answer Admission::enter(AdmissionPlace& place, std::size_t server) {
  place.leave();
  Door& door = doors_[server];
  if (door.line.empty() && door.in_flight < door.limit.value()) {
    take_in(place, server);
    return Answer::inside;
  }
  if (door.line.size() >= longest_line_) {
    shed(server);
    return Answer::full;
  }
  place.admission_ = this;
  place.state_ = AdmissionPlace::State::in_line;
  place.server_ = server;
  door.line.push_back(&place);
  ++work_[server].queued;
  update(server);
  return Answer::in_line;
}

void Admission::pass(AdmissionPlace& place, std::size_t server) {
  place.leave();
  take_in(place, server);
}

void Admission::take_in(AdmissionPlace& place, std::size_t server) {
  Door& door = doors_[server];
  place.admission_ = this;
  place.state_ = AdmissionPlace::State::inside;
  place.server_ = server;
  ++door.in_flight;
  door.limit.begun(door.in_flight, now_());
  update(server);
}

void Admission::leave(AdmissionPlace& place) {
  const std::size_t server = place.server_;
  Door& door = doors_[server];
  const bool inside = place.inside();
  place.state_ = AdmissionPlace::State::outside;
  if (inside) {
    --door.in_flight;
    door.limit.ended(door.in_flight, now_());
  } else {
    door.line.erase(std::find(door.line.begin(), door.line.end(), &place));
    --work_[server].queued;
  }
  update(server);
}

void Admission::answered(std::size_t server, double microseconds) {
  Door& door = doors_[server];
  door.limit.answered(microseconds, door.in_flight, now_());
  update(server);
}

void Admission::failed(std::size_t server) {
  Door& door = doors_[server];
  door.limit.failed(door.in_flight, now_());
  update(server);
}

// After each change: whether others may come in, and whether somebody in line can.
void Admission::update(std::size_t server) {
  const Door& door = doors_[server];
  const bool has_room = door.in_flight < door.limit.value();
  work_[server].full = !has_room || !door.line.empty();
  if (has_room && !door.line.empty() && !std::exchange(woken_, true)) wake_();
}

bool Admission::has_room_to_spare(std::size_t server) const {
  const Door& door = doors_[server];
  return door.line.empty() && 2 * door.in_flight < door.limit.value();
}

void Admission::describe(std::size_t server, ServerLoad& load) const {
  const Door& door = doors_[server];
  load.limit = door.limit.value();
  load.in_line = door.line.size();
  load.shed = door.shed;
}

void Admission::serve() {
  woken_ = false;
  for (std::size_t server = 0; server < doors_.size(); ++server) {
    Door& door = doors_[server];
    // Looked at anew each time: whoever comes in may end at once, and others come.
    while (!door.line.empty() && door.in_flight < door.limit.value()) {
      AdmissionPlace& next = *door.line.front();
      door.line.pop_front();
      --work_[server].queued;
      take_in(next, server);
      next.waiter_.on_admitted();
    }
  }
}

void Admission::tick() {
  for (std::size_t server = 0; server < doors_.size(); ++server) {
    doors_[server].limit.look(doors_[server].in_flight, now_());
    update(server);
  }
}

}  // namespace weir
