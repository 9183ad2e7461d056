#include "proxy/net/stream_compression.h"

#include <algorithm>
#include <utility>

#include "proxy/net/shared_room.h"

namespace weir {
namespace {

using protocol::CompressedStream;

// What one read may become before the other connections have their turn: a few bytes can hold
// megabytes.
constexpr std::size_t kMaxUnpackedPerTurn = 1u << 20;

}  // namespace

void Stream::enable_compression(const CompressedStream::Options& options, CompressionShared& shared,
                                std::string received) {
  if (handle_ == nullptr || packing_ != nullptr) return;
  packing_ = std::make_unique<Packing>(options, shared);
  packing_->waiting = std::move(received);
  resume_packed();
}

void Stream::next_command() {
  if (packing_ != nullptr) packing_->packets.next_command();
}

std::optional<std::uint8_t> Stream::continued_answer() const {
  return packing_ != nullptr ? packing_->packets.continued_answer() : std::nullopt;
}

void Stream::write_packed(std::span<const Bytes> slices) {
  CompressionShared& shared = packing_->shared;
  Bytes plain = slices.empty() ? Bytes{} : slices.front();
  if (slices.size() > 1) {
    for (const Bytes slice : slices) shared.plain.append(protocol::as_text(slice));
    plain = protocol::as_bytes(shared.plain);
  }
  packing_->packets.append(shared.packed, plain, shared.compressor);
  const Bytes packed = protocol::as_bytes(shared.packed);
  if (!packed.empty()) write_down({&packed, 1});
  clear_room(shared.plain);
  clear_room(shared.packed);
}

void Stream::on_packed(std::span<std::uint8_t> in) {
  const std::size_t used = unpack(in);
  if (handle_ == nullptr) return;
  packing_->waiting.append(protocol::as_text(in.subspan(used)));
  resume_packed();
}

// The one place that decides, with compression, whether the socket is read: only when all that came
// before is worked off and more is wanted.
void Stream::resume_packed() {
  if (packing_->unpacking) return;  // decided when that is over
  const bool read = reading_ && packing_->idle();
  if (!read) {
    uv_read_stop(handle());
  } else if (const int error = uv_read_start(handle(), on_alloc, on_read);
             error != 0 && error != UV_EALREADY) {
    reading_ = false;
  }
  if (reading_ && !packing_->idle()) unpack_later();
}

// Hands on until there is no more, the handler wants no more, or others must have their turn.
// Returns how much of the input is done with.
std::size_t Stream::unpack(std::span<std::uint8_t> in) {
  packing_->unpacking = true;
  const std::size_t used = unpack_turn(in);
  packing_->unpacking = false;
  return used;
}

std::size_t Stream::unpack_turn(std::span<std::uint8_t> in) {
  std::size_t budget = kMaxUnpackedPerTurn;
  std::string& plain = packing_->plain;
  if (!plain.empty()) {
    const std::span<std::uint8_t> left(reinterpret_cast<std::uint8_t*>(plain.data()), plain.size());
    packing_->plain_at += hand_on(left.subspan(packing_->plain_at), budget);
    if (handle_ == nullptr || packing_->plain_at < plain.size()) return 0;
    std::string().swap(plain);
    packing_->plain_at = 0;
  }
  std::size_t used = 0;
  while (used < in.size() && reading_ && budget > 0) {
    const CompressedStream::Step step =
        packing_->packets.step(in.subspan(used), packing_->shared.compressor);
    used += step.consumed;
    if (step.event == CompressedStream::Event::malformed) end(kCannotUncompress);
    if (step.event == CompressedStream::Event::out_of_order) end(kPacketsOutOfOrder);
    const std::size_t taken = hand_on(step.bytes, budget);
    if (handle_ == nullptr) return in.size();
    plain = protocol::as_text(step.bytes.subspan(taken));
  }
  return used;
}

// In portions as large as a read, so that the handler can stop in between. Returns how much.
std::size_t Stream::hand_on(std::span<std::uint8_t> bytes, std::size_t& budget) {
  std::size_t at = 0;
  while (at < bytes.size() && reading_ && budget > 0 && handler_ != nullptr) {
    const std::size_t size = std::min(bytes.size() - at, ReadBuffer::kSize);
    budget -= std::min(budget, size);
    handler_->on_stream_read(bytes.subspan(at, size));
    if (handle_ == nullptr) return bytes.size();
    at += size;
  }
  return at;
}

void Stream::unpack_later() {
  if (packing_->resume == nullptr) {
    packing_->resume = new Resume{{}, this};
    uv_timer_init(loop_, &packing_->resume->timer);
    packing_->resume->timer.data = packing_->resume;
  }
  uv_timer_start(
      &packing_->resume->timer,
      [](uv_timer_t* timer) { static_cast<Resume*>(timer->data)->owner->unpack_waiting(); }, 0, 0);
}

void Stream::unpack_waiting() {
  if (handle_ == nullptr || !reading_) return;
  std::string in = std::exchange(packing_->waiting, {});
  const std::size_t used = unpack({reinterpret_cast<std::uint8_t*>(in.data()), in.size()});
  if (handle_ == nullptr) return;
  packing_->waiting = in.substr(used);
  resume_packed();
}

// The stream is closed or goes away.
void Stream::stop_unpacking() {
  if (packing_ == nullptr) return;
  Resume* resume = std::exchange(packing_->resume, nullptr);
  if (resume == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&resume->timer),
           [](uv_handle_t* closed) { delete static_cast<Resume*>(closed->data); });
}

}  // namespace weir
