// One client of the HTTP server: reads one request's head, is given the answer, ends. Loop thread
// only.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/core/topology.h"
#include "proxy/net/stream.h"

namespace weir::http {

class HttpConnection;

// Told once each, and not from inside a call of its own.
class HttpConnectionOwner {
 public:
  // The head is there; answer() may be called at once or later.
  virtual void on_request(HttpConnection& connection) = 0;
  // To be deleted, but not from inside the call.
  virtual void on_done(HttpConnection& connection) = 0;

 protected:
  ~HttpConnectionOwner() = default;
};

class HttpConnection final : private StreamHandler {
 public:
  // `stream` is connected; `began` is now. The owner outlives the connection.
  HttpConnection(std::unique_ptr<Stream> stream, HttpConnectionOwner& owner, TimePoint began);

  void start() { stream_->start_reading(); }
  // The request's head, once on_request() was called.
  const std::string& head() const { return head_; }
  TimePoint began() const { return began_; }
  void answer(std::string_view response);
  // Ends it, whatever it is about.
  void end();

 private:
  void on_stream_read(std::span<std::uint8_t> bytes) override;
  void on_stream_ended(int error) override;
  void on_stream_drained() override;

  std::unique_ptr<Stream> stream_;
  HttpConnectionOwner& owner_;
  const TimePoint began_;
  std::string head_;
  bool answered_ = false;
};

}  // namespace weir::http
