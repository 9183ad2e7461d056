#include "proxy/session/reply_relay.h"

namespace weir {

void ReplyRelay::add(Stream& to, Bytes bytes) {
  if (bytes.empty()) return;
  if (count_ > 0) {
    Bytes& last = slices_[count_ - 1];
    if (last.data() + last.size() == bytes.data()) {
      last = Bytes(last.data(), last.size() + bytes.size());
      return;
    }
  }
  if (count_ == kSlices) flush(to);
  slices_[count_++] = bytes;
}

void ReplyRelay::add_copy(Stream& to, Bytes bytes) {
  // Makes room for the slice, too: add() must not flush, which forgets what the slice points at.
  if (count_ == kSlices || scratch_.size() + bytes.size() > kScratch) {
    flush(to);
    if (bytes.size() > kScratch) {
      ++writes_;
      return to.write({bytes});
    }
  }
  const std::size_t at = scratch_.size();
  scratch_.append(protocol::as_text(bytes));
  add(to, protocol::as_bytes(scratch_).subspan(at));
}

void ReplyRelay::flush(Stream& to) {
  if (count_ > 0) {
    ++writes_;
    to.write(std::span<const Bytes>(slices_.data(), count_));
  }
  clear();
}

void ReplyRelay::clear() {
  count_ = 0;
  scratch_.clear();
}

}  // namespace weir
