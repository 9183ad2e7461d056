#include "proxy/http/pages.h"

#include <string>

#include "test/support/catch.h"

namespace weir::http {
namespace {

Snapshot empty_snapshot() {
  Snapshot snapshot;
  snapshot.config = std::make_shared<Config>();
  snapshot.topology = std::make_shared<Topology>();
  return snapshot;
}

std::string ask(const std::string& head) {
  Pages pages;
  return pages.answer(head, empty_snapshot(), true).value_or("");
}

std::string ask_line(const std::string& line) {
  return ask(line + "\r\nHost: weir\r\n\r\n");
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("pages: each request has its status", "[http]") {
  const struct {
    const char* line;
    const char* status;
  } rows[] = {
      {"GET /healthz HTTP/1.1", "200"},
      {"GET /healthz HTTP/1.0", "200"},
      {"GET /healthz?verbose=1 HTTP/1.1", "200"},
      {"HEAD /healthz HTTP/1.1", "200"},
      {"GET /readyz HTTP/1.1", "503"},
      {"HEAD /readyz HTTP/1.1", "503"},
      {"GET /metrics HTTP/1.1", "200"},
      {"GET / HTTP/1.1", "404"},
      {"GET /healthz/ HTTP/1.1", "404"},
      {"GET /../../etc/passwd HTTP/1.1", "404"},
      {"GET /%00 HTTP/1.1", "404"},
      {"POST /healthz HTTP/1.1", "405"},
      {"PUT /nothing HTTP/1.1", "405"},
      {"DELETE /metrics HTTP/1.1", "405"},
      {"OPTIONS /healthz HTTP/1.1", "405"},
      {"BREW /healthz HTTP/1.1", "400"},
      {"GET /healthz HTTP/3.0", "400"},
      {"GET  HTTP/1.1", "400"},
      {"\x16\x03\x01 what TLS begins with", "400"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.line);
    const std::string answer = ask_line(row.line);
    CHECK(answer.substr(0, 12) == std::string("HTTP/1.1 ") + row.status);
    CHECK(contains(answer, "\r\nConnection: close\r\n"));
    CHECK(contains(answer, "\r\nContent-Length: "));
  }
}

TEST_CASE("pages: bodies", "[http]") {
  const auto body = [](const std::string& answer) {
    return answer.substr(head_length(answer).value_or(answer.size()));
  };
  CHECK(body(ask_line("GET /healthz HTTP/1.1")) == "ok\n");
  CHECK(body(ask_line("HEAD /healthz HTTP/1.1")).empty());
  CHECK(contains(body(ask_line("GET /readyz HTTP/1.1")), "\"ready\": false"));
  CHECK(contains(body(ask_line("GET /metrics HTTP/1.1")), "\nweir_scrape_complete 0\n"));
  const std::string lost = body(ask_line("GET /metric HTTP/1.1"));
  for (const char* path : {"/healthz", "/readyz", "/metrics"}) CHECK(contains(lost, path));
}

TEST_CASE("pages: with a token, what shows something is for those who have it", "[http]") {
  const auto config = std::make_shared<Config>();
  config->auth.http_token = "0123456789abcdef";
  Snapshot snapshot = empty_snapshot();
  snapshot.config = config;
  const auto ask_with = [&](const std::string& line, const std::string& header) {
    Pages pages;
    // Whoever may not know costs the workers nothing.
    const auto answer = pages.answer(line + " HTTP/1.1\r\n" + header + "\r\n", snapshot, false);
    return answer.value_or("HTTP/1.1 200, once the workers were asked");
  };
  const std::string right = "Authorization: Bearer 0123456789abcdef\r\n";
  for (const std::string& header :
       {right, std::string("authorization: bearer  0123456789abcdef\r\n"),
        std::string("X: y\r\nAUTHORIZATION: BEARER 0123456789abcdef\r\n")}) {
    CAPTURE(header);
    CHECK(contains(ask_with("GET /metrics", header), "HTTP/1.1 200"));
    CHECK(contains(ask_with("HEAD /metrics", header), "HTTP/1.1 200"));
    CHECK(contains(ask_with("GET /nothing", header), "HTTP/1.1 404"));
    CHECK(contains(ask_with("GET /readyz", header), "\"servers\": "));
  }
  for (const std::string& header :
       {std::string(), std::string("Authorization: Bearer 0123456789abcdee\r\n"),
        std::string("Authorization: Bearer 0123456789abcde\r\n"),
        std::string("Authorization: Bearer 0123456789abcdef0\r\n"),
        std::string("Authorization: Bearer\r\n"), std::string("Authorization: Bearer \r\n"),
        std::string("Authorization: 0123456789abcdef\r\n"),
        std::string("Authorization: Basic 0123456789abcdef\r\n"),
        std::string("X-Authorization: Bearer 0123456789abcdef\r\n")}) {
    CAPTURE(header);
    for (const char* line : {"GET /metrics", "HEAD /metrics", "GET /%6Detrics", "GET /", "GET /x",
                             "GET /metrics?token=0123456789abcdef"}) {
      CAPTURE(line);
      const std::string refusal = ask_with(line, header);
      CHECK(contains(refusal, "HTTP/1.1 401"));
      CHECK(contains(refusal, "\r\nWWW-Authenticate: Bearer realm=\"weir\"\r\n"));
      CHECK_FALSE(contains(refusal, "0123456789"));
    }
    CHECK(contains(ask_with("GET /healthz", header), "HTTP/1.1 200"));
    const std::string ready = ask_with("GET /readyz", header);
    CHECK(contains(ready, "HTTP/1.1 503"));
    CHECK(contains(ready, "\"mode\": \"none\""));
    CHECK_FALSE(contains(ready, "servers"));
    CHECK(contains(ask_with("POST /metrics", header), "HTTP/1.1 405"));
  }
}

TEST_CASE("pages: only metrics need the workers", "[http]") {
  Pages pages;
  const Snapshot snapshot = empty_snapshot();
  CHECK(pages.answer("GET /healthz HTTP/1.1\r\n\r\n", snapshot, false));
  CHECK(pages.answer("GET /readyz HTTP/1.1\r\n\r\n", snapshot, false));
  CHECK_FALSE(pages.answer("GET /metrics HTTP/1.1\r\n\r\n", snapshot, false));
  CHECK_FALSE(pages.answer("HEAD /%6Detrics HTTP/1.1\r\n\r\n", snapshot, false));
  CHECK(pages.answer("GET /metrics HTTP/1.1\r\n\r\n", snapshot, true));
}

TEST_CASE("pages: strange headers are harmless", "[http]") {
  const auto with = [](const std::string& header) {
    return ask("GET /metrics HTTP/1.1\r\n" + header + "\r\n\r\n");
  };
  const std::string plain = with("Host: weir");
  std::string ranges = "range: bytes=";
  while (ranges.size() < kLargestHead - 100) ranges += "0-,";
  for (const std::string& header :
       {ranges + "0-", std::string("Range: bytes=0-1"), std::string("Range : bytes=5-1"),
        std::string("Content-Length: 99999999999999999999"), std::string("Content-Length: 100"),
        std::string("Transfer-Encoding: chunked"), std::string("Connection: keep-alive"),
        std::string(kLargestHead - 100, 'a'), std::string(":"), std::string(1000, '%')}) {
    CAPTURE(header.substr(0, 40));
    const std::string answer = with(header);
    CHECK(answer.substr(0, 15) == "HTTP/1.1 200 OK");
    CHECK(answer.size() == plain.size());
  }
}

TEST_CASE("pages: a head ends with an empty line", "[http]") {
  CHECK_FALSE(head_length(""));
  CHECK_FALSE(head_length("GET / HTTP/1.1\r\nHost: a\r\n\r"));
  CHECK(head_length("GET / HTTP/1.1\r\n\r\nmore") == 18u);
}

}  // namespace
}  // namespace weir::http
