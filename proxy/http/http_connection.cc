#include "proxy/http/http_connection.h"

#include <utility>

#include "proxy/http/pages.h"

namespace weir::http {

HttpConnection::HttpConnection(std::unique_ptr<Stream> stream, HttpConnectionOwner& owner,
                               TimePoint began)
    : stream_(std::move(stream)), owner_(owner), began_(began) {
  stream_->set_handler(this);
}

void HttpConnection::on_stream_read(std::span<std::uint8_t> bytes) {
  head_ += protocol::as_text(bytes);
  const auto length = head_length(head_);
  if (length.value_or(head_.size()) > kLargestHead) {
    head_.clear();
    return answer(Pages::too_large());
  }
  if (!length) return;
  head_.resize(*length);
  // A peer that gives up now shows when the answer is written, or at the deadline.
  stream_->stop_reading();
  owner_.on_request(*this);
}

void HttpConnection::answer(std::string_view response) {
  answered_ = true;
  stream_->stop_reading();
  stream_->write(response);
  if (stream_->queued() == 0) end();
}

void HttpConnection::on_stream_drained() {
  if (answered_) end();
}

void HttpConnection::on_stream_ended(int) {
  end();
}

void HttpConnection::end() {
  if (stream_->closed()) return;
  stream_->close();
  owner_.on_done(*this);
}

}  // namespace weir::http
