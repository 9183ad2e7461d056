// Things to do once the current callbacks have returned: deleting objects that may still be on the
// call stack, and telling news that must not be told from inside a call. Loop thread only.

#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <vector>

namespace weir {

class Deferred {
 public:
  explicit Deferred(uv_loop_t* loop);
  ~Deferred();
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

  // Called before the loop waits again. What it refers to must live until then, which destroy()
  // grants.
  void call(std::function<void()> action);

  // Deletes the object after all calls that are due have been made.
  template <typename T>
  void destroy(std::unique_ptr<T> object) {
    if (object == nullptr) return;
    dying_.emplace_back(object.release(), [](void* raw) { delete static_cast<T*>(raw); });
    wake();
  }

 private:
  using Dying = std::unique_ptr<void, void (*)(void*)>;
  static void on_prepare(uv_prepare_t* handle);
  void wake();
  void run();

  uv_prepare_t* prepare_;
  std::vector<std::function<void()>> calls_;
  std::vector<Dying> dying_;
};

}  // namespace weir
