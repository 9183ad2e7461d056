// HTTP without sockets: the bytes of a request in, the bytes of the answer out.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/snapshot.h"

namespace weir::http {

// A request's first line and header together; nothing that probes and Prometheus send comes near.
inline constexpr std::size_t kLargestHead = 4096;

// The length of the request's head at the beginning of `bytes`, its empty line included. Nothing:
// it is not there as a whole yet.
std::optional<std::size_t> head_length(std::string_view bytes);

// GET and HEAD of /healthz, /readyz and /metrics. Every answer ends its connection, and the bodies
// of requests are ignored. With auth.http_token, whoever does not send it gets the first page, the
// bare verdict of the second, and 401 for everything else.
class Pages {
 public:
  Pages();
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  // `head` is whole. Nothing is returned when the page shows what workers count and `workers_asked`
  // is false: ask them, and call again.
  std::optional<std::string> answer(std::string_view head, const Snapshot& snapshot,
                                    bool workers_asked);
  // To a head beyond kLargestHead.
  static std::string too_large();

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace weir::http
