#include "proxy/net/deferred.h"

#include <utility>

namespace weir {

Deferred::Deferred(uv_loop_t* loop) : prepare_(new uv_prepare_t) {
  uv_prepare_init(loop, prepare_);
  prepare_->data = this;
}

Deferred::~Deferred() {
  while (!calls_.empty() || !dying_.empty()) run();
  uv_close(reinterpret_cast<uv_handle_t*>(prepare_),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_prepare_t*>(closed); });
}

void Deferred::call(std::function<void()> action) {
  calls_.push_back(std::move(action));
  wake();
}

void Deferred::wake() {
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(prepare_)) == 0) {
    uv_prepare_start(prepare_, on_prepare);
  }
}

void Deferred::on_prepare(uv_prepare_t* handle) {
  auto* self = static_cast<Deferred*>(handle->data);
  while (!self->calls_.empty() || !self->dying_.empty()) self->run();
  uv_prepare_stop(handle);
}

void Deferred::run() {
  for (const auto& action : std::exchange(calls_, {})) action();
  // A call may have asked for more calls that need what is dying: those come first.
  if (calls_.empty()) std::exchange(dying_, {}).clear();
}

}  // namespace weir
