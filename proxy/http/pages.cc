#include "proxy/http/pages.h"

#include <httplib.h>
#include <spdlog/spdlog.h>
#include <strings.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "protocol/auth/secret.h"
#include "proxy/http/metrics.h"
#include "proxy/http/readiness.h"

namespace weir::http {
namespace {

constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kJson[] = "application/json";
constexpr char kPaths[] =
    "There are:\n"
    "  /healthz  weir lives\n"
    "  /readyz   weir can serve clients, or why it cannot\n"
    "  /metrics  for Prometheus\n";

// A request that is there as a whole, and the place for its answer. Versions of the library differ
// in what a stream must have, so not every function overrides one.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string_view request) : rest_(request) {}

  const std::string& answer() const { return answer_; }

  // NOLINTBEGIN(modernize-use-override)
  bool is_readable() const { return true; }
  bool is_writable() const { return true; }
  bool wait_readable() const { return true; }
  bool wait_writable() const { return true; }
  ssize_t read(char* out, std::size_t size) {
    const std::size_t count = rest_.copy(out, size);
    rest_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  using httplib::Stream::write;
  ssize_t write(const char* bytes, std::size_t size) {
    answer_.append(bytes, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const {}
  void get_local_ip_and_port(std::string&, int&) const {}
  socket_t socket() const { return INVALID_SOCKET; }
  time_t duration() const { return 0; }
  // NOLINTEND(modernize-use-override)

 private:
  std::string_view rest_;
  std::string answer_;
};

// Ranges of a page that changes with each look make no sense, and the library reads them with
// regular expressions that recurse as deep as the text is long.
std::string without_ranges(std::string_view head) {
  constexpr std::string_view kRange = "range:";
  std::string out;
  while (!head.empty()) {
    const std::size_t end = head.find('\n');
    const std::string_view line = head.substr(0, end == head.npos ? end : end + 1);
    head.remove_prefix(line.size());
    const std::string_view name = line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
    const bool range =
        name.size() >= kRange.size() && strncasecmp(name.data(), kRange.data(), kRange.size()) == 0;
    if (!range) out += line;
  }
  return out;
}

// What somebody who is nobody may ask: load balancers and orchestrators send no token.
bool is_open(std::string_view path) {
  return path == "/healthz" || path == "/readyz";
}

// "Bearer TOKEN"; the word in any letter case.
bool has_token(std::string_view header, std::string_view token) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() < kScheme.size() ||
      strncasecmp(header.data(), kScheme.data(), kScheme.size()) != 0) {
    return false;
  }
  header.remove_prefix(kScheme.size());
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return protocol::equal_in_constant_time(protocol::as_bytes(header), protocol::as_bytes(token));
}

}  // namespace

class Pages::Server : public httplib::Server {
 public:
  Server();

  std::optional<std::string> answer(std::string_view head, const Snapshot& snapshot,
                                    bool workers_asked) {
    snapshot_ = &snapshot;
    workers_asked_ = workers_asked;
    workers_wanted_ = false;
    const std::string request = without_ranges(head);
    MemoryStream stream(request);
    process(*this, stream);
    snapshot_ = nullptr;
    if (workers_wanted_) return std::nullopt;
    return stream.answer();
  }

 private:
  using Request = httplib::Request;
  using Response = httplib::Response;

  // A template, because older versions of the library know only the first form, and newer ones only
  // the second.
  template <class Self>
  static void process(Self& self, httplib::Stream& stream) {
    const std::function<void(Request&)> set_up = [](Request& request) { request.ranges.clear(); };
    bool closed = false;
    if constexpr (requires { self.process_request(stream, true, closed, set_up); }) {
      self.process_request(stream, true, closed, set_up);
    } else {
      self.process_request(stream, {}, 0, {}, 0, true, closed, set_up);
    }
  }
  static void refuse_method(Response& response);
  static void ask_for_token(Response& response);
  bool may_read(const Request& request) const;
  void ready(const Request& request, Response& response) const;
  void metrics(Response& response);

  // Only while answer() runs.
  const Snapshot* snapshot_ = nullptr;
  bool workers_asked_ = false;
  bool workers_wanted_ = false;
};

Pages::Server::Server() {
  set_default_headers({{"Cache-Control", "no-store"}, {"Accept-Ranges", "none"}});
  set_pre_routing_handler([this](const Request& request, Response& response) {
    if (request.method != "GET" && request.method != "HEAD") {
      refuse_method(response);
    } else if (!is_open(request.path) && !may_read(request)) {
      ask_for_token(response);
    } else {
      return HandlerResponse::Unhandled;
    }
    return HandlerResponse::Handled;
  });
  Get("/healthz", [](const Request&, Response& response) { response.set_content("ok\n", kText); });
  Get("/readyz", [this](const Request& request, Response& response) { ready(request, response); });
  Get("/metrics", [this](const Request&, Response& response) { metrics(response); });
  set_error_handler([](const Request&, Response& response) {
    if (response.status == 404) response.set_content(std::string("Not found. ") + kPaths, kText);
  });
  set_exception_handler([](const Request& request, Response& response, std::exception_ptr thrown) {
    try {
      std::rethrow_exception(std::move(thrown));
    } catch (const std::exception& error) {
      spdlog::error("HTTP: {} failed: {}", request.path, error.what());
    }
    response.status = 500;
    response.set_content("Failed; the log of weir says why.\n", kText);
  });
}

void Pages::Server::refuse_method(Response& response) {
  response.status = 405;
  response.set_header("Allow", "GET, HEAD");
  response.set_content("Only GET and HEAD are answered here.\n", kText);
}

bool Pages::Server::may_read(const Request& request) const {
  const std::string& token = snapshot_->config->auth.http_token;
  return token.empty() || has_token(request.get_header_value("Authorization"), token);
}

void Pages::Server::ask_for_token(Response& response) {
  response.status = 401;
  response.set_header("WWW-Authenticate", "Bearer realm=\"weir\"");
  response.set_content(
      "Not without the token of auth.http_token: send \"Authorization: Bearer TOKEN\".\n", kText);
}

void Pages::Server::ready(const Request& request, Response& response) const {
  const Readiness verdict =
      judge_readiness(*snapshot_->topology, snapshot_->config->routing, snapshot_->draining);
  response.status = verdict.ready ? 200 : 503;
  response.set_content(may_read(request) ? verdict.json : verdict.brief, kJson);
}

void Pages::Server::metrics(Response& response) {
  workers_wanted_ = !workers_asked_;
  if (workers_asked_) response.set_content(metrics_text(*snapshot_), kMetricsType);
}

std::optional<std::size_t> head_length(std::string_view bytes) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const std::size_t at = bytes.find(kEnd);
  if (at == bytes.npos) return std::nullopt;
  return at + kEnd.size();
}

Pages::Pages() : server_(std::make_unique<Server>()) {}
Pages::~Pages() = default;

std::optional<std::string> Pages::answer(std::string_view head, const Snapshot& snapshot,
                                         bool workers_asked) {
  return server_->answer(head, snapshot, workers_asked);
}

std::string Pages::too_large() {
  return "HTTP/1.1 431 Request Header Fields Too Large\r\n"
         "Connection: close\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace weir::http
