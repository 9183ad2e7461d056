#include "proxy/auth/password_checks.h"

#include <memory>
#include <utility>

namespace weir {

struct PasswordChecks::Work {
  uv_work_t request{};
  PasswordChecks* checks;
  protocol::PasswordCheck check;
  Done done;
  std::optional<std::size_t> which = std::nullopt;
};

bool PasswordChecks::start(uv_loop_t* loop, protocol::PasswordCheck check, Done done) {
  if (under_way_.fetch_add(1) >= most_) {
    --under_way_;
    return false;
  }
  auto work = std::make_unique<Work>(Work{{}, this, std::move(check), std::move(done)});
  work->request.data = work.get();
  const int failed = uv_queue_work(
      loop, &work->request,
      [](uv_work_t* request) {
        auto& self = *static_cast<Work*>(request->data);
        self.which = self.check.run();
      },
      [](uv_work_t* request, int status) {
        const std::unique_ptr<Work> self(static_cast<Work*>(request->data));
        --self->checks->under_way_;
        if (status != 0) self->which.reset();
        self->done(std::move(self->check), self->which);
      });
  if (failed != 0) {
    --under_way_;
    return false;
  }
  work.release();  // libuv has it until the second call
  return true;
}

}  // namespace weir
